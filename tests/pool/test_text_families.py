"""The list, text, logic and instruction families: their teachers are right, sound, short and deterministic."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from random import Random
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.grading import check_constraints, grade_answer
from workbench.pool.families import instructions, lists, logic, reading, strings
from workbench.pool.family import Family, Split, WorkedSolution
from workbench.records import Problem, Trace, follows_format, from_json, rendered_text, to_json

FAMILIES: dict[str, Family] = {
    family.name: family for module in (lists, strings, logic, reading, instructions) for family in module.FAMILIES
}
SPLITS: tuple[Split, ...] = ("train", "dev", "test")
SEEDS = (0, 7)
Sample = tuple[Problem, WorkedSolution]

each_family = pytest.mark.parametrize("name", FAMILIES)
each_generated = pytest.mark.parametrize(
    "name", [name for name, family in FAMILIES.items() if family.generator == name]
)


@cache
def samples(name: str) -> tuple[Sample, ...]:
    """300 problems over splits and seeds, each with its worked solution."""
    family = FAMILIES[name]
    drawn = [family.problem(seed, split, index) for split in SPLITS for seed in SEEDS for index in range(50)]
    return tuple((problem, family.solve(problem, Random(place))) for place, problem in enumerate(drawn))


def rendered(problem: Problem, solution: WorkedSolution) -> str:
    return rendered_text(
        Trace(id="t", problem=problem, teacher="worked", steps=solution.steps(), answer=solution.answer)
    )


def problem_of(name: str, question: str = "", **metadata: object) -> Problem:
    return Problem(id="p", question=question, source=name, metadata=dict(metadata))


@each_family
def test_worked_answers_are_graded_correct(name: str) -> None:
    for problem, solution in samples(name):
        if name != "instructions":
            assert solution.answer == problem.answer, problem.question
        grade = grade_answer(problem, solution.answer)
        assert grade.is_correct, (problem.question, solution.answer, grade.reason)


@each_generated
def test_worked_answers_get_the_generators_full_score(name: str) -> None:
    for problem, solution in samples(name):
        assert FAMILIES[name].score(problem, solution.answer) == 1.0, problem.question


@each_family
def test_solutions_do_not_read_the_reference_answer(name: str) -> None:
    family = FAMILIES[name]
    for problem, _ in samples(name)[:60]:
        blind = Problem(id=problem.id, question=problem.question, metadata=problem.metadata)
        assert family.solve(blind, Random(1)) == family.solve(problem, Random(1))


@each_family
def test_several_methods_and_wordings_occur(name: str) -> None:
    assert len({solution.method for _, solution in samples(name)}) >= 2
    problem, _ = samples(name)[0]
    assert len({FAMILIES[name].solve(problem, Random(seed)).strategy for seed in range(9)}) >= 2


@each_family
def test_traces_are_well_formed_and_short(name: str) -> None:
    lengths = []
    for problem, solution in samples(name):
        for text in (solution.strategy, *solution.tactics, solution.check, solution.answer):
            assert text.strip() == text != ""
            assert text.isprintable(), text
        text = rendered(problem, solution)
        assert follows_format(text), text
        assert len(solution.strategy) <= 100
        lengths.append(len(text))
    assert max(lengths) <= 480
    assert median(lengths) <= 310


@each_family
def test_the_same_arguments_give_the_same_problem_and_solution(name: str) -> None:
    family = FAMILIES[name]
    for index in range(12):
        first, second = (family.problem(3, "train", index) for _ in range(2))
        assert first == second
        assert family.solve(first, Random(index)) == family.solve(second, Random(index))


@each_family
def test_problems_survive_a_round_trip_through_json(name: str) -> None:
    for place, (problem, solution) in enumerate(samples(name)[:60]):
        again = from_json(Problem, to_json(problem))
        assert FAMILIES[name].solve(again, Random(place)) == solution


@each_family
def test_seeds_and_splits_give_different_questions(name: str) -> None:
    family = FAMILIES[name]
    train = {family.problem(0, "train", index).question for index in range(200)}
    assert len(train) >= 190
    for seed, split in ((0, "dev"), (0, "test"), (1, "train")):
        others = [family.problem(seed, split, index).question for index in range(200)]
        assert sum(question in train for question in others) <= 10


@each_family
def test_levels_come_in_turn(name: str) -> None:
    drawn = [FAMILIES[name].problem(0, "train", index).metadata["level"] for index in range(6)]
    assert drawn == ([0, 1, 0, 1, 0, 1] if name == "instructions" else [0, 1, 2, 0, 1, 2])


def test_sorting_reversal_and_the_haystack_are_held_out() -> None:
    held_out = {name for name, family in FAMILIES.items() if family.unseen}
    assert held_out == {"number_sorting", "word_sequence_reversal", "needle_haystack"}


def test_filtering_steps_say_what_is_true() -> None:
    for problem, solution in samples("number_filtering"):
        limit, action = float(problem.metadata["filter_value"]), problem.metadata["operation"].split("_")
        kept = []
        for step, number in zip(solution.tactics, problem.metadata["original_numbers"], strict=True):
            written, sign, bound, verdict = re.fullmatch(r"(\S+) ([<=>]) (\S+): (keep|drop)", step).groups()
            assert (written, bound) == (number, problem.metadata["filter_value"])
            truth = {">": float(number) > limit, "<": float(number) < limit, "=": float(number) == limit}
            assert truth[sign]
            named = truth[{"larger": ">", "smaller": "<"}[action[1]]]
            assert (verdict == "keep") == (named == (action[0] == "keep"))
            kept += [number] if verdict == "keep" else []
        left, right, total = map(int, re.search(r"(\d+) kept \+ (\d+) dropped = (\d+)", solution.check).groups())
        assert (left, left + right, total) == (len(kept), total, len(solution.tactics))
        assert solution.answer == str(kept)
        assert solution.method == ("compare below zero" if limit < 0 else "compare one by one")
        nearest = re.search(r"; (\S+) is (larger|smaller|equal)\.$", solution.check)
        if nearest is None:
            assert not kept
            assert solution.check.endswith("; nothing is kept.")
        else:
            assert nearest[1] in kept
            assert abs(float(nearest[1]) - limit) == min(abs(float(number) - limit) for number in kept)
            assert lists.relation(nearest[1], problem.metadata["filter_value"]) == nearest[2]


@given(st.floats(-99, 99).map(lambda x: f"{x:.1f}"), st.floats(-99, 99).map(lambda x: f"{x:.0f}"))
def test_relation_agrees_with_its_mirror(number: str, limit: str) -> None:
    mirror = {"larger": "smaller", "smaller": "larger", "equal": "equal"}
    assert lists.relation(number, limit) == mirror[lists.relation(limit, number)]


def test_filtering_writes_equal_numbers_as_the_generator_does() -> None:
    problem = problem_of(
        "number_filtering", original_numbers=["-0", "0", "7"], filter_value="3", operation="keep_smaller"
    )
    assert lists.solve_filtering(problem, Random(0)).answer == "['-0', '-0']"


def test_sorting_steps_lose_no_number() -> None:
    for problem, solution in samples("number_sorting"):
        numbers = sorted(float(number) for number in problem.metadata["original_numbers"])
        if solution.method == "split by sign":
            groups = [step.split(": ")[1].split("; in order ") for step in solution.tactics]
            given, ordered = (",".join(part).split(",") for part in zip(*groups, strict=True))
            assert sorted(map(float, given)) == numbers
            assert list(map(float, ordered)) == [float(number) for number in quoted(solution.answer)]
            continue
        taken = []
        for step in solution.tactics:
            number, left = step.split(", left ")
            taken.append(float(number))
            rest = [float(part) for part in left.split(", ")]
            assert sorted(taken + rest) == numbers
            extreme = max if solution.method.endswith("largest") else min
            assert extreme([taken[-1], *rest]) == taken[-1]


def quoted(answer: str) -> list[str]:
    return re.findall(r"'([^']*)'", answer)


def test_reversal_numbers_every_word_and_reads_all_back() -> None:
    for problem, solution in samples("word_sequence_reversal"):
        numbered, *back = [step.split(": ", 1)[1].split(", ") for step in solution.tactics]
        assert numbered == [f"{n} {word}" for n, word in enumerate(problem.metadata["words"], start=1)]
        assert [pair for part in back for pair in part] == numbered[::-1]
        assert solution.answer == ", ".join(pair.split(" ", 1)[1] for part in back for pair in part)
        assert solution.check.startswith(f"{len(numbered)} words;")


def test_letters_are_spelled_counted_by_word_and_added_up() -> None:
    skipped = 0
    for problem, solution in samples("letter_counting"):
        letter, words = problem.metadata["target_letter"], [word.lower() for word in problem.metadata["span"]]
        *steps, added = solution.tactics
        counts = []
        for step, word in zip(steps, words, strict=True):
            name, *spelled, count = step.split(": ")
            assert name == word
            assert int(count) == sum(one == letter for one in word)
            if spelled:
                assert spelled[0].split(" ") == list(word)
            else:
                assert (solution.method, count) == ("spell the words that have it", "0")
                skipped += 1
            counts.append(int(count))
        terms, total = added.split(" = ")
        assert list(map(int, terms.split(" + "))) == counts
        assert sum(counts) == int(total) == int(solution.answer)
        holders = sum(letter in word for word in words)
        assert solution.check == f"{letter} stands in {holders} of {len(words)} words."
    assert skipped >= 10


def test_aiw_sums_are_true_and_colleagues_are_refused() -> None:
    for _, solution in samples("aiw"):
        before, total = map(int, re.search(r"(\d+) \+ 1 = (\d+)", solution.tactics[1]).groups())
        assert before + 1 == total == int(solution.answer)
        after, again = map(int, re.search(r"(\d+) \w+ without \w+ are (\d+),", solution.check).groups())
        assert (after, again) == (total, before)
    with pytest.raises(InputError, match="siblings or friends"):
        logic.solve_aiw(problem_of("aiw", "Mary has 2 male colleagues."), Random(0))


def test_needles_are_quoted_from_the_text() -> None:
    for problem, solution in samples("needle_haystack"):
        text = problem.question.rsplit("\n", 1)[0]
        place, total = map(int, re.search(r"statement (\d+); 1 of (\d+)", solution.check).groups())
        statements = text.strip().removesuffix(".").split(". ")
        assert len(statements) == total
        assert statements[place - 1].startswith(f"{solution.answer} ")
        if solution.method == "one by one":
            for step, statement in zip(solution.tactics[1:], statements, strict=False):
                assert re.sub(r", (yes|no)$", "", step).replace(": ", " ", 1) == statement
        else:
            listed = re.findall(r"(\d+) ([^,]+)", solution.tactics[0])
            assert [word for _, word in listed] == [statement.split()[-1] for statement in statements]


STORY = (
    "George is married to Mary. They have a child called James. James is married to Emma. "
    "They have children called Lucy, Henry and Anna.\n\n"
)


@pytest.mark.parametrize(
    ("who", "whom", "relation"),
    [
        ("George", "James", "father"),
        ("Lucy", "Emma", "daughter"),
        ("Mary", "George", "wife"),
        ("Henry", "Anna", "brother"),
        ("Mary", "Anna", "grandmother"),
        ("Henry", "George", "grandson"),
        ("Emma", "George", "daughter-in-law"),
        ("George", "Emma", "father-in-law"),
    ],
)
def test_relations_are_seen_from_the_person_asked_about(who: str, whom: str, relation: str) -> None:
    problem = problem_of("family_relationships", f"{STORY}How is {who} related to {whom}? Provide it in one word.")
    assert reading.solve_relationship(problem, Random(0)).answer == relation


def test_strangers_are_refused() -> None:
    problem = problem_of("family_relationships", f"{STORY}What is Lucy to Peter? Answer with a single word.")
    with pytest.raises(InputError, match="no family link"):
        reading.solve_relationship(problem, Random(0))


def test_family_steps_are_links_of_the_story() -> None:
    answers = set()
    for problem, solution in samples("family_relationships"):
        asked = re.search(r"(?:What is|How is|What relation is) (\w+) (?:related )?to (\w+)", problem.question)
        steps = [re.match(r"(\w+)'s? (parent|child|spouse) is (\w+)$", step) for step in solution.tactics]
        walk = [step.groups() for step in steps if step]
        assert (walk[-1][2], walk[0][0]) == asked.groups()
        for start, link, end in walk:
            assert linked(problem.question, start, link, end), (problem.question, start, link, end)
        answers.add(solution.answer)
    assert {"father", "wife", "brother", "grandmother", "daughter-in-law"} <= answers


def linked(story: str, start: str, link: str, end: str) -> bool:
    """Whether the story's own sentences say so, read without the solver."""
    if link == "spouse":
        return f"{start} is married to {end}." in story or f"{end} is married to {start}." in story
    child, parent = (start, end) if link == "parent" else (end, start)
    sentences = story.split("\n")[0].split(". ")
    homes = [before for before, after in pairwise(sentences) if re.search(rf"called .*\b{child}\b", after)]
    return any(re.search(rf"\b{parent}\b", home) for home in homes)


