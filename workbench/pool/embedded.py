"""The embedded pool: generated problems with worked solutions, and held-out problems beside them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Literal

import msgspec

from workbench.errors import InputError
from workbench.files import text_hash
from workbench.grading import grade_answer
from workbench.pool.champ import champ_traces
from workbench.pool.config import PoolConfig
from workbench.pool.defects import COPIES, KINDS, Kind, Label, Original, plant
from workbench.pool.families import FAMILIES
from workbench.pool.family import Family, Split
from workbench.pool.forms import Form, told
from workbench.processes import ordered_map
from workbench.records import Problem, Trace

POOL_SIZE = 59_029
"""The size of s1's pool (Muennighoff et al., arXiv 2501.19393), for comparison."""

DRAWS_PER_PROBLEM = 50
"""A family with fewer distinct questions than were asked for gives what it has."""
TEACHER = "worked"
PROMPT_VERSION = "worked/2"
CREATED = "2026-11-22"
"""The date of the solvers' version, not of the run: the same seed gives the same bytes."""
CHAMP_EVERY = 10
"""Every tenth row is CHAMP's, until it has no more."""
HELD_OUT_PER_FAMILY = 100
"""Planted paraphrases are of problems that any embedded benchmark of this size has."""
BLOCK = 500
"""Rows that a worker makes at a time."""
_TRIES = 20

Row = tuple[Trace, Label | None]
"""A trace of the pool, and the defect that was planted in it."""


def core_families() -> tuple[Family, ...]:
    """Returns the families of the demo, seen and unseen."""
    return tuple(family for family in FAMILIES if family.core)


def seen_families(families: Iterable[Family] = FAMILIES) -> tuple[Family, ...]:
    """Returns the families that training may draw from."""
    return tuple(family for family in families if not family.unseen)


def unseen_families(families: Iterable[Family] = FAMILIES) -> tuple[Family, ...]:
    """Returns the families that are held out whole."""
    return tuple(family for family in families if family.unseen)


def embedded_pool(
    size: int = POOL_SIZE, seed: int = 0, config: PoolConfig | None = None, workers: int = 1
) -> Iterator[Trace]:
    """Yields ``size`` worked and verified traces, spread evenly over the seen families.

    A pure function of size, seed and config. Some questions come up more than once: a generator draws with
    replacement, and it is curation's work to see that.

    Args:
        size: rows in all; a smaller pool is the beginning of a larger one.
        seed: other seeds give other problems.
        config: which families and levels, how they are told; plain, short and clean by default.
        workers: processes; the result does not depend on it. Scripts that ask for more than one need the usual
            ``if __name__ == "__main__"``.

    Raises:
        InputError: where ``size`` is below 1.
    """
    return (trace for trace, _ in labelled_pool(size, seed, config, workers))


def labelled_pool(
    size: int = POOL_SIZE, seed: int = 0, config: PoolConfig | None = None, workers: int = 1
) -> Iterator[Row]:
    """Yields the rows of `embedded_pool`, each with the label of its planted defect or ``None``."""
    if size < 1:
        raise InputError(f"size={size} must be at least 1")
    rows = _Rows(seed, config or PoolConfig())
    if workers <= 1:
        return (rows.row(index) for index in range(size))
    return _in_parallel(rows.seed, rows.config, size, workers)


def _in_parallel(seed: int, config: PoolConfig, size: int, workers: int) -> Iterator[Row]:
    blocks = ((seed, config, start, min(start + BLOCK, size)) for start in range(0, size, BLOCK))
    for block in ordered_map(_block, blocks, workers):
        yield from msgspec.json.decode(block, type=list[Row])


def _block(place: tuple[int, PoolConfig, int, int]) -> bytes:
    seed, config, start, end = place
    rows = _Rows(seed, config)
    return msgspec.json.encode([rows.row(index) for index in range(start, end)])


