"""The embedded pool: generated problems with worked solutions, and held-out problems beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

from workbench.errors import InputError
from workbench.grading import grade_answer
from workbench.pool.families import FAMILIES
from workbench.pool.family import Family, Split
from workbench.records import Problem, Trace

POOL_SIZE = 59_029
"""The size of s1's pool (Muennighoff et al., arXiv 2501.19393), for comparison."""

DRAWS_PER_PROBLEM = 50
"""A family with fewer distinct questions than were asked for gives what it has."""
TEACHER = "worked"
WORDING = 0
"""One wording for all traces: a small student learns a form from fewer traces when it does not vary."""
PROMPT_VERSION = "worked/2"
CREATED = "2026-11-22"
"""The date of the solvers' version, not of the run: the same seed gives the same bytes."""


def seen_families() -> tuple[Family, ...]:
    """Returns the families that training may draw from."""
    return tuple(family for family in FAMILIES if not family.unseen)


def unseen_families() -> tuple[Family, ...]:
    """Returns the families that are held out whole."""
    return tuple(family for family in FAMILIES if family.unseen)


def embedded_pool(size: int = POOL_SIZE, seed: int = 0) -> Iterator[Trace]:
    """Yields ``size`` worked and verified traces, spread evenly over the seen families.

    A pure function of its arguments. Some questions come up more than once: a generator draws with
    replacement, and it is curation's work to see that.

    Raises:
        InputError: where ``size`` is below 1.
    """
    if size < 1:
        raise InputError(f"size={size} must be at least 1")
    families = seen_families()
    for index in range(size):
        family = families[index % len(families)]
        yield worked_trace(family, family.problem(seed, "train", index // len(families)))


def worked_trace(family: Family, problem: Problem) -> Trace:
    """Solves a problem and explains it; the answer is verified against the generator's.

    Raises:
        AssertionError: where the family's solver is wrong, which is a defect of ours.
    """
    solution = family.solve(problem, Random(WORDING))
    grade = grade_answer(problem, solution.answer)
    assert grade.is_correct, f"{problem.id}: the worked answer {solution.answer!r} is {grade.verdict}: {grade.reason}"
    return Trace(
        id=f"{TEACHER}-{problem.id}",
        problem=problem,
        teacher=TEACHER,
        model_version=solution.method,
        prompt_version=PROMPT_VERSION,
        created=CREATED,
        steps=solution.steps(),
        answer=solution.answer,
        is_correct=True,
    )


def embedded_problems(
    split: Split, per_family: int, seed: int = 0, families: Sequence[Family] | None = None
) -> list[Problem]:
    """Returns distinct problems of a split, ``per_family`` from each family, evenly over its levels.

    Args:
        split: ``dev`` to choose on, ``test`` to report on.
        per_family: how many of each.
        seed: other seeds give other problems.
        families: all of them by default, seen and unseen.
    """
    problems: list[Problem] = []
    for family in FAMILIES if families is None else families:
        distinct: dict[str, Problem] = {}
        index = 0
        while len(distinct) < per_family and index < DRAWS_PER_PROBLEM * per_family:
            problem = family.problem(seed, split, index)
            distinct.setdefault(problem.question, problem)
            index += 1
        problems += distinct.values()
    return problems


def worked_answer(problem: Problem) -> Trace:
    """Returns the worked trace of an embedded problem.

    Raises:
        InputError: where the problem is of no embedded family, though it may bear the name of one.
    """
    for family in FAMILIES:
        if family.name == problem.source and {"level", "seed", *family.keep} <= problem.metadata.keys():
            return worked_trace(family, problem)
    raise InputError(f"problem {problem.id} is of no embedded family ({problem.source}), so it has no worked solution")
