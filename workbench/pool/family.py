"""What a family of embedded problems is: a generator, its difficulty, and a teacher that explains."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Literal

import reasoning_gym

from workbench.files import text_hash
from workbench.records import Problem, Step

Split = Literal["train", "dev", "test"]


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


Solver = Callable[[Problem, Random], WorkedSolution]
"""Solves from the question's own numbers and words, never from ``problem.answer``."""
Generator = Callable[[Random, Mapping[str, Any]], Mapping[str, Any]]
"""Draws one item (``question``, ``answer``, ``metadata``) for one level's settings."""


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

    def problem(self, seed: int, split: Split, index: int) -> Problem:
        """Draws problem ``index`` of a split: a pure function of the arguments and the family.

        reasoning-gym draws item i from ``seed + i``, so that neighbouring seeds share their items;
        each problem's own seed is therefore a hash of (seed, split, family, index).
        """
        item_seed = int(text_hash(seed, split, self.name, index)[:16], 16) >> 1  # 63 bits suit Parquet
        level = index % len(self.levels)
        item = self._item(item_seed, level)
        metadata = {name: item["metadata"][name] for name in self.keep}
        return Problem(
            id=f"{self.name}-{split}-{seed}-{index}",
            question=item["question"].strip(),
            answer=str(item["answer"]).strip(),
            domain=self.domain,
            source=self.name,
            license="Apache-2.0",
            metadata={"answer_type": self.answer_type, "level": level, "seed": item_seed, **metadata},
        )

    def _item(self, item_seed: int, level: int) -> Mapping[str, Any]:
        if callable(self.generator):
            return self.generator(Random(item_seed), self.levels[level])
        item: Mapping[str, Any] = _dataset(self.generator, tuple(self.levels[level].items()))[item_seed]
        return item

    def score(self, problem: Problem, answer: str) -> float:
        """Returns the generator's own score of an answer, 1.0 where it is right.

        Only for answers of ours: some of reasoning-gym's scorers evaluate what they are given.
        """
        if callable(self.generator):
            raise ValueError(f"{self.name} has no scorer of its own; grade it")
        item = self._item(problem.metadata["seed"], problem.metadata["level"])
        dataset = _dataset(self.generator, tuple(self.levels[problem.metadata["level"]].items()))
        return float(dataset.score_answer(answer, dict(item)))


@cache
def _dataset(name: str, settings: tuple[tuple[str, Any], ...]) -> Any:
    """A generator without state: seed 0, so that item i is drawn from seed i itself."""
    return reasoning_gym.create_dataset(name, seed=0, size=2**63, **dict(settings))