class _Rows:
    """Row by row, each a pure function of its index."""

    def __init__(self, seed: int, config: PoolConfig) -> None:
        self.seed, self.config = seed, config
        self.families = seen_families(core_families() if config.families == "core" else FAMILIES)
        self.champ = champ_traces() if config.champ else ()

    def row(self, index: int) -> Row:
        """Returns the trace, with a defect where one is planted, and its label."""
        trace = self._sound(index)
        kind = self._kind(index)
        label = None
        if kind is not None:
            rng = Random(text_hash(self.seed, "plant", index))
            for _ in range(_TRIES):
                original = self._original(index, kind, rng)
                planted = plant(kind, trace, original, rng) if original else None
                if planted is not None:
                    trace, label = planted
                    break
        # In a pool with planted defects nobody has looked at the answers: the mark would give them away.
        return (replace(trace, is_correct=None) if self.config.defect_share else trace), label

    def _kind(self, index: int) -> Kind | None:
        if not self.config.defect_share or self._is_champ(index):
            return None
        rng = Random(text_hash(self.seed, "defect", index))
        return rng.choice(KINDS) if rng.random() < self.config.defect_share else None

    def _original(self, index: int, kind: Kind, rng: Random) -> Original | None:
        if kind not in COPIES:
            return self._worked(index)
        if kind != "held-out paraphrase":
            other = rng.randrange(index) if index else 0
            sound = other < index and self._kind(other) is None and not self._is_champ(other)
            return self._worked(other) if sound else None
        family, _ = self._place(index)
        split: Split = rng.choice(("dev", "test"))
        problem = family.problem(self.seed, split, rng.randrange(HELD_OUT_PER_FAMILY))
        return Original(family, problem, worked_trace(family, problem, self._form(index), rng))

    def _is_champ(self, index: int) -> bool:
        return index % CHAMP_EVERY == CHAMP_EVERY - 1 and index // CHAMP_EVERY < len(self.champ)

    def _place(self, index: int) -> tuple[Family, int]:
        """The family of a generated row, and the row's number within the family."""
        generated = index - min((index + 1) // CHAMP_EVERY, len(self.champ))
        return self.families[generated % len(self.families)], generated // len(self.families)

    def _sound(self, index: int) -> Trace:
        return self.champ[index // CHAMP_EVERY] if self._is_champ(index) else self._worked(index).trace

    def _worked(self, index: int) -> Original:
        family, place = self._place(index)
        problem = family.problem(self.seed, "train", place, wide=self.config.ladder == "wide")
        trace = worked_trace(family, problem, self._form(index), Random(text_hash(self.seed, "slip", index)))
        return Original(family, problem, trace)

    def _form(self, index: int) -> Form:
        config = self.config
        if config.wordings == 1 and not config.long_share:
            return Form()
        rng = Random(text_hash(self.seed, "form", index))
        length: Literal["short", "long"] = "long" if rng.random() < config.long_share else "short"
        slip = rng.random() < config.slip_share and length == "long"
        return Form(length=length, voice=rng.randrange(config.wordings), slip=slip)


def worked_trace(family: Family, problem: Problem, form: Form | None = None, rng: Random | None = None) -> Trace:
    """Solves a problem and explains it; the answer is verified against the generator's.

    Args:
        family: of the problem.
        problem: to solve.
        form: how to tell it; short and plain by default.
        rng: decides on the slip of a form that has one.

    Raises:
        AssertionError: where the family's solver is wrong, which is a defect of ours.
    """
    form = form or Form()
    solution = family.solve(problem, Random(form.voice))
    grade = grade_answer(problem, solution.answer)
    assert grade.is_correct, f"{problem.id}: the worked answer {solution.answer!r} is {grade.verdict}: {grade.reason}"
    explained = told(family, problem, solution, form, rng or Random(0))
    return Trace(
        id=f"{TEACHER}-{problem.id}",
        problem=problem,
        teacher=TEACHER,
        model_version=solution.method,
        prompt_version=PROMPT_VERSION,
        created=CREATED,
        steps=explained.steps,
        answer=solution.answer,
        usage=explained.usage,
        is_correct=True,
    )


def embedded_problems(
    split: Split, per_family: int, seed: int = 0, families: Sequence[Family] | None = None
) -> list[Problem]:
    """Returns distinct problems of a split, ``per_family`` from each family, evenly over its levels.

    Those of ``dev`` and ``test`` share no question, where both have as many per family or up to 100; ``dev`` has a few
    less than 100 for that in families that have few questions.

    Args:
        split: ``dev`` to choose on, ``test`` to report on.
        per_family: how many of each.
        seed: other seeds give other problems.
        families: all of them by default, seen and unseen.
    """
    problems: list[Problem] = []
    for family in FAMILIES if families is None else families:
        # The demo's families draw both splits from all of their questions: see `Family.problem`.
        if split == "dev" and family.core:
            most = max(per_family, HELD_OUT_PER_FAMILY)
            test = _distinct(family, seed, "test", most)
            others = _distinct(family, seed, split, most)
            problems += islice((others[question] for question in others if question not in test), per_family)
        else:
            problems += _distinct(family, seed, split, per_family).values()
    return problems


def _distinct(family: Family, seed: int, split: Split, count: int) -> dict[str, Problem]:
    """The first problems of a split by question; fewer where there are no more."""
    distinct: dict[str, Problem] = {}
    for index in range(DRAWS_PER_PROBLEM * count):
        if len(distinct) == count:
            break
        problem = family.problem(seed, split, index)
        distinct.setdefault(problem.question, problem)
    return distinct


def worked_answer(problem: Problem) -> Trace:
    """Returns the worked trace of an embedded problem.

    Raises:
        InputError: where the problem is of no embedded family, though it may bear the name of one.
    """
    for family in FAMILIES:
        if family.name == problem.source and {"level", "seed", *family.keep} <= problem.metadata.keys():
            return worked_trace(family, problem)
    raise InputError(f"problem {problem.id} is of no embedded family ({problem.source}), so it has no worked solution")
