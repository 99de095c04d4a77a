"""Which selection makes the better student: curate, distil and evaluate each on the development benchmark.

Hours at useful sizes on two cores. Choose on this, report on the test benchmark.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.benchmarks.measuring import OUT
from workbench import api
from workbench.files import text_hash, write_text
from workbench.pool import PoolConfig
from workbench.pool import embedded_pool as generate_pool
from workbench.records import write_records
from workbench.students import load_student

BENCHMARK = "embedded-dev"


def selection(strategies: Sequence[str], sizes: Sequence[int], *, rows: int, seed: int, per_family: int,
              epochs: int, score: str, student: str) -> None:  # fmt: skip
    """Prints one line for each strategy and size, and writes ``runs/bench/selection.json`` after each.

    Args:
        strategies: of `workbench.curation.STRATEGIES`.
        sizes: traces to keep.
        rows: of the pool: core families, so that the student can learn them.
        seed: of pool, selection, training and problems.
        per_family: problems of the development benchmark.
        epochs: of the training.
        score: ``none``, ``sample`` or ``all``: what the student reads before the selection.
        student: the base that learns.
    """
    key = text_hash(rows, seed)[:8]
    pool = OUT / f"selection-pool-{key}.parquet"
    if not pool.exists():
        write_records(pool, generate_pool(rows, seed, PoolConfig(families="core", ladder="wide", long_share=0.2)))
    results: list[dict[str, Any]] = []
    for size in sizes:
        for strategy in strategies:
            settings = {
                "rows": rows, "seed": seed, "per_family": per_family, "epochs": epochs, "score": score,
                "student": student,
            }  # fmt: skip
            measured = _measure(pool, strategy, size, settings)
            results.append({"strategy": strategy, "size": size, **settings, **measured})
            print(json.dumps(results[-1]), flush=True)
            write_text(OUT / "selection.json", json.dumps({"benchmark": BENCHMARK, "results": results}, indent=1))


def _measure(pool: Path, strategy: str, size: int, settings: dict[str, Any]) -> dict[str, Any]:
    """One row; what an interrupted run finished is used again."""
    folder = OUT / f"selection-{text_hash(pool.name, strategy, size, *settings.items())[:10]}"
    seed = settings["seed"]
    # The chat template's tokens come on top when a trace is learnt: room for them leaves no trace out.
    curated = api.curate(
        pool,
        size,
        seed,
        student=settings["student"],
        score=settings["score"],
        strategy=strategy,
        out=folder / "curate",
        max_tokens=256,
    )
    trained = folder / "distill"
    if (trained / "training.json").exists():
        student = load_student(trained)
    else:
        student = api.distill(
            curated, settings["student"], out=trained, epochs=settings["epochs"], seed=seed, held_out=0
        )
    found = api.evaluate(student, BENCHMARK, per_family=settings["per_family"], seed=seed, out=folder / "evaluate")
    group = found["groups"]["all"]
    return {
        "kept": curated.kept,
        "objective": curated.selected.objective,
        "accuracy": group["accuracy"]["student"],
        "base": group["accuracy"]["base"]["value"],
        "gain": group["gain"]["student"],
        "problems": group["problems"],
    }
