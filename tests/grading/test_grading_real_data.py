"""Real worked solutions: each reference grades itself, and a changed number does not."""

from __future__ import annotations

import json
import os
import random
import re
from pathlib import Path
from typing import Any

import pytest

from workbench.grading import grade
from workbench.grading.regions import find_regions
from workbench.records import Problem

DATA = Path(os.environ.get("WORKBENCH_DATA", Path(__file__).parents[3] / "shared" / "data"))


def rows(name: str, count: int) -> list[dict[str, Any]]:
    path = DATA / name / "train.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent; set WORKBENCH_DATA to the folder that holds {name}")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in random.Random(0).sample(lines, min(count, len(lines)))]


def changed(answer: str) -> str:
    return re.sub(r"\d+", lambda match: str(int(match.group()) + 1), answer, count=1)


def test_gsm8k_references_grade_themselves_in_every_form() -> None:
    right = {"marked": 0, "unmarked": 0, "opened": 0}
    sample = rows("gsm8k", 1_000)
    for row in sample:
        solution, _, reference = row["answer"].rpartition("#### ")
        problem = Problem(id="gsm8k", question=row["question"], answer=reference)
        right["marked"] += grade(problem, row["answer"]).is_correct
        right["unmarked"] += grade(problem, solution).is_correct
        right["opened"] += grade(problem, f"Answer: {solution}").is_correct
        assert grade(problem, f"{solution}\nAnswer: {changed(reference)}").verdict == "wrong"
    assert right["marked"] == len(sample)
    assert min(right.values()) >= 0.98 * len(sample)


def boxed(solution: str) -> str:
    return next((region.text for region in reversed(find_regions(solution)) if region.kind == "boxed"), "")


def test_math_references_grade_themselves_and_not_their_neighbours() -> None:
    sample = [(row, boxed(row["solution"])) for row in rows("math", 400)]
    verdicts = {"own": 0, "plain": 0, "changed": 0}
    for row, reference in sample:
        problem = Problem(id=row["unique_id"], question=row["problem"], answer=reference)
        verdicts["own"] += grade(problem, row["solution"]).is_correct
        verdicts["plain"] += grade(problem, f"Answer: ${reference}$.").is_correct
        if changed(reference) != reference:
            verdicts["changed"] += grade(problem, f"So it is $\\boxed{{{changed(reference)}}}$.").is_correct
    assert min(verdicts["own"], verdicts["plain"]) >= 0.995 * len(sample)
    assert verdicts["changed"] == 0


def test_choices_by_letter_by_text_and_the_next_one() -> None:
    for row in rows("tal_scq5k", 500):
        choices = tuple(option[0]["content"].strip() for option in row["answer_option_list"])
        letter = row["answer_value"]
        if letter not in "ABCDE"[: len(choices)] or len(set(choices)) < len(choices):
            continue
        problem = Problem(id=row["qid"], question=row["problem"], answer=letter, choices=choices)
        index = "ABCDE".index(letter)
        assert grade(problem, f"The answer is ({letter}).").verdict == "correct"
        assert grade(problem, f"**Answer:** {letter}. {choices[index]}").verdict == "correct"
        assert grade(problem, f"Answer: {choices[index]}").verdict == "correct"
        assert grade(problem, f"Answer: {choices[(index + 1) % len(choices)]}").verdict == "wrong"
