"""Teachers on this computer: the programs that solve embedded problems, and recorded traces."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import InputError
from workbench.files import existing_file
from workbench.records import Problem, Trace, read_records
from workbench.teachers.prices import Price
from workbench.teachers.teacher import Reply, Tokens

_EMBEDDED_ID = re.compile(r"(\w+)-(train|dev|test)-(\d{1,18})-(\d{1,9})")


def _generated(problem: Problem) -> Problem | None:
    """The embedded problem that an id names, where its question is this one: a table keeps no more of it."""
    if not (found := _EMBEDDED_ID.fullmatch(problem.id)):
        return None
    from workbench.pool import seen_families, unseen_families

    name, split, seed, index = found.groups()
    family = next((family for family in (*seen_families(), *unseen_families()) if family.name == name), None)
    again = family.problem(int(seed), split, int(index)) if family else None  # type: ignore[arg-type]
    return again if again and again.question == problem.question.strip() else None


def _recorded(trace: Trace) -> Reply:
    return Reply(
        outcome="answered",
        steps=trace.steps,
        reasoning=trace.reasoning,
        answer=trace.answer,
        teacher=trace.teacher,
        model_version=trace.model_version,
        prompt_version=trace.prompt_version,
        created=trace.created,
        usage=trace.usage,
        is_correct=trace.is_correct,
    )


class _Local:
    """A teacher that costs nothing and needs no network."""

    price: Price | None = None

    def most(self, problem: Problem) -> Tokens:
        """Returns no tokens at all."""
        return Tokens(0, 0)


@dataclass(frozen=True, slots=True)
class WorkedTeacher(_Local):
    """Programs that solve and explain embedded problems; they are no language model and never called one."""

    name: str = "worked"
    identity: str = "worked"

    def ask(self, problem: Problem, sample: int) -> Reply:
        """Solves an embedded problem; refuses any other, and a second sample, which would be the first again."""
        from workbench.pool import worked_answer  # here, because the generators take seconds to import

        if sample:
            return Reply(outcome="refused", reason="a program has one solution to a problem; use --samples 1")
        try:
            return _recorded(worked_answer(_generated(problem) or problem))
        except InputError as error:
            return Reply(outcome="refused", reason=str(error))


@dataclass(frozen=True, slots=True)
class ReplayTeacher(_Local):
    """Traces that were recorded before, found again by their question's text or their problem's id.

    Args:
        path: a file of traces in any known shape.

    Raises:
        InputError: where it is missing or holds no trace.
    """

    path: Path
    _by_question: dict[str, list[Trace]] = field(default_factory=lambda: defaultdict(list), init=False)
    _by_id: dict[str, list[Trace]] = field(default_factory=lambda: defaultdict(list), init=False)

    def __post_init__(self) -> None:
        for trace in read_records(existing_file(self.path), Trace):
            self._by_question[_plain(trace.problem)].append(trace)
            self._by_id[trace.problem.id].append(trace)

    @property
    def name(self) -> str:
        """Each trace keeps the name of the teacher that wrote it."""
        return f"replay:{self.path.name}"

    @property
    def identity(self) -> str:
        """The file."""
        return f"replay:{self.path}"

    def ask(self, problem: Problem, sample: int) -> Reply:
        """Returns the recorded trace number ``sample`` of the problem, or refuses."""
        found = self._by_question.get(_plain(problem)) or self._same_id(problem)
        if sample < len(found):
            return _recorded(found[sample])
        counted = f"{len(found)} of this problem" if found else "none of this problem"
        return Reply(outcome="refused", reason=f"{self.path} has {counted}")

    def _same_id(self, problem: Problem) -> list[Trace]:
        """Short ids such as 17 are no proof: half of the words must be the same as well."""
        wanted = set(_plain(problem).split())
        same = []
        for trace in self._by_id.get(problem.id, ()):
            words = set(_plain(trace.problem).split())
            if 2 * len(wanted & words) >= max(len(wanted), len(words)):
                same.append(trace)
        return same


def _plain(problem: Problem) -> str:
    return " ".join("\n".join((problem.question, *(problem.choices or ()))).casefold().split())
