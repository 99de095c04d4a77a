"""Makes what `data/` holds: the sample, a student distilled from such traces, recorded comparisons.

`make data` takes about twelve minutes on two cores and goes on where it was stopped. The sample
(`curated.jsonl`, `kept.parquet`, `funnel.json`) comes out the same to the byte; the student's last
digits depend on the machine, and the comparisons tell how long each answer took.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.curation import CurationConfig, CurationReport
from workbench.demo import DEMO_POOL, SMALL_STUDENT_MIX, DemoConfig, run_demo
from workbench.distillation import DistillConfig
from workbench.files import atomic_path, write_text
from workbench.pool import worked_answer
from workbench.pooling import write_pool
from workbench.records import Completion, Problem, read_records, write_records
from workbench.shipped import COMPARISONS
from workbench.students import DEFAULT_STUDENT, SHIPPED
from workbench.workflow import curate_pool, held_out_problems

ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "runs" / "data"
SIZE = 300
"""Traces of the sample."""
PER_FAMILY = 2
"""Recorded comparisons of each family: the first ones of the development split, not the best."""
SAMPLE_FILES = ("curated.jsonl", "kept.parquet", "funnel.json")
STUDENT_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter.json", "metrics.jsonl", "training.json")
(STUDENT,) = SHIPPED
ARMS = ("base", "student", "student_guided")


def main() -> None:
    """Runs the demo on the development split, curates the sample, and copies what is shipped."""
    demo = run_demo(DemoConfig(out=RUN, split="dev", per_family=PER_FAMILY))
    report = make_sample(demo.folder / "pool" / "pool.parquet", RUN / "sample")
    target = ROOT / "data"
    _copy(report.out, SAMPLE_FILES, target)
    _copy(demo.folder / "distill", STUDENT_FILES, target / "student")
    write_text(target / "student" / "README.md", student_card(demo.summary))
    copy_comparisons(demo.folder / "evaluate", target / COMPARISONS)
    write_text(target / "README.md", data_card(report, demo.summary))
    print(f"made {target}")


def make_sample(pool: Path, out: Path) -> CurationReport:
    """Curates the sample from the embedded pool, which is written where it is missing."""
    if not pool.exists():
        write_pool(pool, DemoConfig().pool_size, 0, DEMO_POOL)
    config = CurationConfig(size=SIZE, max_tokens=DistillConfig().max_tokens, difficulty_mix=SMALL_STUDENT_MIX)
    return curate_pool(pool, out, config, student=DEFAULT_STUDENT, held_out=held_out_problems(0))


def _copy(source: Path, names: tuple[str, ...], target: Path) -> None:
    for name in names:
        with atomic_path(target / name) as temporary:
            shutil.copyfile(source / name, temporary)


def copy_comparisons(evaluated: Path, target: Path) -> None:
    """Copies an evaluation's problems and completions, and adds the worked solutions."""
    problems = list(read_records(evaluated / "problems.jsonl", Problem))
    write_records(target / "problems.jsonl", problems)
    write_records(target / "teacher.jsonl", [worked_answer(problem) for problem in problems])
    for arm in ARMS:
        completions = read_records(evaluated / f"{arm}.jsonl", Completion)
        # The folder that the student was made in means nothing elsewhere.
        write_records(target / f"{arm}.jsonl", [replace(item, student=STUDENT) for item in completions])


def data_card(report: CurationReport, summary: dict[str, Any]) -> str:
    """Returns the sample's card in the Hub's form, with what lies beside the sample."""
    card = (report.out / "README.md").read_text(encoding="utf-8")
    not_here = ("| `dropped.parquet`", "| `survivors.parquet`", "`push_to_hub` uploads")
    lines = [line for line in card.splitlines() if not line.startswith(not_here)]
    title = "Reason1K sample of the ReasonBridge Workbench"
    text = "\n".join(lines).replace("Curated reasoning traces", title)
    return f"""{text}

## Beside the sample

| folder | what |
|---|---|
| `student/` | an adapter of {summary["trained_parameters"]:,} parameters for {summary["student"]}; it has a card |
| `{COMPARISONS}/` | {summary["problems"]} problems of the development split, the first {PER_FAMILY} of each family: \
worked solution, base, student, guided student |

All of it is made by `make data`. The sample's files come out the same to the byte; the student's last digits
depend on the machine.
"""


def student_card(summary: dict[str, Any]) -> str:
    """Returns the adapter's card: from what, on what, how much, and its limits."""
    facts = {name: summary[name] for name in ("student", "student_note", "curated", "seed", "trained_fraction")}
    return f"""---
license: apache-2.0
library_name: peft
tags: [reasoning, distillation, lora]
---

# {STUDENT}

A LoRA adapter for {summary["student"]}, which is {summary["student_note"]}.

It was distilled from {summary["curated"]:,} worked solutions, programs' explanations of generated problems, and trains
{summary["trained_parameters"]:,} of {summary["base_parameters"]:,} parameters ({summary["trained_fraction"]:.4%}).
It is there for trying the notebooks and the app: it answers the kinds of problems that it was taught better than its
base does, and nothing else. The workbench's README has the figures.

Made by `make data`: `{json.dumps(facts)}`
"""


if __name__ == "__main__":
    main()
