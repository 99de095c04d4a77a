"""What each arm wrote, side by side: one look for the report, the app and the notebooks.

Everything that a pane shows comes from outside and reaches the page through autoescape alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from workbench.records import (
    HEADINGS,
    Completion,
    Event,
    Grade,
    Section,
    Segment,
    Trace,
    Verdict,
    rendered_text,
    split_sections,
)
from workbench.views.theme import ARM_COLOURS, ROLE_COLOURS, ROLE_LABELS, arm_label, words

if TYPE_CHECKING:
    from workbench.comparison import Draft

WORKED_LABEL = "A worked solution by a program, not a language model's"
ARM_DETAILS = {
    "base": "Before distillation",
    "base_guided": "Before distillation, with guidance",
    "student": "After distillation",
    "student_guided": "After distillation, with guidance",
}
"""What a pane says under an arm's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pane:
    """What one arm wrote for one problem."""

    arm: str
    label: str
    sections: tuple[Segment, ...]
    """See `workbench.records.split_sections`."""
    verdict: Verdict
    tokens: int = 0
    seconds: float = 0.0
    events: tuple[Event, ...] = ()
    answer: str = ""
    """The answer as the grader read it."""
    reason: str = ""
    """Why the verdict is not ``correct``, in one line."""
    note: str = ""
    """What stands where nothing was written, or after what was."""
    writing: bool = False
    """True while it is being written: there is no verdict yet."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of an answer's text; an intervention wrote it where ``event`` is its number, from 1."""

    text: str
    event: int | None = None


def trace_pane(trace: Trace) -> Pane:
    """Returns a teacher's trace as a pane; a worked solution is never passed off as a model's."""
    verdicts: dict[bool | None, Verdict] = {True: "correct", False: "wrong", None: "ungraded"}
    return Pane(
        arm="teacher",
        label=WORKED_LABEL if trace.teacher == "worked" else f"A recorded trace by {trace.teacher}",
        sections=split_sections(rendered_text(trace)),
        verdict=verdicts[trace.is_correct],
        reason="nobody checked this trace" if trace.is_correct is None else "",
    )


def completion_pane(completion: Completion, grade: Grade | None, label: str = "") -> Pane:
    """Returns what a student wrote as a pane.

    Args:
        completion: of any arm.
        grade: of the same problem; without one the pane says that it was not graded.
        label: what stands under the arm's name; by default `ARM_DETAILS`.
    """
    cut_off = completion.finish_reason == "length"
    return Pane(
        arm=completion.arm,
        label=label or ARM_DETAILS.get(completion.arm, ""),
        sections=split_sections(completion.text),
        verdict=grade.verdict if grade else "ungraded",
        tokens=len(completion.token_ids),
        seconds=completion.seconds,
        events=completion.events,
        answer=(grade.extracted or "") if grade else "",
        reason=grade.reason if grade else "not graded",
        note="cut off at the limit of tokens" if cut_off else "",
    )


def draft_pane(draft: Draft, *, stopped: bool = False) -> Pane:
    """Returns what an arm has written so far as a pane.

    Args:
        draft: of `workbench.comparison.compare`.
        stopped: somebody stopped it, so that no more will come.
    """
    if draft.completion:
        return completion_pane(draft.completion, draft.grade)
    return Pane(
        arm=draft.arm,
        label=ARM_DETAILS.get(draft.arm, ""),
        sections=split_sections(draft.text),
        verdict="ungraded",
        tokens=len(draft.token_ids),
        seconds=draft.seconds,
        events=draft.events,
        reason="it was stopped before it was finished" if stopped else "",
        note="stopped" if stopped else "",
        writing=not stopped,
    )


def panes_html(question: str, panes: Sequence[Pane], *, reference: str = "", style: bool = True) -> str:
    """Returns a question and the panes of its arms as a fragment of HTML, for notebooks and the app.

    It needs nothing from outside, and its style touches nothing but itself.

    Args:
        question: shown above the panes.
        panes: in the order of the page.
        reference: the right answer, where it is known.
        style: bring the style sheet along; once a page is enough.
    """
    return str(_macros().fragment(question, reference, [drawn(pane) for pane in panes], style_sheet() if style else ""))


