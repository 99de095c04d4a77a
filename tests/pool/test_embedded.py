"""The embedded pool and its benchmarks: pure, verified, evenly spread, and apart from each other."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from random import Random
from typing import Any

import pytest

from workbench.errors import InputError
from workbench.grading import grade_answer
from workbench.pool import (
    Family,
    WorkedSolution,
    embedded_pool,
    embedded_problems,
    seen_families,
    unseen_families,
    worked_answer,
)
from workbench.pool.families import FAMILIES
from workbench.pool.family import Split
from workbench.records import Problem, Trace, follows_format, rendered_text, to_json

SIZE = 400


@cache
def pool(seed: int = 0) -> tuple[Trace, ...]:
    return tuple(embedded_pool(SIZE, seed))


def questions(split: Split, per_family: int, seed: int = 0) -> set[str]:
    return {problem.question for problem in embedded_problems(split, per_family, seed)}


def test_families_cover_domains_and_one_follows_instructions() -> None:
    seen, unseen = seen_families(), unseen_families()
    assert len(seen) >= 8
    assert len({family.domain for family in seen}) >= 5
    assert [family.name for family in seen if family.domain == "instruction following"] == ["instructions"]
    assert {family.answer_type for family in seen if family.name == "instructions"} == {"constraints"}
    names = [family.name for family in FAMILIES]
    assert len(set(names)) == len(names)
    assert sorted(names) == sorted(family.name for family in seen + unseen)


def test_whole_families_are_held_out() -> None:
    assert {family.name for family in unseen_families()} == {
        "coin_flip",
        "formats",
        "largest_island",
        "products",
        "gcd",
        "fraction_simplification",
        "number_sorting",
        "word_sequence_reversal",
        "needle_haystack",
    }


def test_the_pool_is_a_pure_function_of_size_and_seed() -> None:
    again = list(embedded_pool(SIZE, 0))
    assert [to_json(trace) for trace in again] == [to_json(trace) for trace in pool()]


def test_a_smaller_pool_is_the_beginning_of_a_larger_one() -> None:
    assert list(embedded_pool(25)) == list(pool()[:25])


def test_other_seeds_give_other_questions() -> None:
    first, second = ({trace.problem.question for trace in pool(seed)} for seed in (0, 1))
    assert len(first & second) <= SIZE / 50
    assert not {trace.id for trace in pool(0)} & {trace.id for trace in pool(1)}


def test_every_trace_is_verified_and_from_a_seen_family() -> None:
    seen = {family.name for family in seen_families()}
    assert len(pool()) == len({trace.id for trace in pool()}) == SIZE
    for trace in pool():
        assert trace.is_correct is True
        assert trace.answer is not None
        assert grade_answer(trace.problem, trace.answer).is_correct
        assert trace.problem.source in seen
        assert follows_format(rendered_text(trace))


@pytest.mark.parametrize("size", [1, 37, SIZE])
def test_families_and_their_levels_are_evenly_spread(size: int) -> None:
    counts = Counter({family.name: 0 for family in seen_families()})
    counts.update(trace.problem.source for trace in pool()[:size])
    assert max(counts.values()) - min(counts.values()) <= 1
    for family in seen_families():
        drawn = (trace.problem for trace in pool()[:size] if trace.problem.source == family.name)
        levels = Counter(dict.fromkeys(range(len(family.levels)), 0))
        levels.update(problem.metadata["level"] for problem in drawn)
        assert max(levels.values()) - min(levels.values()) <= 1


def test_an_empty_pool_is_refused_in_one_line() -> None:
    for size in (0, -3):
        with pytest.raises(InputError, match=rf"^size={size} must be at least 1$"):
            list(embedded_pool(size))


def test_traces_are_worded_in_one_way_whatever_the_seed() -> None:
    families = {family.name: family for family in FAMILIES}
    for trace in (*pool(0), *pool(1)):
        solution = families[trace.problem.source].solve(trace.problem, Random(0))
        assert (trace.steps, trace.answer) == (solution.steps(), solution.answer)
        assert trace.model_version == solution.method


def test_one_method_has_one_strategy_but_for_the_days_and_their_direction() -> None:
    strategies: dict[tuple[str, str], set[str]] = {}
    for trace in pool():
        if trace.problem.source in ("leg_counting", "weekday"):
            key = (trace.problem.source, trace.model_version)
            text = re.sub(r"\d+ days? (forward|backward)", "_", trace.steps[0].text)
            strategies.setdefault(key, set()).add(text)
    assert len(strategies) == 4
    assert all(len(texts) == 1 for texts in strategies.values())


@pytest.mark.parametrize("split", ["dev", "test"])
def test_problems_are_distinct_and_even_over_families_and_levels(split: Split) -> None:
    problems = embedded_problems(split, 24)
    assert len({problem.question for problem in problems}) == len({problem.id for problem in problems}) == len(problems)
    assert Counter(problem.source for problem in problems) == {family.name: 24 for family in FAMILIES}
    assert all(f"-{split}-" in problem.id for problem in problems)
    for family in FAMILIES:
        levels = Counter(problem.metadata["level"] for problem in problems if problem.source == family.name)
        assert len(levels) == len(family.levels)
        assert max(levels.values()) - min(levels.values()) <= 4


def test_problems_are_a_pure_function_and_seeds_differ() -> None:
    first, second = (embedded_problems("test", 5, seed=3) for _ in range(2))
    assert [to_json(problem) for problem in first] == [to_json(problem) for problem in second]
    assert len(questions("test", 20, 3) & questions("test", 20, 4)) <= 0.03 * 20 * len(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
@pytest.mark.parametrize("seed", [0, 7])
def test_dev_and_test_share_no_question(family: Family, seed: int) -> None:
    dev, test = (
        {problem.question for problem in embedded_problems(split, 60, seed, [family])} for split in ("dev", "test")
    )
    assert not dev & test
    assert len(dev) >= 0.75 * len(test)


@pytest.mark.parametrize(
    "family",
    [family for family in FAMILIES if not (family.core or family.unseen)],
    ids=lambda family: family.name,
)
def test_no_question_is_of_two_splits_whatever_the_seeds(family: Family) -> None:
    splits: tuple[Split, ...] = ("train", "dev", "test")
    drawn = {
        split: {
            " ".join(family.problem(seed, split, index, wide=split == "train").question.casefold().split())
            for seed in range(3)
            for index in range(60 if split == "train" else 30)
        }
        for split in splits
    }
    assert not drawn["train"] & drawn["dev"]
    assert not drawn["train"] & drawn["test"]
    assert not drawn["dev"] & drawn["test"]


def test_the_demos_families_share_few_questions_with_training() -> None:
    """Their problems are older than the rule, and fixed by the shipped sample; curation drops what they share."""
    train = {trace.problem.question for trace in embedded_pool(1000)}
    for held_out in (questions("dev", 20), questions("test", 20)):
        assert len(held_out & train) <= 0.03 * len(held_out)


def test_fewer_problems_are_a_prefix_family_by_family() -> None:
    few, many = embedded_problems("dev", 4), embedded_problems("dev", 11)
    for family in FAMILIES:
        small, large = ([p for p in problems if p.source == family.name] for problems in (few, many))
        assert (len(small), len(large)) == (4, 11)
        assert small == large[:4]


def test_problems_come_from_the_families_asked_for() -> None:
    wanted = unseen_families()[:2]
    problems = embedded_problems("dev", 3, families=wanted)
    assert [problem.source for problem in problems] == [family.name for family in wanted for _ in range(3)]
    assert embedded_problems("dev", 3, families=()) == []


def coin(rng: Random, settings: Mapping[str, Any]) -> Mapping[str, Any]:
    side = rng.choice(settings["sides"])
    return {"question": f"Say {side}.", "answer": side, "metadata": {}}


def say(problem: Problem, rng: Random) -> WorkedSolution:
    side = problem.question.removeprefix("Say ").removesuffix(".")
    return WorkedSolution(method="say", strategy="Say it.", tactics=(side,), check="Said.", answer=side)


def test_a_small_family_gives_what_it_has() -> None:
    levels = ({"sides": ("heads", "tails")}, {"sides": ("edge",)})
    family = Family(
        name="coin", domain="games", answer_type="word", levels=levels, solve=say, generator=coin, core=True
    )
    problems = embedded_problems("test", 200, families=[family])
    assert sorted(problem.question for problem in problems) == ["Say edge.", "Say heads.", "Say tails."]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_embedded_problem_has_a_verified_answer(family: Family) -> None:
    for problem in embedded_problems("test", 6, seed=2, families=[family]):
        trace = worked_answer(problem)
        assert trace.problem == problem
        assert trace.is_correct is True
        assert grade_answer(problem, trace.answer or "").is_correct


@pytest.mark.parametrize("source", ["elsewhere", "gcd", "needle_haystack", "instructions"])
def test_a_foreign_problem_is_refused_in_one_line_whatever_its_source_is_called(source: str) -> None:
    problem = Problem(id="far-1", question="What is 1 + 1?", answer="2", source=source)
    with pytest.raises(InputError, match=rf"far-1 .*\({source}\).*no worked solution") as caught:
        worked_answer(problem)
    assert "\n" not in str(caught.value)
