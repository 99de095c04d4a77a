"""Which recipe teaches a student most for its arithmetic, chosen on development problems.

``python -m tests.benchmarks.recipes prepare DIR --sizes 400 1000 --seeds 1 2`` curates the demo's pool at each size
and draws the development problems; ``… compare DIR RECIPE RECIPE …`` distils and examines one student for
each recipe and seed. A recipe is ``traces=1000,epochs=2,first_layer=12``, or any other field of `DistillConfig`.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import msgspec
import torch

from workbench.distillation import DistillConfig, distill, encode_traces
from workbench.estimates import distill_flops
from workbench.evaluation import STUDENT, DecodingConfig, answer_problems
from workbench.grading import grade_all
from workbench.progress import silent
from workbench.records import Problem, Trace, read_records, write_records
from workbench.students import load_student

STUDENT_NAME = "smollm2-135m"


def prepare(folder: Path, sizes: Sequence[int], seeds: Sequence[int], per_family: int) -> None:
    """Writes ``SEED-SIZE.jsonl``, what is learnt, and ``devSEED.jsonl``, what is asked."""
    from workbench.curation import CurationConfig
    from workbench.demo import DEMO_POOL, SMALL_STUDENT_MIX
    from workbench.pool import POOL_SIZE, write_pool
    from workbench.workflow import benchmark, curate_pool, held_out_problems

    for seed in seeds:
        write_records(folder / f"dev{seed}.jsonl", benchmark("embedded-dev", seed, per_family))
        with tempfile.TemporaryDirectory() as scratch:
            pool = Path(scratch) / "pool.parquet"
            write_pool(pool, POOL_SIZE, seed, DEMO_POOL)
            for size in sizes:
                config = CurationConfig(size=size, seed=seed, max_tokens=384, difficulty_mix=SMALL_STUDENT_MIX)
                out, held_out = Path(scratch) / str(size), held_out_problems(seed)
                report = curate_pool(pool, out, config, student=STUDENT_NAME, held_out=held_out)
                (folder / f"{seed}-{size}.jsonl").write_bytes(report.curated_path.read_bytes())


def compare(folder: Path, recipes: Sequence[str], device: str, workers: int) -> None:
    """Prints each recipe's accuracy on development problems beside the arithmetic that it takes."""
    seeds = sorted(int(path.stem.removeprefix("dev")) for path in folder.glob("dev*.jsonl"))
    jobs = [(folder, recipe, seed, device) for recipe in recipes for seed in seeds]
    made = []
    with (
        ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool,
        (folder / "recipes.jsonl").open("a", encoding="utf-8") as log,
    ):
        for done in as_completed(pool.submit(_examined, *job) for job in jobs):
            made.append(done.result())
            print(json.dumps(made[-1]), file=log, flush=True)
    for recipe in recipes:
        rows = [row for row in made if row["recipe"] == recipe]
        rates = [row["accuracy"] for row in rows]
        flops = statistics.mean(row["flops"] for row in rows)
        took = statistics.mean(row["seconds"] for row in rows)
        spread = f"{min(rates):.3f}-{max(rates):.3f}"
        print(
            f"{statistics.mean(rates):.3f} [{spread}]  {flops / 1e12:6.1f} TFLOP  {took:5.0f} s  {recipe}", flush=True
        )


def _examined(folder: Path, recipe: str, seed: int, device: str) -> dict[str, Any]:
    """Distils and examines one student."""
    if device == "cuda":
        torch.set_num_threads(1)  # several such processes share the cores
    fields = dict(part.split("=") for part in recipe.split(","))
    traces = list(read_records(folder / f"{seed}-{fields.pop('traces')}.jsonl", Trace))
    config = msgspec.convert({**fields, "seed": seed}, DistillConfig, strict=False)
    base = load_student(STUDENT_NAME, device=device)
    flops = distill_flops(base, encode_traces(traces, base, config.max_tokens), config)
    problems = list(read_records(folder / f"dev{seed}.jsonl", Problem))
    with tempfile.TemporaryDirectory() as scratch:
        started = time.monotonic()
        made = distill(traces, base, Path(scratch) / "student", config, silent)
        took = time.monotonic() - started
        slots = 512 if device == "cuda" else 96
        answers = answer_problems(
            made.student, problems, STUDENT, DecodingConfig(slots=slots), Path(scratch) / "answers.jsonl", silent
        )
    grades = list(grade_all(zip(problems, (answer.text for answer in answers), strict=True)))
    right = [grade.is_correct for grade in grades]
    return {
        "recipe": recipe,
        "seed": seed,
        "accuracy": statistics.mean(right),
        "families": dict(_by_family(problems, right)),
        "flops": flops,
        "seconds": took,
        "loss": made.metrics[-1]["held_out_loss"],
    }


def _by_family(problems: Sequence[Problem], right: Sequence[bool]) -> Iterator[tuple[str, float]]:
    for family in sorted({problem.source for problem in problems}):
        yield family, statistics.mean(r for p, r in zip(problems, right, strict=True) if p.source == family)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.recipes")
    commands = parser.add_subparsers(dest="command", required=True)
    prepares = commands.add_parser("prepare")
    prepares.add_argument("folder", type=Path)
    prepares.add_argument("--sizes", type=int, nargs="+", default=[1_000])
    prepares.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    prepares.add_argument("--per-family", type=int, default=40)
    compares = commands.add_parser("compare")
    compares.add_argument("folder", type=Path)
    compares.add_argument("recipes", nargs="+", metavar="RECIPE")
    compares.add_argument("--device", default="cpu")
    compares.add_argument("--workers", type=int, default=1, help="students at a time; more than one only on a GPU")
    options = parser.parse_args()
    if options.command == "prepare":
        options.folder.mkdir(parents=True, exist_ok=True)
        prepare(options.folder, options.sizes, options.seeds, options.per_family)
    else:
        compare(options.folder, options.recipes, options.device, options.workers)


if __name__ == "__main__":
    main()
