"""What a family of embedded problems is: a generator, its difficulty, and a teacher that explains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

import reasoning_gym

from workbench.files import text_hash
from workbench.records import Problem, Step

Split = Literal["train", "dev", "test"]
_MOST_DRAWS = 1_000
_TENTHS: Mapping[Split, range] = {"train": range(8), "dev": range(8, 9), "test": range(9, 10)}
"""Of ten equal parts of a family's questions, those of each split."""
_HALVES: Mapping[Split, range] = {"train": range(10), "dev": range(5), "test": range(5, 10)}
"""The same for a family that is held out whole: what it would train on is nobody's concern."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkedSolution:
    """A program's explanation of how it solved a problem; never presented as a model's trace."""

    method: str
    """Short name of the strategy that was chosen, such as ``running total``."""
    strategy: str
    """How to approach the problem, and why so."""
    tactics: tuple[str, ...]
    """One small move each, every intermediate value written out."""
    check: str
    """The result verified by another route."""
    answer: str

    def steps(self) -> tuple[Step, ...]:
        """Returns the solution as the steps of a trace."""
        tactics = (Step(role="tactic", text=text) for text in self.tactics)
        return (Step(role="strategy", text=self.strategy), *tactics, Step(role="check", text=self.check))


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check by another route says of an answer."""

    text: str
    holds: bool


def agreement(route: str, found: object, answer: str) -> Finding:
    """Compares an answer with what another route gives.

    >>> agreement("12 + 34 = 46", 46, "47")
    Finding(text='12 + 34 = 46, not 47.', holds=False)
    """
    holds = str(found) == answer
    return Finding(f"{route}, {'which agrees' if holds else f'not {answer}'}.", holds)


def counted(number: int, noun: str) -> str:
    """Returns a number of things in words.

    >>> counted(1, "day"), counted(2, "day")
    ('1 day', '2 days')
    """
    return f"{number} {noun}{'s' * (number != 1)}"


@dataclass(frozen=True, slots=True)
class Span:
    """A generator's setting that is drawn anew for each problem, both ends included."""

    low: int
    high: int


Solver = Callable[[Problem, Random], WorkedSolution]
"""Solves from the question's own numbers and words, never from ``problem.answer``."""
Generator = Callable[[Random, Mapping[str, Any]], Mapping[str, Any]]
"""Draws one item (``question``, ``answer``, ``metadata``) for one level's settings."""
Recap = Callable[[Problem], str]
"""Says in one sentence what is given and what is asked."""
Verifier = Callable[[Problem, str], Finding]
"""Looks at an answer by another route than the solver's; knows nothing of ``problem.answer``."""
Mistake = Callable[[Problem, str, Random], str]
"""Turns the right answer into a wrong one that somebody could have come to."""


