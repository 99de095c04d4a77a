"""From free text to the answer: markers, fallbacks, and hostile input."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.grading import answer_type, extract, grade
from workbench.records import Problem, to_json

WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def make(answer: str | None, kind: str | None = None, choices: tuple[str, ...] | None = None, **more: Any) -> Problem:
    metadata = {"answer_type": kind, **more} if kind else more
    return Problem(id="p", question="?", answer=answer, choices=choices, metadata=metadata)


@pytest.mark.parametrize(
    "text",
    [
        "12 + 35 = 47 apples",
        "Answer: 47",
        "answer = 47",
        "**Answer**: 47",
        "**Answer:** **47**",
        "## Final Answer\n\n**47**",
        "Answer:\n\n47",
        "The answer is:\n\\[\n47\n\\]",
        "The answer is 47 (12 + 35).",
        "The correct answer to this question is 47.",
        "so the answer should be 47",
        "Final Answer: The final answer is $47$. I hope it is correct.",
        "So we get \\boxed{47\\text{ apples}}, after 3 steps",
        "#### 47",
        "#### Step 2: add 5\nSo it is 47.",
        "Answer: 12 + 35 = 47 apples",
        "Check: 47 - 35 = 12\nAnswer: 47",
        "Plan: add\nSteps:\n12 + 35 = 47\nCheck: 47 - 12 = 35\nAnswer: 47",
        "<think>It might be 5</think>\nAnswer: 47",
        "<think>It might be 5. No, 47",
        "Answer: 47\n\nQuestion: What is 3 + 3?\nAnswer: 6",
        "The answer is not 46 but 47.",
        "the result is 12. Then 12 + 35 = 47.\nAnswer: 47",
        "Answer: First 12 + 30 = 42.\nThen 42 + 5 = 47 apples are left.",
        "Answer: 12 apples are in the first basket\nThen 12 + 35 = 47",
        "Answer: 47\n\nExplanation: 12 + 35 = 47, and 2 + 2 = 4",
        "Therefore the answer is 47. 46 would be too few.",
        "First 40\nThen forty-seven, that is 47",
        "The answer is forty-seven.",
    ],
)
def test_every_form_of_a_number_counts(text: str) -> None:
    assert grade(make("47", "number"), text).verdict == "correct"


@pytest.mark.parametrize(
    "text",
    ["", "no idea", "Answer: 4.7", "Answer: -47", "Answer: 12 + 35", "Answer: 47 + x",
     "\\boxed{47\\sqrt{2}}", "\\boxed{47x}", "Answer: 47\\pi", "Answer: 470", "Answer: 47/2", "Answer: 47²",
     "#### 47\nAnswer: 48"],
)  # fmt: skip
def test_nothing_else_counts_as_that_number(text: str) -> None:
    assert grade(make("47", "number"), text).verdict == "wrong"


@pytest.mark.parametrize(
    ("answer", "options", "text"),
    [
        ("Friday", WEEKDAYS, "Answer: Tuesday + 3 days = Friday"),
        ("Friday", WEEKDAYS, "If it is Monday today then it is friday."),
        ("Friday", WEEKDAYS, "\\boxed{\\text{Friday}}"),
        ("Friday", WEEKDAYS, "Answer: Monday is day 1.\nFour days later is Friday."),
        ("Yes", ["Yes", "No"], "Answer: Yes, because no one is."),
        ("No", ["Yes", "No"], "Does it follow, yes? **No**"),
        ("mother-in-law", ["mother", "mother-in-law"], "Answer: mother-in-law"),
        ("Darryl", None, "Answer: The person is **Darryl**."),
        ("Darryl", None, "Answer: Darryl reveres the color red."),
        ("Darryl", None, "It is Darryl."),
        ("Craig-James", None, "The answer is: Craig-James"),
        ("reyornac", None, 'canroyer backward is "reyornac".'),
        ("reyornac", None, "Answer: r-e-y-o-r-n-a-c"),
        ("reyornac", None, "Answer: canroyer -> reyornac"),
        ("Brasilia", None, "Answer: Brasília."),
    ],
)
def test_words_names_and_options(answer: str, options: list[str] | None, text: str) -> None:
    problem = make(answer, "word", **({"options": options} if options else {}))
    assert grade(problem, text).verdict == "correct"


def test_a_part_of_an_option_is_not_that_option() -> None:
    problem = make("mother", "word", options=["mother", "mother-in-law"])
    assert grade(problem, "Answer: mother-in-law").verdict == "wrong"


@pytest.mark.parametrize(
    "text",
    ["Answer: B", "The answer is (B).", "**B) pear**", "Answer: B. pear", "Answer: pear", "Answer: b", "Answer:\n\nB",
     "It must be option B because (A) is wrong", "I think the pear is right", "Answer: B because A is red",
     "\\boxed{\\text{(B)}}"],
)  # fmt: skip
@pytest.mark.parametrize("reference", ["B", "(b)", "pear"])
def test_choices_by_letter_or_text(text: str, reference: str) -> None:
    problem = make(reference, choices=("apple", "pear", "fig"))
    assert answer_type(problem) == "choice"
    assert extract(problem, text) == "B"
    assert grade(problem, text).verdict == "correct"


def test_choices_that_differ_by_a_sign_or_are_numbers() -> None:
    problem = make("D", choices=("$-1$", "$-\\frac{1}{2}$", "$\\frac{1}{2}$", "$1$"))
    assert grade(problem, "Answer: $1$").verdict == "correct"
    assert grade(problem, "Answer: $-1$").verdict == "wrong"
    assert grade(problem, "so 3 - 2 = 1").verdict == "correct"
    assert grade(make("A", choices=("x", "y")), "A train leaves").verdict == "wrong"


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ("['18.5', '-48.1']", "Answer: 18.50, -48.1"),
        ("['18.5', '-48.1']", "So the list is ['18.5', '-48.1'].\nI removed 3 and 4."),
        ("[1, 2, 3]", "\\boxed{[1,2,3]}"),
        ("[]", "Answer: []"),
        ("[]", "Answer: the list is empty"),
        ("3, 5, 7", "Answer: 3 5 7"),
        ("3, 5, 7", "Answer: 3 < 5 < 7"),
        ("1234, 5", "Answer: 1,234, 5"),
        ("the, may, FREE", "The reversed list is: the, may, free."),
        ("the, may, free", "Answer:\n1. the\n2. may\n3. free\n\nThat is all."),
        ("the, may, free", "Here:\n- the\n- may\n- free"),
        ("the, may, free", "Answer:\n```\nthe; may; free\n```"),
        ("a, b, c", "Answer: a, b, and c"),
    ],
)
def test_lists(answer: str, text: str) -> None:
    assert grade(make(answer, "list"), text).verdict == "correct"


@pytest.mark.parametrize("text", ["Answer: b, a", "Answer: a", "Answer: a, b, c", "Answer: []", "", "a"])
def test_other_lists_are_wrong(text: str) -> None:
    assert grade(make("a, b", "list"), text).verdict == "wrong"


@pytest.mark.parametrize(
    "text", ['Answer: "Hello  world."', "Answer: **hello world**", 'It says "hello world" here', "Hello World!"]
)
def test_phrases(text: str) -> None:
    assert grade(make("hello world", "text"), text).verdict == "correct"


def test_the_answer_type_is_inferred_and_an_unknown_one_is_refused() -> None:
    assert answer_type(make("1,234")) == "number"
    assert answer_type(make("\\frac{3}{4}")) == "number"
    assert answer_type(make("x+1")) == "math"
    assert answer_type(make(None, constraints=[{"kind": "case", "value": "lower"}])) == "constraints"
    with pytest.raises(InputError, match="'numbr' is not known"):
        extract(make("1", "numbr"), "Answer: 1")


KINDS = ["number", "fraction", "word", "choice", "list", "text", "math", "constraints"]


def unanswered(kind: str) -> Problem:
    more: dict[str, Any] = {"constraints": [{"kind": "contains", "words": ["river"]}]} if kind == "constraints" else {}
    return make(None, kind, ("apple", "pear") if kind == "choice" else None, **more)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "piece",
    ["1,", "½", "\\boxed{", "\\frac{1}{", "**", '"', "\n", "Answer:", "answer to the ", "#### 1\n", "1. a\n", "\ud800"],
)  # fmt: skip
def test_hostile_texts_take_linear_time(piece: str, kind: str) -> None:
    text = piece * (100_000 // len(piece))
    start = time.process_time()
    found = grade(unanswered(kind), text)
    assert time.process_time() - start < 1.0
    assert to_json(found)


@settings(max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            ["Answer:", "the answer is", "\\boxed{", "}", "####", "\n", " ", "=", "-", "1,234", "3/0", "$", "A", "("]
        )
        | st.text(max_size=8),
        max_size=30,
    ).map("".join),
    st.sampled_from(KINDS),
)
def test_no_text_makes_extraction_fail(text: str, kind: str) -> None:
    problem = unanswered(kind)
    answer = extract(problem, text)
    assert answer is None or answer.strip()
    assert extract(problem, text) == answer


MARKERS = ["Answer: {}", "**Answer:** {}", "The answer is {}.", "\\boxed{{{}}}", "#### {}", "So x = {}", "Answer:\n{}"]


@given(
    st.integers(-(10**9), 10**9), st.integers(1, 10**6), st.sampled_from(MARKERS), st.sampled_from(["", "2 + 3 = 5\n"])
)
def test_the_right_number_is_correct_and_any_other_is_wrong(value: int, off: int, marker: str, before: str) -> None:
    problem = make(str(value), "number")
    assert grade(problem, before + marker.format(value)).verdict == "correct"
    assert grade(problem, before + marker.format(value + off)).verdict == "wrong"
