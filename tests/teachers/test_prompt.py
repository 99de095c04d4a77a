"""What a teacher writes is read strictly, and whatever it writes, nothing crashes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.teachers.prices import Price, listed_price
from workbench.teachers.prompt import INSTRUCTIONS, SCHEMA, parse, split_thoughts

GOOD = {"strategy": "Add.", "steps": ["1 + 1 = 2", "  "], "check": "2 - 1 = 1", "answer": "2"}


@pytest.mark.parametrize("frame", ["{}", "```json\n{}\n```", "```\n{}\n```", "Here it is:\n{}\nDone.", "  {}\n"])
def test_json_alone_fenced_or_among_words(frame):
    solution = parse(frame.replace("{}", json.dumps(GOOD)))
    assert [step.role for step in solution.trace_steps()] == ["strategy", "tactic", "check"]
    assert solution.answer == "2"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"answer": None}, "answer"),
        ({"answer": " "}, "answer is blank"),
        ({"answer": ["2"]}, "answer"),
        ({"steps": []}, "steps"),
        ({"steps": "1 + 1"}, "steps"),
        ({"steps": [" "]}, "steps is blank"),
        ({"strategy": ""}, "strategy"),
        ({"check": 3}, "check"),
    ],
)
def test_what_does_not_fit_is_named(change, said):
    with pytest.raises(ValueError, match=said):
        parse(json.dumps(GOOD | change))
    with pytest.raises(ValueError, match="missing"):
        parse(json.dumps({name: value for name, value in GOOD.items() if name not in change}))


def test_a_number_is_an_answer():
    assert parse(json.dumps(GOOD | {"answer": 2})).answer == 2


@given(st.text(max_size=60) | st.text(alphabet='{}[]",:\\ntrue1', max_size=60))
def test_nothing_that_is_written_crashes(text):
    split_thoughts(text)
    with pytest.raises(ValueError, match="not the JSON"):
        parse(text)


def test_deep_nesting_is_refused_and_not_followed():
    with pytest.raises(ValueError, match="not the JSON"):
        parse('{"strategy":' + "[" * 100_000)


def test_thoughts_are_parted_from_the_reply():
    assert split_thoughts(" <think>hm {}</think>\n{1}") == ("hm {}", "\n{1}")
    assert split_thoughts("<think>never closed {1}") == (None, "<think>never closed {1}")


def test_the_words_ask_for_what_the_schema_demands():
    assert SCHEMA["required"] == list(SCHEMA["properties"])
    assert SCHEMA["additionalProperties"] is False
    for name in SCHEMA["required"]:
        assert f'"{name}"' in INSTRUCTIONS


def test_a_price_is_never_guessed_from_a_similar_name():
    assert listed_price("openai", "gpt-5.4-mini-2026-03-17") == Price(0.75, 4.50)
    assert listed_price("openai", "gpt-5.4-mini-turbo") is None
    assert listed_price("openai", "claude-haiku-4-5") is None
    assert listed_price("nobody", "gpt-5.4-mini") is None
