"""How often texts came before: counted, by their own text, in memory that does not grow."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import psutil

from workbench.records import Problem, Seen, read_records

TEXTS = 400_000


def test_texts_are_counted_each_by_itself() -> None:
    seen = Seen()
    texts = ["a", "A", "a", "", "half \ud83d", "half \ud83e", "half \ud83d", "a\0b", "a", ""]
    assert [seen.before(text) for text in texts] == [0, 0, 1, 0, 0, 0, 1, 0, 2, 1]


def test_it_counts_for_whichever_thread_asks() -> None:
    seen, found = Seen(), []
    for _ in range(3):
        thread = threading.Thread(target=lambda: found.append(seen.before("a")))
        thread.start()
        thread.join()
    assert found == [0, 1, 2]


def test_memory_does_not_grow_with_the_texts() -> None:
    """A Python text and its count are 150 bytes and more: 60 MB for these."""
    seen = Seen()
    for i in range(TEXTS // 10):
        seen.before(f"a source of some length-{i:012d}")
    before = psutil.Process().memory_info().rss
    assert not any(seen.before(f"another source of some length-{i:012d}") for i in range(TEXTS))
    assert psutil.Process().memory_info().rss - before < 20e6


def test_a_reader_starts_over_with_its_ids(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text((json.dumps({"question": "2 + 2?", "answer": "4"}) + "\n") * 3)
    reader = read_records(path, Problem)
    first, again = ([problem.id for problem in reader] for _ in range(2))
    assert first == again
    assert len(set(first)) == 3
