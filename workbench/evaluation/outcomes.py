"""From completions to accuracies: graded, paired, by family, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from workbench.evaluation.statistics import Estimate, Gain, accuracy, paired_gain
from workbench.grading import grade_all
from workbench.records import Completion, Grade, Problem, follows_format


@dataclass(frozen=True, slots=True)
class Outcome:
    """One problem, answered and graded in every arm."""

    problem: Problem
    unseen: bool
    """True where the problem's family was held out of training whole."""
    completions: Mapping[str, Completion]
    grades: Mapping[str, Grade]

    def correct(self, arm: str) -> bool:
        """Whether an arm was right."""
        return self.grades[arm].is_correct


def grade_arms(
    problems: Sequence[Problem], arms: Mapping[str, Sequence[Completion]], unseen: Callable[[Problem], bool]
) -> list[Outcome]:
    """Grades every arm's completions with the same grader, blind to the arm.

    Args:
        problems: in the order of each arm's completions.
        arms: arm name to completions.
        unseen: tells a family that was held out whole.
    """
    grades = {
        arm: list(grade_all(zip(problems, (c.text for c in completions), strict=True)))
        for arm, completions in arms.items()
    }
    return [
        Outcome(
            problem,
            unseen(problem),
            {arm: completions[index] for arm, completions in arms.items()},
            {arm: grades[arm][index] for arm in arms},
        )
        for index, problem in enumerate(problems)
    ]


def estimate(outcomes: Sequence[Outcome], arm: str) -> Estimate:
    """Returns an arm's accuracy with its interval."""
    return accuracy([outcome.correct(arm) for outcome in outcomes])


def gain(outcomes: Sequence[Outcome], arm: str, against: str, seed: int) -> Gain:
    """Returns the paired gain of one arm over another; the bootstrap resamples within families."""
    return paired_gain(
        [outcome.correct(against) for outcome in outcomes],
        [outcome.correct(arm) for outcome in outcomes],
        strata=[outcome.problem.source for outcome in outcomes],
        seed=seed,
    )


def family_rows(outcomes: Sequence[Outcome], arms: Sequence[str], seed: int) -> list[dict[str, Any]]:
    """Returns one row per family, those that did not improve included, in the order they come."""
    families = list(dict.fromkeys(outcome.problem.source for outcome in outcomes))
    rows = []
    for family in families:
        own = [outcome for outcome in outcomes if outcome.problem.source == family]
        rows.append(
            {
                "family": family,
                "domain": own[0].problem.domain,
                "unseen": own[0].unseen,
                "n": len(own),
                "arms": {arm: asdict(estimate(own, arm)) for arm in arms},
                "gain": asdict(gain(own, arms[1], arms[0], seed)) if len(arms) > 1 else None,
                "format": {arm: format_rate(own, arm) for arm in arms},
            }
        )
    return rows


def format_rate(outcomes: Sequence[Outcome], arm: str) -> float:
    """Returns the share of an arm's texts with plan, steps, check and answer in order."""
    return sum(follows_format(outcome.completions[arm].text) for outcome in outcomes) / max(1, len(outcomes))


def arm_costs(outcomes: Sequence[Outcome], arm: str) -> dict[str, float]:
    """Returns what an arm's answers took: tokens, injected tokens, and the share that was cut off."""
    completions = [outcome.completions[arm] for outcome in outcomes]
    count = max(1, len(completions))
    return {
        "mean_tokens": sum(len(c.token_ids) for c in completions) / count,
        "injected_tokens": sum(event.added_tokens for c in completions for event in c.events) / count,
        "cut_off": sum(c.finish_reason == "length" for c in completions) / count,
        "ungraded": sum(outcome.grades[arm].verdict == "ungraded" for outcome in outcomes) / count,
    }
