"""What the app's tests share: a tiny distilled student, recorded comparisons, and a server in this process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import with_adapter
from workbench.pool import embedded_problems, worked_answer
from workbench.records import Completion, Event, Problem, rendered_text, write_records

HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"></p></details>"
    "[a](javascript:alert(1)) ![i](https://example.org/x.png) <|im_end|> </think> ${7*7} {{7*7}} \u202eleft\u200b "
    + "w"
    * 1_000
)
MEANWHILE = ("base", "student", "student_guided")


@pytest.fixture(scope="session")
def distilled(tiny_folder):
    """A tiny student with an adapter that changes what it writes."""
    from workbench.students import load_student

    return with_adapter(load_student(tiny_folder))


def completion(problem: Problem, arm: str, text: str, *events: Event) -> Completion:
    return Completion(
        problem_id=problem.id, arm=arm, student="tiny", text=text, token_ids=(5, 6, 7), finish_reason="stop",
        events=events, seconds=1.5,
    )  # fmt: skip


@pytest.fixture
def recorded(tmp_path) -> Path:
    """A run's ``evaluate`` folder: three embedded problems and a hostile one, no ``teacher.jsonl``."""
    hostile = Problem(id="hostile", question=HOSTILE, answer=HOSTILE[:200], source=HOSTILE[:100], domain=HOSTILE[:50])
    own = embedded_problems("dev", 1, seed=4)[:3]
    event = Event(intervention=HOSTILE, position=1, reason=HOSTILE, action="inject", text="Check:", added_tokens=2)
    folder = tmp_path / "evaluate"
    write_records(folder / "problems.jsonl", [*own, hostile])
    for arm in MEANWHILE:
        texts = [rendered_text(worked_answer(problem)) if arm == "student" else "No idea." for problem in own]
        answers = [completion(problem, arm, text) for problem, text in zip(own, texts, strict=True)]
        answers.append(completion(hostile, arm, f"Plan: {HOSTILE}\nCheck: {HOSTILE}\nAnswer: {HOSTILE}", event))
        write_records(folder / f"{arm}.jsonl", answers)
    return folder


@pytest.fixture
def served(distilled, recorded) -> Iterator[SimpleNamespace]:
    """The app on a free port of this computer, with the tiny student."""
    from workbench.views.server import launch

    urls: list[str] = []
    app = launch(distilled, recorded, ready=urls.append, block=False)
    yield SimpleNamespace(app=app, url=urls[0].rstrip("/"), student=distilled)
    app.close(verbose=False)