def verified(
    verify: Verifier, problem: Problem, answer: str, *, method: str, strategy: str, tactics: Iterable[str]
) -> WorkedSolution:
    """Returns a solution that is checked by the family's other route; see `WorkedSolution`."""
    check = verify(problem, answer).text
    return WorkedSolution(method=method, strategy=strategy, tactics=tuple(tactics), check=check, answer=answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One kind of problem."""

    name: str
    """Becomes the problems' ``source``."""
    domain: str
    answer_type: str
    """How answers are found and compared: see `workbench.grading`."""
    levels: tuple[Mapping[str, Any], ...]
    """Generator settings from easy to hard; problems are spread evenly over them."""
    solve: Solver
    generator: str | Generator
    """The name of a reasoning-gym data set, or a function of our own."""
    keep: tuple[str, ...] = ()
    """The generator's metadata that the solver and the graders read; the rest is left out."""
    unseen: bool = False
    """True for a family that is held out whole, to see what transfers."""
    core: bool = False
    """True for the families of the demo, few enough for a small student to learn from 1,000 traces."""
    recap: Recap | None = None
    """What the long form begins with."""
    verify: Verifier | None = None
    """The second check of the long form, and the one that finds a slip."""
    mistake: Mistake | None = None
    """How an answer goes wrong; by its type, where there is none."""
    easier: tuple[Mapping[str, Any], ...] = ()
    """Levels below ``levels``, for the wide ladder; they count down from -1."""
    harder: tuple[Mapping[str, Any], ...] = ()
    """Levels above ``levels``, for the wide ladder."""
    usable: Callable[[Mapping[str, Any]], bool] | None = None
    """Says whether an item of the generator is an honest question; others are drawn again."""

    def problem(self, seed: int, split: Split, index: int, *, wide: bool = False) -> Problem:
        """Draws problem ``index`` of a split: a pure function of the arguments and the family.

        reasoning-gym draws item i from ``seed + i``, so that neighbouring seeds share their items;
        each problem's own seed is therefore a hash of (seed, split, family, index). No question is of two splits,
        whatever the seeds; but for the families of the demo, whose problems are older than that rule.

        Args:
            seed: other seeds give other problems.
            split: ``train``, ``dev`` or ``test``.
            index: from 0; levels come in turn.
            wide: whether the levels reach from ``easier`` to ``harder``; such problems are others, with other ids.
        """
        place = f"w{index}" if wide else str(index)
        lowest, count = (-len(self.easier), len(self.ladder)) if wide else (0, len(self.levels))
        level = lowest + index % count
        item_seed, item = self._draw((seed, split, self.name, place), level, split)
        metadata = {name: _plain(item["metadata"][name]) for name in self.keep}
        return Problem(
            id=f"{self.name}-{split}-{seed}-{place}",
            question=item["question"].strip(),
            answer=str(item["answer"]).strip(),
            domain=self.domain,
            source=self.name,
            license="Apache-2.0",
            metadata={"answer_type": self.answer_type, "level": level, "seed": item_seed, **metadata},
        )

    @property
    def ladder(self) -> tuple[Mapping[str, Any], ...]:
        """All levels from the easiest to the hardest; ``levels`` begin at place ``len(easier)``."""
        return (*self.easier, *self.levels, *self.harder)

    def _draw(self, place: tuple[object, ...], level: int, split: Split) -> tuple[int, Mapping[str, Any]]:
        """The first usable item of a place that is the split's, and the seed it was drawn from."""
        for attempt in range(_MOST_DRAWS):
            again = (attempt,) if attempt else ()
            item_seed = int(text_hash(*place, *again)[:16], 16) >> 1  # 63 bits suit Parquet
            item = self._item(item_seed, level)
            if self._is_of(item["question"], split) and (self.usable is None or self.usable(item)):
                return item_seed, item
        raise AssertionError(f"{self.name}: no usable item at {place}")

    def _is_of(self, question: str, split: Split) -> bool:
        """Whether a question is the split's: a hash of its words decides, so that no two splits share one."""
        if self.core:
            return True
        part = int(text_hash("split", self.name, *question.casefold().split())[:8], 16) % 10
        return part in (_HALVES if self.unseen else _TENTHS)[split]

    def _item(self, item_seed: int, level: int) -> Mapping[str, Any]:
        settings = self._settings(item_seed, level)
        if callable(self.generator):
            return self.generator(Random(item_seed), settings)
        item: Mapping[str, Any] = _dataset(self.generator, tuple(settings.items()))[item_seed]
        return item

    def _settings(self, item_seed: int, level: int) -> Mapping[str, Any]:
        settings = self.ladder[level + len(self.easier)]
        rng = Random(f"settings {item_seed}")
        return {
            name: rng.randint(value.low, value.high) if isinstance(value, Span) else value
            for name, value in settings.items()
        }

    def score(self, problem: Problem, answer: str) -> float:
        """Returns the generator's own score of an answer, 1.0 where it is right.

        Only for answers of ours: some of reasoning-gym's scorers evaluate what they are given.
        """
        if callable(self.generator):
            raise ValueError(f"{self.name} has no scorer of its own; grade it")
        seed, level = problem.metadata["seed"], problem.metadata["level"]
        item = self._item(seed, level)
        dataset = _dataset(self.generator, tuple(self._settings(seed, level).items()))
        return float(dataset.score_answer(answer, dict(item)))


def _plain(value: Any) -> Any:
    """What JSON knows, so that a problem equals its own copy from a file: no numpy texts, no tuples."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


@cache
def _dataset(name: str, settings: tuple[tuple[str, Any], ...]) -> Any:
    """A generator without state: seed 0, so that item i is drawn from seed i itself."""
    return reasoning_gym.create_dataset(name, seed=0, size=2**63, **dict(settings))
