"""The side-by-side app: teacher, base, student and guided student on one question, written as you watch.

Gradio draws the form; what the arms wrote is drawn by `workbench.views.panes`, as text and nothing else.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from workbench.comparison import Comparison, read_comparisons
from workbench.errors import StorageError, WorkbenchError
from workbench.records import Problem
from workbench.views.desk import FEWEST_TOKENS, GUIDES, MOST_TOKENS, TOKENS, Ask, Desk, Shown, Turn
from workbench.views.panes import key_html, panes_html, resource, style_sheet
from workbench.views.theme import FONT, arm_label, words

if TYPE_CHECKING:
    import gradio as gr

    from workbench.students import Student

STUDENT = "smollm2-135m-reason1k"
QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
"""The page's own listeners: no name for programs, no veil over what they change."""
QUEUE = 16
"""Comparisons that may wait their turn; more are refused."""
TITLE = "ReasonBridge: side by side"
LEAD = (
    "One question, four answers: a worked solution, a small base model, the same model after distillation, and that "
    "student with guidance. The models write at the same time, on this computer, from one set of weights."
)
EXAMPLES = (
    ("Bees and spiders", "How many legs do 3 bees and 2 spiders have?", "34"),
    ("An equation", "Solve for x: 3*x + 4 = 19", "5"),
    ("A letter", 'How many times does the letter "a" appear in "banana"?', "3"),
    ("Without a reference", "Why is the sky blue?", ""),
)
"""A name, a question and its answer."""
GUIDE_LABELS = {
    "PlanFirst": "Plan first",
    "Verify": "Check before answering",
    "Budget": "Answer within the budget",
}
STATES = {
    "new": ("not recorded", "Press Compare to have it answered now."),
    "recorded": ("recorded", "Press Compare to have it answered anew."),
    "waiting": ("live", "The student is still being loaded; it writes as soon as it is there."),
    "writing": ("live", "All answers are being written at the same time."),
    "finished": ("live", "Done. Seconds are wall time; the arms shared this computer."),
    "stopped": ("live", "Stopped."),
}
"""What a comparison is called, and a word about it."""


def compare_app(
    student: Student | str = STUDENT, recorded: Path | str | None = None, *, problems: list[Problem] | None = None
) -> gr.Blocks:
    """Builds the app; its look goes with ``launch(**look())``, or use `launch`.

    Args:
        student: a loaded student, or a name or folder that is loaded in the background.
        recorded: a folder of recorded comparisons; by default those that come with the workbench.
        problems: to choose from; by default those of the recorded comparisons.

    Raises:
        WorkbenchError: where ``recorded`` cannot be read.
    """
    return build(make_desk(student, recorded, problems))


def make_desk(student: Student | str, recorded: Path | str | None, problems: list[Problem] | None = None) -> Desk:
    """Returns what an app works with; arguments as for `compare_app`."""
    comparisons: tuple[Comparison, ...] = ()
    try:
        comparisons = read_comparisons(recorded)
    except StorageError:
        if recorded is not None:
            raise
    if not comparisons and problems is None:
        from workbench.pool import embedded_problems

        problems = embedded_problems("dev", 2)
    load = (lambda: _loaded(student)) if isinstance(student, str) else (lambda: student)
    return Desk(load, comparisons, problems)


def _loaded(name: str) -> Student:
    # Browser, server and student share the cores: threads that wait must not spin.
    if "torch" not in sys.modules:
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    from workbench.quiet import quiet_libraries
    from workbench.students import load_student

    quiet_libraries()
    return load_student(name)


def build(desk: Desk) -> gr.Blocks:
    """Returns the page and its endpoints over a desk."""
    import gradio as gr
    from gradio.events import api

    first = desk.shown(_opening(desk))
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_width=True) as app:
        gr.HTML(_lead(), elem_classes="rb-lead", js_on_load=None)
        form = _form(desk, first)
        _wire(form, Listeners(desk))
        app.load(desk.start, None, None, queue=False, **QUIET)
        endpoints = Endpoints(desk)
        api(endpoints.problems, api_name="problems", queue=False)
        api(endpoints.compare, api_name="compare", concurrency_id="student", concurrency_limit=1)
    queued: gr.Blocks = app.queue(max_size=QUEUE)
    return queued


@dataclass(frozen=True, slots=True)
class _Form:
    """The components that listeners read and write."""

    problem: gr.Dropdown
    question: gr.Textbox
    reference: gr.Textbox
    guides: gr.CheckboxGroup
    tokens: gr.Slider
    compare: gr.Button
    stop: gr.Button
    student: gr.HTML
    status: gr.HTML
    page: gr.HTML


