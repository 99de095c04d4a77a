"""What the app works with, apart from how it looks: recorded comparisons, and a student that loads meanwhile."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from workbench.comparison import Comparison, Draft, chosen_guidance, compare, typed_problem, worked_solution
from workbench.errors import InputError, WorkbenchError, first_line
from workbench.records import Problem, Trace, to_dict
from workbench.views.panes import Pane, draft_pane, trace_pane
from workbench.views.theme import arm_label

if TYPE_CHECKING:
    from workbench.students import Student

State = Literal["new", "recorded", "waiting", "writing", "finished", "stopped"]

SNAPSHOT_S = 0.1
"""At least so long between two snapshots: a page cannot show more, and each costs the student a little."""
WAIT_S = 0.5
"""Between two looks at a student that is still loading."""
FEWEST_TOKENS, MOST_TOKENS, TOKENS = 16, 512, 200
"""Of an answer: what may be asked for, and the default."""
GUIDES = ("PlanFirst", "Verify", "Budget")
"""The interventions of `workbench.comparison.chosen_guidance`."""
NO_TEACHER = "There is no worked solution to a question of your own."
NO_GUIDANCE = "No guidance was chosen."
BEFORE = {
    "new": "Nothing is recorded for this problem: press Compare.",
    "waiting": "It waits for the student to be loaded.",
    "writing": "It reads the question …",
    "stopped": "It was stopped before it wrote anything.",
}
"""What stands in a pane before its first token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants compared."""

    question: str = ""
    problem_id: str = ""
    """Of an embedded problem; it counts unless ``question`` or ``reference`` says something else."""
    reference: str = ""
    guides: tuple[str, ...] = GUIDES
    max_tokens: int = TOKENS

    def __post_init__(self) -> None:
        if not FEWEST_TOKENS <= self.max_tokens <= MOST_TOKENS:
            raise InputError(f"max_tokens={self.max_tokens} must lie between {FEWEST_TOKENS} and {MOST_TOKENS}")
        unknown = next((name for name in self.guides if name not in GUIDES), None)
        if unknown is not None:
            raise InputError(f"no intervention {unknown!r}; there are {', '.join(GUIDES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A comparison as it stands: not yet asked for, recorded, being written, or done."""

    problem: Problem
    teacher: Trace | None
    drafts: tuple[Draft, ...] = ()
    state: State

    def panes(self) -> list[Pane]:
        """Returns the panes in the order of the page: teacher, base, student, guided student."""
        teacher = trace_pane(self.teacher) if self.teacher else _without_text("teacher", NO_TEACHER)
        if not self.drafts:
            return [teacher, *(_without_text(arm, BEFORE[self.state]) for arm in ("base", "student", "student_guided"))]
        panes = [draft_pane(draft, stopped=self.state == "stopped") for draft in self.drafts]
        guided = any(draft.arm.endswith("_guided") for draft in self.drafts)
        return [teacher, *panes, *([] if guided else [_without_text("student_guided", NO_GUIDANCE)])]

    def to_json(self) -> dict[str, Any]:
        """Returns the same as plain values, for programs."""
        texts = {draft.arm: draft.text for draft in self.drafts}
        return {
            "question": self.problem.question,
            "reference": self.problem.answer,
            "state": self.state,
            "finished": self.state in ("recorded", "finished", "stopped"),
            "panes": [_pane_json(pane, texts.get(pane.arm, "")) for pane in self.panes()],
        }


def _without_text(arm: str, note: str) -> Pane:
    return Pane(arm=arm, label="", sections=(), verdict="ungraded", note=note)


def _pane_json(pane: Pane, text: str) -> dict[str, Any]:
    text = text or "\n".join(segment.text for segment in pane.sections)
    return {
        "arm": pane.arm,
        "label": f"{arm_label(pane.arm)}: {pane.label or pane.note}",
        "text": text,
        "sections": [{"section": segment.section, "text": segment.text} for segment in pane.sections],
        "tokens": pane.tokens,
        "seconds": pane.seconds,
        "events": [to_dict(event) for event in pane.events],
        "verdict": pane.verdict if pane.sections or not (pane.writing or pane.note) else None,
        "answer": pane.answer or None,
        "reason": pane.reason,
        "finished": not pane.writing,
    }


@dataclass(slots=True)
class Turn:
    """One press of Compare; other listeners can end it."""

    order: Literal["go", "stop", "drop"] = "go"
    """``drop`` ends it because the page shows something else by now."""
    instead: str = ""
    """The problem that is shown then. The turn shows it as its last word: one of its snapshots may be on its way."""


