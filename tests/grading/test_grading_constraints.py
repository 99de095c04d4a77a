"""Checkable instructions: strict on a candidate, generous about which part of the text it is."""

from __future__ import annotations

from typing import Any

import pytest

from workbench.errors import InputError
from workbench.grading import check_constraints, grade
from workbench.records import Problem

CASES: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "word_count", "min": 2, "max": 3}, "red river", "one two three four"),
    ({"kind": "word_count", "max": 2}, "don't go", "a b c"),
    ({"kind": "contains", "words": ["river", "red"]}, "A RED river.", "a redder river"),
    ({"kind": "excludes", "words": ["sea"]}, "a season", "the Sea"),
    ({"kind": "repeat", "word": "river", "times": 2}, "River, river", "river river river"),
    ({"kind": "item_count", "count": 3, "separator": ";"}, "a; b; c", "a; b"),
    ({"kind": "item_count", "count": 2, "separator": "\n"}, "- a\n- b", "- a\n- b\n- c"),
    ({"kind": "starts_with", "text": "Once"}, "once upon", "It was once"),
    ({"kind": "ends_with", "text": "the end"}, "This is the end.", "the end of it"),
    ({"kind": "ends_with", "text": "anything else?"}, "Is there anything else?", "nothing else?"),
    ({"kind": "case", "value": "upper"}, "RED RIVER 5", "RED River"),
    ({"kind": "case", "value": "lower"}, "red river", "12345"),
    ({"kind": "each_starts_with", "letter": "m", "separator": ","}, "map, Moon, m", "map, sun"),
    ({"kind": "order", "words": ["sun", "moon"]}, "the sun, the moon", "moon, then sun"),
    ({"kind": "order", "words": ["sun", "moon"]}, "Sun moon sun", "sun only"),
    ({"kind": "subset", "words": ["red", "blue"]}, "Red, red, BLUE", "red green"),
]


@pytest.mark.parametrize(("constraint", "good", "bad"), CASES)
def test_each_kind_is_met_and_violated(constraint: dict[str, Any], good: str, bad: str) -> None:
    assert check_constraints(good, [constraint]) == []
    (violation,) = check_constraints(bad, [constraint])
    assert violation.startswith(constraint["kind"])


def problem(*constraints: dict[str, Any]) -> Problem:
    metadata = {"answer_type": "constraints", "constraints": list(constraints)}
    return Problem(id="p", question="?", metadata=metadata)


@pytest.mark.parametrize(
    "text",
    [
        "map, moon, milk",
        "Answer: map, moon, milk",
        "Plan: find words\nAnswer: map, moon, milk",
        "Sure, here you are:\nmap, moon, milk",
        "map, moon, milk\nI hope that helps, my friend, really!",
        "Sure:\nmap, moon, milk\nDone, as you asked, today.",
        'I would say "map, moon, milk" here.',
        "Look, as you asked, here:\n```\nmap, moon, milk\n```\nso, enjoy, friend",
        "<think>apple, no</think>**map, moon, milk**",
    ],
)
def test_the_candidate_may_stand_anywhere(text: str) -> None:
    wanted = problem(
        {"kind": "item_count", "count": 3, "separator": ","},
        {"kind": "each_starts_with", "letter": "m", "separator": ","},
    )
    found = grade(wanted, text)
    assert found.verdict == "correct"
    assert found.extracted == "map, moon, milk"


def test_one_candidate_must_meet_all_constraints() -> None:
    wanted = problem({"kind": "word_count", "max": 2}, {"kind": "contains", "words": ["red", "blue", "green"]})
    found = grade(wanted, "red blue\ngreen\nred blue green")
    assert found.verdict == "wrong"
    assert found.reason
    assert grade(wanted, "   ").verdict == "wrong"


def test_without_constraints_it_is_ungraded() -> None:
    assert grade(Problem(id="p", question="?", metadata={"answer_type": "constraints"}), "x").verdict == "ungraded"


@pytest.mark.parametrize(
    ("constraint", "message"),
    [
        ({"kind": "rhyme"}, "constraint kind 'rhyme' is not known"),
        ({}, "kind None is not known"),
        ("short", "kind 'short' is not known"),
        ({"kind": "contains"}, "'contains' needs a field 'words'"),
        ({"kind": "contains", "words": []}, "'words' to list at least one word"),
        ({"kind": "repeat", "word": "x", "times": "four"}, "'repeat' needs a field 'times'"),
        ({"kind": "item_count", "count": 2, "separator": ""}, "'separator'"),
        ({"kind": "word_count"}, "'min' or 'max'"),
        ({"kind": "case", "value": "title"}, "'upper' or 'lower'"),
    ],
)
def test_a_constraint_that_cannot_be_checked_is_named(constraint: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_constraints("text", [constraint])