def key_html() -> str:
    """Returns what the colours mean, as a fragment of HTML in the style of `panes_html`."""
    return str(Markup('<div class="rb-panes">{}</div>').format(_macros().key()))


@cache
def _macros() -> Any:
    """Compiled once: the app renders its page ten times a second."""
    return environment().get_template("panes.html.j2").module


def style_sheet() -> Markup:
    """Returns the panes' style sheet, scoped to the class ``rb-panes``."""
    colours = [f"--role-{role}: {colour};" for role, colour in ROLE_COLOURS.items()]
    colours += [f"--arm-{arm}: {colour};" for arm, colour in ARM_COLOURS.items()]
    return Markup(f".rb-panes {{ {' '.join(colours)} }}\n{resource('panes.css')}")  # both are files of ours


def environment() -> jinja2.Environment:
    """Returns what renders the templates of this folder, escaping by default."""
    made = jinja2.Environment(
        loader=jinja2.FunctionLoader(resource), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    made.filters.update(words=words, arm_label=arm_label)
    made.globals.update(roles=ROLE_LABELS, known_arms=tuple(ARM_COLOURS))
    return made


def resource(name: str) -> str:
    """Returns a template, style sheet or script of this folder."""
    return files("workbench.views").joinpath(name).read_text(encoding="utf-8")


def drawn(pane: Pane) -> dict[str, Any]:
    """Returns a pane as the template takes it: each section with its pieces, its marks and its place among its kind."""
    pieces = marked_pieces([segment.text for segment in pane.sections], pane.events)
    marks = marked_headings([segment.section for segment in pane.sections], pane.events)
    counts: dict[str, int] = {}
    sections = []
    for segment, runs, mark in zip(pane.sections, pieces, marks, strict=True):
        counts[segment.section] = counts.get(segment.section, 0) + 1
        key = f"{pane.arm}-{segment.section}-{counts[segment.section]}"
        sections.append({"section": segment.section, "pieces": runs, "event": mark, "key": key})
    return {**{field.name: getattr(pane, field.name) for field in dataclasses.fields(pane)}, "sections": sections}


def marked_headings(sections: Sequence[Section], events: Sequence[Event]) -> list[int | None]:
    """Returns for each section the number of the intervention that wrote its heading, from 1.

    >>> event = Event(intervention="PlanFirst", position=0, reason="", action="inject", text="Plan:")
    >>> marked_headings(["strategy", "answer"], [event])
    [1, None]
    """
    kinds = {heading: section for section, heading in HEADINGS.items()}
    marks: list[int | None] = [None] * len(sections)
    for number, event in enumerate(events, 1):
        kind = kinds.get(event.text.strip())
        place = next((i for i, section in enumerate(sections) if section == kind and marks[i] is None), None)
        if place is not None:
            marks[place] = number
    return marks


def marked_pieces(texts: Sequence[str], events: Sequence[Event]) -> list[list[Piece]]:
    """Returns each text cut where an intervention wrote into it.

    Events are looked for in order, each after the one before; a text that was cut away or that became
    a heading is not found, and its event is then only listed.

    >>> event = Event(intervention="verify", position=9, reason="", action="insert", text="Wait,")
    >>> marked_pieces(["1 + 1 = 3. Wait, 2."], [event])
    [[Piece(text='1 + 1 = 3. ', event=None), Piece(text='Wait,', event=1), Piece(text=' 2.', event=None)]]
    """
    cuts: list[list[tuple[int, int, int]]] = [[] for _ in texts]
    section = start = 0
    for number, event in enumerate(events, 1):
        wanted = event.text.strip()
        for index in range(section, len(texts)) if wanted else ():
            place = texts[index].find(wanted, start if index == section else 0)
            if place >= 0:
                section, start = index, place + len(wanted)
                cuts[index].append((place, start, number))
                break
    return [_cut(text, marks) for text, marks in zip(texts, cuts, strict=True)]


def _cut(text: str, marks: Sequence[tuple[int, int, int]]) -> list[Piece]:
    pieces, done = [], 0
    for start, end, number in marks:
        pieces += [Piece(text[done:start]), Piece(text[start:end], number)]
        done = end
    return [piece for piece in (*pieces, Piece(text[done:])) if piece.text]
