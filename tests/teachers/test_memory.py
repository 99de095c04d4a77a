"""Memory holds what is in flight: it is the same for many problems as for few."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path

from workbench.collecting import collect_traces
from workbench.records import Problem, Step, write_records
from workbench.teachers import Price, Reply, Tokens


@dataclass(frozen=True)
class OwnTeacher:
    """A teacher of a user's own: paid, quick, and as talkative as others."""

    name: str = "own"
    identity: str = "own"
    price: Price = field(default=Price(1.0, 5.0))

    def most(self, problem: Problem) -> Tokens:
        return Tokens(100, 100)

    def ask(self, problem: Problem, sample: int) -> Reply:
        steps = (Step(role="strategy", text="Add."), Step(role="tactic", text="x" * 500))
        return Reply(outcome="answered", steps=steps, answer="7", teacher="own", input_tokens=50, output_tokens=50)


def _peak(folder: Path, count: int, holdout: int = 0) -> int:
    source = folder / f"{count}.jsonl"
    write_records(source, (Problem(id=f"p{i}", question=f"{i} + 7? " + "y" * 300, answer="7") for i in range(count)))
    tracemalloc.start()
    try:
        collected = collect_traces(
            source,
            OwnTeacher(),
            folder / f"{count}-{holdout}.traces.jsonl",
            10.0,
            holdout=holdout,
            say=lambda line: None,
        )
        assert collected.traces == count - holdout
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_problems(tmp_path):
    _peak(tmp_path, 50)  # what is imported and compiled the first time
    # Both files are longer than what is read at once.
    for holdout in (0, 20):
        few, many = (_peak(tmp_path, count, holdout) for count in (6_000, 12_000))
        assert many - few < 300_000, "50 bytes a problem, where each has 300 and its reply 500"