class Desk:
    """Recorded comparisons at once, live ones as soon as the student is there.

    One desk serves all visitors: there is one set of weights, and one comparison is written at a time.

    Args:
        load: loads the student; called once, in a thread of its own, after `start`.
        recorded: shown without any weights.
        problems: to choose from; by default those of ``recorded``.
    """

    def __init__(
        self, load: Callable[[], Student], recorded: Sequence[Comparison], problems: Sequence[Problem] | None = None
    ) -> None:
        self.recorded = {comparison.problem.id: comparison for comparison in recorded}
        listed = [comparison.problem for comparison in recorded] if problems is None else problems
        self.problems = {problem.id: problem for problem in listed}
        self._load = load
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._student: Student | None = None
        self._failure: WorkbenchError | None = None

    def start(self) -> None:
        """Begins to load the student, unless that was begun before."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._fetch, name="student", daemon=True)
                self._thread.start()

    def _fetch(self) -> None:
        try:
            self._student = self._load()
        except WorkbenchError as error:
            self._failure = error
        except Exception as error:  # a visitor must read why, whatever it was
            self._failure = WorkbenchError(f"the student could not be loaded: {first_line(error)}")

    @property
    def ready(self) -> bool:
        """True once the student can answer."""
        return self._student is not None

    @property
    def failure(self) -> str:
        """Why the student cannot be loaded, in one line; empty otherwise."""
        return str(self._failure) if self._failure else ""

    def shown(self, problem_id: str) -> Shown:
        """Returns a problem with its recorded comparison; without one, as a problem that waits to be asked.

        Raises:
            InputError: where there is no such problem.
        """
        problem = self._problem(problem_id)
        kept = self.recorded.get(problem_id)
        if kept:
            return Shown(problem=problem, teacher=kept.teacher, drafts=kept.drafts, state="recorded")
        return Shown(problem=problem, teacher=worked_solution(problem), state="new")

    def listing(self) -> list[dict[str, Any]]:
        """Returns the problems to choose from as plain values."""
        return [
            {
                "id": problem.id,
                "question": problem.question,
                "domain": problem.domain,
                "family": problem.source,
                "reference": problem.answer,
                "recorded": problem.id in self.recorded,
            }
            for problem in self.problems.values()
        ]

    def run(self, ask: Ask, stop: Callable[[], bool] = lambda: False) -> Iterator[Shown]:
        """Writes a comparison; waits for the student first where it is still loading.

        Args:
            ask: what to compare.
            stop: asked again and again; True ends it, with what was written so far.

        Raises:
            WorkbenchError: where the question will not do, or the student could not be loaded.
        """
        shown = self._asked(ask)
        self.start()
        while not self.ready and not stop():
            if self._failure:
                raise self._failure
            yield shown
            time.sleep(WAIT_S)
        if self._student and not stop():
            shown = replace(shown, state="writing")
            yield shown
            for drafts in self._written(shown.problem, ask, stop):
                shown = replace(shown, drafts=drafts)
                yield shown
        yield replace(shown, state="finished" if _all_finished(shown.drafts) else "stopped")

    def _written(self, problem: Problem, ask: Ask, stop: Callable[[], bool]) -> Iterator[tuple[Draft, ...]]:
        """Not every token is worth a snapshot; the first and the last are."""
        assert self._student
        guidance = chosen_guidance(ask.guides, ask.max_tokens)
        last = 0.0
        with closing(compare(problem, self._student, guidance, max_tokens=ask.max_tokens)) as snapshots:
            for drafts in snapshots:
                ending = stop() or _all_finished(drafts)
                if ending or time.monotonic() - last >= SNAPSHOT_S:
                    last = time.monotonic()
                    yield drafts
                if ending:
                    return

    def _asked(self, ask: Ask) -> Shown:
        chosen = self._problem(ask.problem_id) if ask.problem_id else None
        if chosen and _same(ask.question, chosen.question) and _same(ask.reference, chosen.answer or ""):
            recorded = self.recorded.get(chosen.id)
            teacher = recorded.teacher if recorded else worked_solution(chosen)
            return Shown(problem=chosen, teacher=teacher, state="waiting")
        return Shown(problem=typed_problem(ask.question, ask.reference), teacher=None, state="waiting")

    def _problem(self, problem_id: str) -> Problem:
        if problem_id not in self.problems:
            raise InputError("there is no such problem; /problems lists those there are")
        return self.problems[problem_id]


def _same(asked: str, known: str) -> bool:
    return asked.strip() in ("", known.strip())


def _all_finished(drafts: Sequence[Draft]) -> bool:
    return bool(drafts) and all(draft.completion for draft in drafts)
