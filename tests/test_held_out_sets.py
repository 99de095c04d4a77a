"""Which benchmarks are held out: those named, those in the Hub's cache, and the others as not checked."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.benchmarks import KNOWN, known_sets, named_sets
from workbench.errors import InputError


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def rows(path: Path, count: int, start: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps({"question": f"What is {n} + {n}?", "answer": str(2 * n)}) for n in range(start, start + count)]
    path.write_text("\n".join(lines))
    return path


def test_without_a_cache_every_known_benchmark_is_missing_with_the_fix(cache: Path) -> None:
    found = {each.name: each for each in known_sets()}
    assert list(found) == [each.name for each in KNOWN]
    assert not any(each.problems for each in found.values())
    assert found["GSM8K test"].missing == "not here; give --held-out hf:openai/gsm8k, or a file of it"
    assert found["MMMU"].missing == "its questions need pictures"


def test_what_lies_in_the_hub_s_cache_is_read_with_its_split_alone(cache: Path) -> None:
    snapshot = cache / "datasets--openai--gsm8k" / "snapshots" / "abc"
    for split, count in (("train", 5), ("test", 3)):
        (snapshot / "main").mkdir(parents=True, exist_ok=True)
        table = pa.table(
            {"question": [f"{split} {n}: what is 1 + {n}?" for n in range(count)], "answer": ["#### 1"] * count}
        )
        pq.write_table(table, snapshot / "main" / f"{split}-00000-of-00001.parquet")
    rows(cache / "datasets--HuggingFaceH4--MATH-500" / "snapshots" / "x" / "test.jsonl", 4)
    (cache / "datasets--math-ai--aime25" / "snapshots" / "x").mkdir(parents=True)
    (cache / "datasets--math-ai--aime25" / "snapshots" / "x" / "test.jsonl").write_text('{"picture": 1}\n')
    found = {each.name: each for each in known_sets()}
    assert [problem.question[:6] for problem in found["GSM8K test"].problems] == ["test 0", "test 1", "test 2"]
    assert len(found["MATH-500"].problems) == 4
    assert "cannot be read" in found["AIME25"].missing
    assert sum(not each.missing for each in found.values()) == 2


def test_named_files_and_folders_are_read_and_count_as_the_benchmark(cache: Path, tmp_path: Path) -> None:
    path = rows(tmp_path / "mawps" / "test.jsonl", 3)
    path.write_text(path.read_text() + "\nnot json")
    rows(tmp_path / "own" / "a.jsonl", 2, 10)
    rows(tmp_path / "own" / "b.jsonl", 2, 20)
    named = named_sets([path, tmp_path / "own"])
    assert [(each.name, len(each.problems), each.unread) for each in named] == [("mawps-test", 3, 1), ("own", 4, 0)]
    assert "MAWPS" not in {each.name for each in known_sets(named)}


def test_a_training_split_is_not_the_benchmark(cache: Path, tmp_path: Path) -> None:
    named = named_sets([rows(tmp_path / "gsm8k" / "train.jsonl", 3)])
    assert "GSM8K test" in {each.name for each in known_sets(named)}


def test_what_cannot_be_held_out_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist; check the spelling"):
        named_sets([tmp_path / "none.jsonl"])
    (tmp_path / "bad.jsonl").write_text('{"colour": "red"}\n')
    with pytest.raises(InputError, match=r"bad holds no problem that can be held out; bad.jsonl, row 1: "):
        named_sets([tmp_path / "bad.jsonl"])


def test_a_data_set_in_a_local_folder_is_read_as_the_hub_s(cache: Path, tmp_path: Path) -> None:
    rows(tmp_path / "set" / "train.jsonl", 5)
    rows(tmp_path / "set" / "test.jsonl", 2, 50)
    (found,) = named_sets([f"hf:{tmp_path / 'set'}"])
    assert [problem.answer for problem in found.problems] == ["100", "102"]


PUBLISHED = {
    "svamp": ({"ID": "chal-1", "Body": "Bo has 87 figs. ", "Question": "How many pairs?", "Answer": "43"}, "figs. How"),
    "asdiv": ({"body": "Seven red apples lie here.", "question": "How many?", "answer": "7 (apples)"}, "here. How"),
    "gpqa": ({"Question": "Which two?", "Correct Answer": "1", "Incorrect Answer 1": "2"}, "Which two?"),
    "mmlu": ({"question": "Which one?", "options": ["a", "b"], "answer": "A", "answer_index": 0}, "Which one?"),
    "olympiad": ({"question": "What is 2 + 2?", "final_answer": ["4"], "modality": "Text-only"}, "2 + 2"),
    "aime": ({"ID": "2024-II-4", "Problem": "Let x be positive.", "Solution": "s", "Answer": 33}, "Let x"),
    "whole": ({"Body": "Bo has 87 figs.", "Question": "Bo has 87 figs. How many?", "Answer": "1"}, "Bo has 87 figs. H"),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_benchmarks_are_read_as_they_are_published(name: str, tmp_path: Path) -> None:
    row, part = PUBLISHED[name]
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    (found,) = named_sets([tmp_path / "rows.jsonl"])
    assert found.problems[0].question.count(part) == 1
