"""What every family keeps to: its teacher is right, its check tells right from wrong, its levels reach far."""

from __future__ import annotations

from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.grading import grade_answer
from workbench.pool import seen_families, unseen_families
from workbench.pool.families import FAMILIES
from workbench.pool.family import Family, WorkedSolution
from workbench.pool.mistakes import misread, mistaken
from workbench.records import Problem, Trace, follows_format, from_json, rendered_text, to_json

PER_LADDER = 120
Sample = tuple[Problem, WorkedSolution]
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def samples(family: Family) -> tuple[Sample, ...]:
    return samples_of(family.name)


@cache
def samples_of(name: str) -> tuple[Sample, ...]:
    """Problems of both ladders, each with its worked solution."""
    family = next(family for family in FAMILIES if family.name == name)
    drawn = [family.problem(4, "train", index, wide=wide) for wide in (False, True) for index in range(PER_LADDER)]
    return tuple((problem, family.solve(problem, Random(place % 3))) for place, problem in enumerate(drawn))


def test_there_are_enough_families_domains_and_unseen_ones() -> None:
    assert len(FAMILIES) >= 24
    assert len({family.domain for family in FAMILIES}) >= 8
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    assert 1 / 4 <= len(unseen_families()) / len(FAMILIES) <= 1 / 3
    assert {family.domain for family in seen_families()} >= {
        *("probability and combinatorics", "graphs", "calendar", "number theory", "algebra", "geometry", "logic"),
        *("instruction following", "strings", "algorithms", "arithmetic"),
    }
    assert not any("gsm" in str(family.generator) for family in FAMILIES)


@each_family
def test_worked_answers_get_the_full_score_of_generator_and_grader(family: Family) -> None:
    for problem, solution in samples(family):
        assert grade_answer(problem, solution.answer).is_correct, (problem.question, solution.answer)
        if isinstance(family.generator, str):
            assert family.score(problem, solution.answer) == 1.0, (problem.question, solution.answer)


@each_family
def test_the_teacher_never_reads_the_reference(family: Family) -> None:
    for problem, solution in samples(family)[::5]:
        blind = Problem(id=problem.id, question=problem.question, metadata=problem.metadata, source=problem.source)
        place = next(n for n, (other, _) in enumerate(samples(family)) if other is problem)
        assert family.solve(blind, Random(place % 3)) == solution
        assert family.verify is not None
        assert family.verify(blind, solution.answer).holds


@each_family
def test_the_check_holds_for_the_right_answer_alone(family: Family) -> None:
    assert family.verify is not None
    caught = 0
    for place, (problem, solution) in enumerate(samples(family)):
        assert family.verify(problem, solution.answer).holds, (problem.question, solution.answer)
        wrong = mistaken(family, problem, solution.answer, Random(place))
        if wrong is not None:
            caught += 1
            assert not grade_answer(problem, wrong).is_correct, (problem.question, solution.answer, wrong)
            finding = family.verify(problem, wrong)
            assert not finding.holds
            assert finding.text.strip()
    assert caught >= 0.95 * len(samples(family))


@each_family
def test_the_problems_shape_chooses_among_methods(family: Family) -> None:
    methods = {solution.method for _, solution in samples(family)}
    assert len(methods) >= 2
    for problem, solution in samples(family)[::7]:
        assert {family.solve(problem, Random(seed)).method for seed in range(4)} == {solution.method}


@each_family
def test_wordings_differ(family: Family) -> None:
    problem, _ = samples(family)[0]
    assert len({family.solve(problem, Random(seed)).strategy for seed in range(12)}) >= 2


@each_family
def test_the_ladder_rises_from_below_the_usual_levels_to_far_above(family: Family) -> None:
    usual = [family.problem(0, "train", index).metadata["level"] for index in range(2 * len(family.levels))]
    assert usual == 2 * list(range(len(family.levels)))
    wide = [family.problem(0, "train", index, wide=True).metadata["level"] for index in range(len(family.ladder))]
    assert wide == list(range(-len(family.easier), len(family.ladder) - len(family.easier)))
    assert len(family.ladder) >= 3
    sizes: dict[int, list[int]] = {}
    for problem, solution in samples(family):
        text = f"{problem.question} {' '.join(solution.tactics)} {solution.answer}"
        sizes.setdefault(problem.metadata["level"], []).append(len(text))
    mean = {level: sum(values) / len(values) for level, values in sizes.items()}
    assert mean[max(mean)] > mean[min(mean)]


@each_family
def test_traces_are_well_formed(family: Family) -> None:
    for problem, solution in samples(family):
        for text in (solution.strategy, *solution.tactics, solution.check, solution.answer):
            assert text.strip() == text != ""
            assert text.isprintable(), text
        trace = Trace(id="t", problem=problem, teacher="w", steps=solution.steps(), answer=solution.answer)
        assert follows_format(rendered_text(trace))


@each_family
def test_a_problem_from_a_file_is_the_same_and_solved_alike(family: Family) -> None:
    for place, (problem, solution) in enumerate(samples(family)[:40]):
        again = from_json(Problem, to_json(problem))
        assert again == problem
        assert family.solve(again, Random(place % 3)) == solution


@each_family
def test_ladders_and_splits_give_other_questions_under_other_ids(family: Family) -> None:
    usual, wide = samples(family)[:PER_LADDER], samples(family)[PER_LADDER:]
    assert not {problem.id for problem, _ in usual} & {problem.id for problem, _ in wide}
    if family.unseen:
        return
    train = {problem.question for problem, _ in usual}
    dev = [family.problem(4, "dev", index).question for index in range(PER_LADDER)]
    assert sum(question in train for question in dev) <= 0.25 * len(dev)


@given(st.integers(-9_999, 99_999), st.integers(0, 99))
def test_a_misread_number_is_another_of_the_same_sign(number: int, seed: int) -> None:
    wrong = misread(str(number), Random(seed))
    assert int(wrong) != number
    assert number < 0 or int(wrong) >= 0