def test_instructions_come_in_many_kinds_that_an_echo_does_not_meet() -> None:
    kinds = set()
    for problem, solution in samples("instructions"):
        constraints = problem.metadata["constraints"]
        kinds.add(problem.metadata["kind"])
        assert check_constraints(solution.answer, constraints) == []
        assert check_constraints(problem.answer or "", constraints) == []
        for echo in ("", problem.question, problem.question.split(": ")[-1].rstrip(".")):
            assert check_constraints(echo, constraints), (problem.question, echo)
        assert not grade_answer(problem, problem.question.split(": ")[-1]).is_correct
    assert len(kinds) >= 6


def test_instructions_harder_than_the_embedded_ones_are_solved_too() -> None:
    for seed in range(60):
        item = instructions.draw_instruction(Random(seed), {"size": 5})
        problem = problem_of("instructions", item["question"], **item["metadata"])
        solution = instructions.solve_instruction(problem, Random(seed))
        for answer in (solution.answer, item["answer"]):
            assert check_constraints(answer, item["metadata"]["constraints"]) == [], problem.question
        assert_true_counts(solution)


def test_instruction_counts_are_true() -> None:
    for _, solution in samples("instructions"):
        assert_true_counts(solution)


def assert_true_counts(solution: WorkedSolution) -> None:
    words = len(re.findall(r"\w+", solution.answer))
    for text in (*solution.tactics, solution.check):
        for left, right in re.findall(r"((?:\d+ (?:\w+ )?[+-] )+\d+(?: \w+)?) = (\d+)", text):
            terms = [int(term.replace(" ", "")) for term in re.findall(r"(?:[+-] )?\d+", left)]
            assert sum(terms) == int(right), text
    match = re.match(r"(?:[\d +]+ = )?(\d+) words", solution.check)
    assert match is None or int(match[1]) == words, (solution.check, solution.answer)
    separators = re.search(r"(\d+) (comma|semicolon)", solution.check)
    if separators:
        assert solution.answer.count({"comma": ",", "semicolon": ";"}[separators[2]]) == int(separators[1])
