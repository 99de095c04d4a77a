"""Panes as a fragment of HTML: outside text stays text, every mark tells who wrote what."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.records import Completion, Event, Grade, Segment
from workbench.views.panes import (
    Pane,
    completion_pane,
    key_html,
    marked_headings,
    marked_pieces,
    panes_html,
    trace_pane,
)

HOSTILE = (
    "</p></details><script>alert(1)</script><img src=https://e.org/x onerror=alert(2)>[a](javascript:alert(3)) "
    "{{ 7*7 }} <|im_end|> </think> \u202eright to left\u200b \" ' " + "w" * 10_000
)


class Fragment(HTMLParser):
    """The tags and the text that a browser would see, tags closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def completion(text: str, *events: Event, **fields) -> Completion:
    defaults = {"problem_id": "1", "arm": "student", "student": "tiny", "finish_reason": "stop"}
    return Completion(**{**defaults, "text": text, "token_ids": (5, 6, 7), "seconds": 1.25, "events": events, **fields})


def test_outside_text_stays_text_in_every_place():
    event = Event(intervention=HOSTILE, position=1, reason=HOSTILE, action=HOSTILE, text="Wait", added_tokens=1)
    sections = (Segment("strategy", HOSTILE), Segment("answer", "Wait"))
    pane = Pane(
        arm=HOSTILE, label=HOSTILE, sections=sections, verdict="wrong", events=(event,), answer=HOSTILE,
        reason=HOSTILE, note=HOSTILE,
    )  # fmt: skip
    fragment = Fragment(panes_html(HOSTILE, [pane], reference=HOSTILE))
    assert not {tag for tag, _ in fragment.tags} & {"script", "img", "a", "iframe"}
    names = {name for _, attributes in fragment.tags for name in attributes}
    assert names <= {"class", "data-arm", "data-key", "aria-label", "aria-hidden", "style", "title", "open"}
    assert fragment.text.count(HOSTILE) == 7
    assert "49" not in fragment.text


def test_the_style_comes_once_asks_for_nothing_and_touches_nothing_else():
    with_style = panes_html("q", [])
    (style,) = Fragment(with_style).of("style")
    assert style == {}
    sheet = with_style.split("<style>")[1].split("</style>")[0]
    for forbidden in ("url(", "@import", "@font-face", "http"):
        assert forbidden not in sheet
    rules = [line for line in sheet.splitlines() if "{" in line and not line.startswith(("@", " ", "/*"))]
    assert len(rules) > 30
    assert all(selector.strip().find(".rb-panes") >= 0 for rule in rules for selector in rule.split("{")[0].split(","))
    assert "<style>" not in panes_html("q", [], style=False)


def test_a_worked_solution_is_never_called_a_models(traces):
    fragment = Fragment(panes_html(traces[0].problem.question, [trace_pane(traces[0])], style=False))
    assert "A worked solution by a program, not a language model's" in fragment.text
    assert "✓ correct" in fragment.text
    assert len(fragment.of("details")) == 4


def test_a_completion_tells_verdict_reason_answer_tokens_and_seconds():
    grade = Grade(verdict="wrong", extracted="41", reason="41 is not 42")
    fragment = Fragment(panes_html("q", [completion_pane(completion("Answer: 41", finish_reason="length"), grade)]))
    (badge,) = [a for a in fragment.of("span") if (a.get("class") or "").startswith("badge")]
    assert badge == {"class": "badge wrong", "title": "41 is not 42"}
    for said in ("Answer read: 41", "3 tokens · 1.2 s", "cut off at the limit", "After distillation"):
        assert said in " ".join(fragment.text.split())


def test_without_a_grade_a_pane_is_ungraded_and_while_it_is_written_has_no_verdict():
    assert completion_pane(completion("Answer: 41"), None).verdict == "ungraded"
    pane = Pane(arm="base", label="", sections=(Segment("tactic", "so far"),), verdict="ungraded", writing=True)
    text = Fragment(panes_html("q", [pane], style=False)).text
    assert "writing…" in text
    assert "ungraded" not in text


def test_every_section_has_a_key_of_its_own():
    pane = completion_pane(completion("Steps:\na\nCheck: b\nSteps:\nc"), None)
    keys = [attributes["data-key"] for attributes in Fragment(panes_html("q", [pane])).of("details")]
    assert keys == ["student-tactic-1", "student-check-1", "student-tactic-2"]


@pytest.mark.parametrize(
    ("texts", "wanted"),
    [(["Plan:"], [1, None, None]), (["\nCheck:", "Wait"], [None, 1, None]), (["\nCheck:", "Check:"], [None, 1, 2])],
)
def test_a_forced_heading_marks_its_section(texts, wanted):
    events = [Event(intervention="v", position=0, reason="", action="inject", text=text) for text in texts]
    assert marked_headings(["strategy", "check", "check"], events) == wanted


@settings(max_examples=100)
@given(st.lists(st.text("ab ", max_size=12), max_size=4), st.lists(st.text("ab ", max_size=3), max_size=4))
def test_marking_loses_no_text(texts: list[str], inserted: list[str]) -> None:
    events = [Event(intervention="v", position=0, reason="", action="", text=text) for text in inserted]
    marked = marked_pieces(texts, events)
    assert ["".join(piece.text for piece in pieces) for pieces in marked] == texts
    numbers = [piece.event for pieces in marked for piece in pieces if piece.event is not None]
    assert numbers == sorted(set(numbers))
    for pieces in marked:
        assert all(piece.text == inserted[piece.event - 1].strip() for piece in pieces if piece.event)


def test_the_key_names_every_role():
    assert [word for word in ("Plan", "Steps", "Check", "Answer", "intervention") if word in key_html()][4:]
