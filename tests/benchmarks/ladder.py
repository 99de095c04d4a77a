"""What the base student solves at each level of each family: from the first rung of the wide ladder to the last."""

from __future__ import annotations

import json
import tempfile
from collections import defaultdict
from pathlib import Path

from tests.benchmarks.measuring import OUT
from workbench.evaluation import BASE, DecodingConfig, answer_problems
from workbench.files import write_text
from workbench.grading import grade_all
from workbench.pool.families import FAMILIES
from workbench.progress import silent
from workbench.students import DEFAULT_STUDENT, load_student

PER_LEVEL = 4
TOKENS = 160


def ladder(seed: int, per_level: int = PER_LEVEL) -> None:
    """Prints how many of ``per_level`` development problems are solved, level by level."""
    problems = [
        family.problem(seed, "dev", index, wide=True)
        for family in FAMILIES
        for index in range(per_level * len(family.ladder))
    ]
    with tempfile.TemporaryDirectory() as scratch:
        config = DecodingConfig(max_tokens=TOKENS, fast=True)
        answers = answer_problems(
            load_student(DEFAULT_STUDENT), problems, BASE, config, Path(scratch) / "answers.jsonl", silent
        )
    grades = grade_all(zip(problems, (answer.text for answer in answers), strict=True))
    right: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for problem, grade in zip(problems, grades, strict=True):
        right[problem.source][int(problem.metadata["level"])] += grade.is_correct
    for name, levels in right.items():
        print(f"{name:26}", " ".join(f"{levels[level]}/{per_level}" for level in sorted(levels)), flush=True)
    write_text(OUT / "ladder.json", json.dumps({"seed": seed, "per_level": per_level, "right": right}, indent=1))