def _form(desk: Desk, first: Shown) -> _Form:
    import gradio as gr

    with gr.Row(equal_height=False):
        with gr.Column(scale=3, min_width=320):
            problem = gr.Dropdown(
                _choices(desk),
                value=first.problem.id,
                label="Embedded problem",
                info=_score(desk),
                elem_id="rb-problem",
            )
            question = gr.Textbox(
                first.problem.question, lines=3, max_lines=7, label="Question", info="Or type one of your own."
            )
            reference = gr.Textbox(
                first.problem.answer or "", label="Reference answer", info="Without one, answers are not graded."
            )
            examples = _examples()
        with gr.Column(scale=2, min_width=300):
            names = [(label, name) for name, label in GUIDE_LABELS.items()]
            guides = gr.CheckboxGroup(names, value=list(GUIDES), label="Guidance of the guided student")
            tokens = gr.Slider(FEWEST_TOKENS, MOST_TOKENS, TOKENS, step=8, label="Tokens of an answer, at most")
            with gr.Row():
                compare = gr.Button("Compare", variant="primary", min_width=120)
                stop = gr.Button("Stop", interactive=False, min_width=80)
            student = gr.HTML(student_html(desk), elem_id="rb-student", js_on_load=None)
            status = gr.HTML(_line(""), elem_id="rb-status", js_on_load=None)
    for button, (_, asked, answer) in examples:
        # In the browser alone: the texts are data inside a string of JavaScript.
        button.click(None, None, [problem, question, reference], js=f"() => {json.dumps([None, asked, answer])}")
    page = gr.HTML(page_html(first), elem_id="rb-page", js_on_load=None)
    return _Form(problem, question, reference, guides, tokens, compare, stop, student, status, page)


def _examples() -> list[tuple[gr.Button, tuple[str, str, str]]]:
    import gradio as gr

    with gr.Row(elem_classes="rb-try"):
        gr.HTML("<p>Try:</p>", js_on_load=None, min_width=0, scale=0)
        return [(gr.Button(example[0], size="sm", min_width=0), example) for example in EXAMPLES]


def _wire(form: _Form, listeners: Listeners) -> None:
    import gradio as gr

    turn, timer = gr.State(None), gr.Timer(1.0)
    buttons = [form.compare, form.stop]
    texts = [form.question, form.reference]
    at_once: dict[str, Any] = {"queue": False, **QUIET}
    timer.tick(listeners.look, None, [form.student, timer], **at_once)
    form.problem.input(listeners.choose, [form.problem, turn], [*texts, form.status, form.page], **at_once)
    asked = gr.on(
        [form.compare.click, form.question.submit], listeners.begin, turn, [turn, form.status, *buttons], **at_once
    )
    answered = asked.then(
        listeners.live,
        [turn, form.problem, *texts, form.guides, form.tokens],
        [form.status, form.page],
        concurrency_id="student",
        concurrency_limit=1,
        **QUIET,
    )
    answered.then(listeners.end, None, buttons, **at_once)
    form.stop.click(listeners.stop, turn, form.stop, **at_once)


@dataclass(frozen=True, slots=True)
class Listeners:
    """What the page's buttons do; each returns the new values of its components."""

    desk: Desk

    def look(self) -> tuple[Any, ...]:
        """Tells how far the student is; the timer rests once that is settled."""
        import gradio as gr

        return student_html(self.desk), gr.Timer(active=not (self.desk.ready or self.desk.failure))

    def choose(self, problem_id: str | None, turn: Turn | None) -> tuple[Any, ...]:
        """Shows an embedded problem, recorded where it is; what is being written for another ends."""
        import gradio as gr

        if not problem_id:
            return (gr.skip(),) * 4
        if turn:
            turn.instead, turn.order = problem_id, "drop"
        shown = self.desk.shown(problem_id)
        return shown.problem.question, shown.problem.answer or "", _line(""), page_html(shown)

    def begin(self, turn: Turn | None) -> tuple[Any, ...]:
        """Opens a turn, before it stands in the queue."""
        import gradio as gr

        if turn:
            turn.order = "drop"
        return Turn(), _line("Waiting for its turn …"), gr.Button(interactive=False), gr.Button(interactive=True)

    def live(
        self, turn: Turn, problem_id: str | None, question: str, reference: str, guides: list[str], max_tokens: int
    ) -> Iterator[tuple[Any, ...]]:
        """Writes the comparison into the page."""
        import gradio as gr

        chosen = problem_id if problem_id and question.strip() else ""
        try:
            ask = Ask(
                question=question,
                problem_id=chosen,
                reference=reference,
                guides=tuple(guides),
                max_tokens=int(max_tokens),
            )
            for shown in self.desk.run(ask, lambda: turn.order != "go"):
                if turn.order == "drop":
                    break
                yield _line(STATES[shown.state][1]), page_html(shown)
            if turn.instead:
                yield _line(""), page_html(self.desk.shown(turn.instead))
        except WorkbenchError as error:
            yield _line(str(error), "failed"), gr.skip()

    def end(self) -> tuple[Any, ...]:
        """Gives the buttons back."""
        import gradio as gr

        return gr.Button(interactive=True), gr.Button(interactive=False)

    def stop(self, turn: Turn | None) -> Any:
        """Ends the turn after the token that is being written; the turn itself says so."""
        import gradio as gr

        if turn and turn.order == "go":
            turn.order = "stop"
        return gr.Button(interactive=False)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What programs call; see the page's own description of its API."""

    desk: Desk

    def problems(self) -> list[dict[str, Any]]:
        """Lists the embedded problems: id, question, domain, family, reference, and whether one is recorded."""
        return self.desk.listing()

    def compare(
        self,
        question: str = "",
        problem_id: str = "",
        reference: str = "",
        guidance: list[str] | None = None,
        max_tokens: int = TOKENS,
    ) -> Iterator[dict[str, Any]]:
        """Answers a question, or an embedded problem, in every arm; streams snapshots of all panes.

        Without `guidance` all interventions are on: PlanFirst, Verify, Budget.
        """
        import gradio as gr

        guides = GUIDES if guidance is None else tuple(guidance)
        try:
            ask = Ask(
                question=question, problem_id=problem_id, reference=reference, guides=guides, max_tokens=max_tokens
            )
            for shown in self.desk.run(ask):
                yield shown.to_json()
        except WorkbenchError as error:
            raise gr.Error(str(error), print_exception=False) from error


