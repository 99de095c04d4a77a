"""Copies of held-out questions are found; siblings from the same template are not copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.curation.contamination import Copy, Judgement
from workbench.curation.describe import question_hash
from workbench.curation.held_out import HeldOut
from workbench.curation.templates import Neighbours, neighbour_counts
from workbench.curation.text import words
from workbench.curation.tokens import encode
from workbench.records import Problem, Trace

LONG = (
    "A train with {n} wagons leaves the old station at nine in the morning and travels through three valleys, "
    "stopping at every second village to load {m} crates of apples, while its driver writes down the height of "
    "each bridge. How many crates are on board when it reaches the sea after {k} stops?"
)


def problem(name: str, question: str) -> Problem:
    return Problem(id=name, question=question, answer="1")


def copies(questions: Sequence[str], held_out: HeldOut) -> dict[int, Copy]:
    coded = [encode(question) for question in questions]
    met, suspects = held_out.scan(questions, coded)
    neighbours = Neighbours()
    neighbours.add(neighbour_counts([*coded, *(original.tokens for original in held_out.originals)]))
    counts = np.bincount(met, minlength=held_out.gram_count)
    return Judgement(held_out, counts, neighbours, 0.8).copies(suspects)


def found(questions: Sequence[str], originals: Sequence[str]) -> set[int]:
    held_out = HeldOut.of(problem(f"h{index}", question) for index, question in enumerate(originals))
    equal = {index for index, question in enumerate(questions) if question_hash(words(question)) in held_out.equal}
    return equal | set(copies(questions, held_out))


DISGUISES: list[Callable[[str], str]] = [
    lambda text: text,
    lambda text: text.upper(),
    lambda text: "  " + text.replace(" ", "\n  ") + "  ",
    lambda text: text.replace("?", " ?!").replace(",", ";"),
    lambda text: text + " Think step by step.",
    lambda text: "Please help: " + text,
]


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("size", [2, 400])
def test_copies_are_found_and_template_siblings_are_kept(
    disguise: Callable[[str], str], size: int, sound_pool: Callable[[int], list[Trace]]
) -> None:
    pool = [trace.problem.question for trace in sound_pool(size)]
    siblings = [LONG.format(n=n, m=n + 3, k=n * 2) for n in range(20, 20 + size // 2)]
    originals = [LONG.format(n=7, m=8, k=9), "What is 1200 + 3 + 4? Work from left to right.", "Ann has 3 red hats."]
    copies = [disguise(question) for question in originals]
    start = len(pool) + len(siblings)
    assert found([*pool, *siblings, *copies], originals) == {start, start + 1, start + 2}


def test_a_long_copy_with_one_word_changed_is_found() -> None:
    original = LONG.format(n=7, m=8, k=9)
    siblings = [LONG.format(n=n, m=8, k=9) for n in range(10, 40)]
    changed = original.replace("apples", "pears")
    assert found([*siblings, changed], [original]) == {len(siblings)}
    assert found(["What is 2 + 2?", changed], [original]) == {1}


def test_a_long_sibling_with_one_other_number_is_no_copy() -> None:
    assert found([LONG.format(n=7, m=8, k=10)], [LONG.format(n=7, m=8, k=9)]) == set()


def test_short_questions_do_not_match_longer_ones_around_them() -> None:
    longer = "Tom was asked: what is 3 + 4, but he wondered about many other things instead, such as birds."
    assert found([longer, "What is 3 + 4 + 5?", "What is 4 + 3?"], ["What is 3 + 4?"]) == set()


def test_no_held_out_problem_means_no_grams() -> None:
    assert copies([LONG], HeldOut()) == {}


def test_a_repeated_held_out_question_is_indexed_once() -> None:
    held_out = HeldOut.of([problem("a", "What is 2 + 2 ?"), problem("b", "what is 2 + 2")])
    assert list(held_out.equal.values()) == ["a"]
    assert len(held_out.originals) == 1


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("What is 3.5 + 1?", "what is 3.5 + 1", True),
        ("What is 3.5 + 1?", "What is 35 + 1?", False),
        ("1,234 apples", "1234 apples", True),
        ("[1, 2, 34]", "[1, 23, 4]", False),
        ("8 - 3", "8 \u2212 3", True),
        ("8 - 3", "8 + 3", False),
        ("2 * (3 + 4)", "2 * 3 + 4", False),
        ("\u201cQuoted\u201d text", "'quoted' TEXT", True),
        ("Caf\u00e9", "Cafe\u0301", True),
    ],
)
def test_words_forget_form_and_keep_numbers(left: str, right: str, same: bool) -> None:
    assert (words(left) == words(right)) is same


@given(st.text(max_size=60))
def test_words_are_stable_and_never_fail(text: str) -> None:
    found_words = words(text)
    assert all(word and not word.isspace() for word in found_words)
    assert words(f"  {text}\n") == found_words


@given(st.integers(2, 10**6), st.integers(2, 10**6))
def test_other_numbers_are_another_question(first: int, second: int) -> None:
    texts = [f"What is {number} + 1 and then twice that?" for number in (first, second)]
    assert bool(found(texts[:1], texts[1:])) is (first == second)


def test_held_out_ids_are_reported() -> None:
    held_out = HeldOut.of([problem("first", LONG), problem("second", LONG.replace("train", "tram"))])
    copy = copies([LONG.replace("train", "tram") + " Answer briefly."], held_out)[0]
    assert (copy.original, copy.share, copy.reason) == ("second", 1.0, "held-out overlap")
    assert copy.matched.startswith("a tram with n wagons") or "tram" in copy.matched
    assert copy.matched.endswith("[answer briefly]")
    assert "[" not in copy.matched_original


def test_siblings_that_share_numbers_are_kept_beside_other_families(sound_pool: Callable[[int], list[Trace]]) -> None:
    intro = "Your task is to count how many legs there are in total when given a list of animals and their numbers. "
    asked = intro + "Now, how many legs are there in total if you have {list}? Give the number alone, without any unit."
    beasts = ("cow", "hen", "spider", "ant", "crab", "dog", "cat")

    def listed(start: int, size: int) -> str:
        return ", ".join(f"{(start * place) % 9 + 1} {beasts[(start + place) % 7]}s" for place in range(1, size + 1))

    others = [trace.problem.question for trace in sound_pool(1200)]
    originals = [asked.format(list="3 cows, 2 hens"), asked.format(list="1 ant")]
    siblings = [asked.format(list=listed(start, 5)) for start in range(9, 60)]
    assert found([*others, *siblings, originals[0] + " Thanks."], originals) == {len(others) + len(siblings)}
