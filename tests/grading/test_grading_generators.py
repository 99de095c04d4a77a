"""reasoning-gym's scorers are reached by clean answers only, and nothing planted ever runs."""

from __future__ import annotations

from pathlib import Path

import pytest
import reasoning_gym

from workbench.errors import InputError
from workbench.grading import score_with_generator
from workbench.grading.generators import _GRAMMARS


@pytest.mark.parametrize("name", sorted(_GRAMMARS))
def test_own_answers_score_and_planted_code_never_runs(name: str, tmp_path: Path) -> None:
    planted = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    for entry in reasoning_gym.create_dataset(name, seed=5, size=12):
        assert score_with_generator(name, entry, entry["answer"])
        assert score_with_generator(name, entry, f" {entry['answer']}\n")
        for answer in (planted, f"[{planted}]", f"{entry['answer']} or {planted}", "", "\ud800", "9" * 10_000):
            assert not score_with_generator(name, entry, answer)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["string_insertion", "countdown", "spiral_matrix", "no_such_data_set"])
def test_data_sets_without_a_grammar_are_refused(name: str, tmp_path: Path) -> None:
    planted = f"__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()"
    with pytest.raises(InputError, match=f"no answer grammar for data set '{name}'"):
        score_with_generator(name, {"answer": "1", "metadata": {}}, planted)
    assert not (tmp_path / "ran").exists()


def test_code_planted_in_an_entry_is_refused_too(tmp_path: Path) -> None:
    planted = f"[__import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()]"
    with pytest.raises(InputError, match="own answer"):
        score_with_generator("number_sorting", {"answer": planted, "metadata": {"direction": "ascending"}}, "['1']")
    assert not (tmp_path / "ran").exists()


def test_partial_credit_is_not_correct() -> None:
    entry = {"answer": "Tuesday", "metadata": {"task": "weekday_of_date"}}
    assert reasoning_gym.create_dataset("calendar_arithmetic", size=1, seed=0).score_answer("Friday", entry) > 0
    assert not score_with_generator("calendar_arithmetic", entry, "Friday")


def test_an_entry_without_metadata_is_named() -> None:
    with pytest.raises(InputError, match="calendar_arithmetic: the entry lacks"):
        score_with_generator("calendar_arithmetic", {"answer": "Tuesday"}, "Tuesday")