def _opening(desk: Desk) -> str:
    """The first recorded problem that distillation changed, so that the page opens on something to see."""
    for comparison in desk.recorded.values():
        verdicts = {arm: grade.is_correct for arm, grade in comparison.grades.items()}
        if verdicts.get("student") and not verdicts.get("base"):
            return comparison.problem.id
    return next(iter(desk.problems))


def _choices(desk: Desk) -> list[tuple[str, str]]:
    """Labels by family; what all questions of a family begin with is left out, so that each can be told apart."""
    lines = {problem.id: " ".join(problem.question.split()) for problem in desk.problems.values()}
    families: dict[str, list[str]] = {}
    for problem in desk.problems.values():
        families.setdefault(problem.source, []).append(lines[problem.id])
    return [
        (f"{words(problem.source)}: {_short(_own(lines[problem.id], families[problem.source]))}", problem.id)
        for problem in desk.problems.values()
    ]


def _own(line: str, family: list[str]) -> str:
    shared = next((at for at, signs in enumerate(zip(*family, strict=False)) if len(set(signs)) > 1), 0)
    start = line.rfind(" ", 0, shared) + 1
    return f"… {line[start:]}" if start > 20 else line


def _short(line: str, width: int = 56) -> str:
    return line if len(line) <= width else f"{line[: width - 1].rstrip()}…"


def _score(desk: Desk) -> str:
    """How the recorded comparisons came out, so that one that is shown is not taken for all."""
    arms: dict[str, int] = {}
    for comparison in desk.recorded.values():
        for arm, grade in comparison.grades.items():
            arms[arm] = arms.get(arm, 0) + grade.is_correct
    counts = ", ".join(f"{arm_label(arm).lower()} {count}" for arm, count in arms.items())
    return f"Of {len(desk.recorded)} recorded comparisons, right: {counts}." if arms else "Nothing is recorded."


def _lead() -> str:
    return Markup("<h1>{}</h1><p>{}</p>").format(TITLE, LEAD)


def student_html(desk: Desk) -> str:
    """Returns how far the student is, as a fragment of HTML."""
    if desk.failure:
        return _line(f"No live comparisons: {desk.failure}", "failed")
    return _line("Student ready", "ready") if desk.ready else _line("Loading the student …", "loading")


def _line(text: str, kind: str = "") -> str:
    return Markup('<p class="{}">{}</p>').format(kind, text)


def page_html(shown: Shown) -> str:
    """Returns a comparison as the page shows it: where it comes from, the question, the panes."""
    name, said = STATES[shown.state]
    aside = said if name != "live" else ""  # what is going on stands in the status line
    origin = Markup('<div class="rb-origin"><p><strong>{}</strong> <span>{}</span></p>{}</div>').format(
        name, aside, Markup(key_html())
    )
    panes = panes_html(shown.problem.question, shown.panes(), reference=shown.problem.answer or "", style=False)
    return f"{origin}{panes}"


def look() -> dict[str, Any]:
    """Returns what ``launch`` takes of the app's look: theme, style and script, nothing from another host."""
    import gradio as gr

    fonts = [name.strip(" '") for name in FONT.split(",")]
    theme = gr.themes.Default(
        primary_hue="blue", neutral_hue="slate", font=fonts, font_mono=["ui-monospace", "monospace"]
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_title_text_color="*neutral_800",
        block_title_text_color_dark="*neutral_100",
    )
    script = Markup("<script>{}</script>").format(Markup(resource("app.js")))
    return {"theme": theme, "css": str(style_sheet()) + resource("app.css"), "head": str(script)}
