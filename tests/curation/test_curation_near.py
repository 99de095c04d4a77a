"""Small edits make a near duplicate; another number, name or quotation makes another question."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from workbench.curation.columns import Columns
from workbench.curation.describe import describe
from workbench.curation.near import drop_near
from workbench.curation.templates import Neighbours, neighbour_counts
from workbench.curation.text import words
from workbench.curation.tokens import TokenTable, encode
from workbench.curation.verdicts import Verdicts
from workbench.records import Problem, Trace

NAMES = ("Ann", "Bob", "Cleo", "Dan", "Eve", "Finn", "Gus", "Hana", "Ida", "Jon", "Kit", "Lea")
FAMILY = "{a} is married to {b}. They have a child called {c}. {c} is married to {d}."
TEMPLATE = FAMILY + " What is {e} to {f}? Answer in one word."
EDITS = (
    "Question: {}", "{} Thank you very much.", "Please solve this: {}",
)  # fmt: skip
FREE = (
    "A baker starts before dawn, bakes 14 trays of rolls, sells 5 of them at the market and gives 2 to a neighbour "
    "who mended the oven last winter. How many trays are left when the shop opens?"
)


def siblings(count: int) -> list[str]:
    found = []
    for place in range(count):
        names = Random(place).sample(NAMES, 4)
        pair = Random(place).sample(names, 2)
        found.append(TEMPLATE.format(**dict(zip("abcdef", [*names, *pair], strict=True))))
    return list(dict.fromkeys(found))


def dropped(questions: list[str]) -> dict[int, int]:
    """The rows that near duplicates cost, and what stayed in their place."""
    traces = [
        Trace(id=str(place), problem=Problem(id=str(place), question=text), teacher="x", answer="1", reasoning="r")
        for place, text in enumerate(questions)
    ]
    rows = Columns.of([describe(trace, words(trace.problem.question), True) for trace in traces])
    neighbours, verdicts, table = Neighbours(), Verdicts(), TokenTable.of(questions)
    neighbours.add(neighbour_counts([encode(text) for text in questions]))
    verdicts.extend([""] * len(questions))
    drop_near(rows, table, np.arange(len(rows)), neighbours, verdicts, 0.7)
    assert all(verdicts.reason(index) == "near duplicate" for index in verdicts.dropped.tolist())
    return {index: verdicts.of(index) for index in verdicts.dropped.tolist()}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_row_goes_and_its_siblings_stay(edit: str) -> None:
    pool = siblings(300)
    assert dropped([*pool, edit.format(pool[7])]) == {len(pool): 7}


def test_siblings_of_a_template_are_no_duplicates() -> None:
    assert dropped(siblings(400)) == {}


@pytest.mark.parametrize(
    "other", [FREE.replace("14", "15"), FREE.replace("bakes 14", "bakes 5").replace("sells 5", "sells 14")]
)
def test_other_numbers_or_another_order_make_another_question(other: str) -> None:
    assert dropped([FREE, other]) == {}


def test_a_changed_word_in_free_text_is_a_small_edit() -> None:
    found = dropped([FREE.replace("winter", "autumn"), FREE, *siblings(40)])
    assert found in ({0: 1}, {1: 0})


def test_quoted_words_are_what_is_asked_about() -> None:
    asked = 'How many times does the letter "e" appear in the text: "{}"?'
    texts = ["the", "are", "to the", "the sea", "a tree", "the tree", "the green sea", "green"]
    assert dropped([asked.format(text) for text in texts]) == {}


def test_another_formula_makes_another_question() -> None:
    asked = "The medians $\\overline{{DP}}$ and $\\overline{{EQ}}$ of a triangle are perpendicular. What is then ${}$?"
    assert dropped([asked.format(name) for name in ("DE", "DF", "EF")]) == {}


def test_the_better_row_stays_whatever_the_order() -> None:
    pool = siblings(200)
    copy = f"Question: {pool[3]}"
    assert dropped([copy, *pool]) == {0: 4}


def test_no_rows_and_short_rows_do_no_harm() -> None:
    assert dropped([]) == {}
    assert dropped(["Why?", "Why not?", "", "2 + 2"]) == {}
