from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import InputError
from workbench.inference import End, Engine, Inject, Request, View
from workbench.interventions import Budget, Guidance, Intervention, PlanFirst, Verify


def view(text: str, proposed: str | None, limit: int = 100) -> View:
    """A row whose tokens are characters; ``None`` proposes the end."""
    token = 0 if proposed is None else ord(proposed[0])
    decode = lambda ids: proposed if ids == (token,) and proposed else "".join(map(chr, ids))  # noqa: E731
    return View(tuple(map(ord, text)), token, proposed is None, limit, decode)


def act(guidance: Guidance, *views: View) -> list:
    control = guidance.controller(lambda text: [ord(character) for character in text])
    return [control(seen) for seen in views]


def test_plan_first_opens_with_the_heading_unless_the_student_does():
    injected, passed = act(Guidance([PlanFirst()]), view("", "The"), view("Plan:", " "))
    assert isinstance(injected, Inject)
    assert "".join(map(chr, injected.token_ids)) == "Plan:"
    assert injected.event.reason == "the answer begins without a plan"
    assert passed is None
    assert act(Guidance([PlanFirst()]), view("", "Plan")) == [None]


@pytest.mark.parametrize(
    ("text", "proposed", "fires"),
    [
        ("Plan: a\nSteps:\nb\n", "Answer", True),
        ("Plan: a\nSteps:\nb\nCheck: c\n", "Answer", False),
        ("The result is 4", None, True),
        ("The result is 4\nAnswer: 4", None, False),
        ("Plan: a\nSteps:\nb\n", "Then", False),
        ("the Answer", "Answer", False),
    ],
)
def test_verify_asks_for_a_check_before_the_answer(text, proposed, fires):
    (command,) = act(Guidance([Verify()]), view(text, proposed))
    assert isinstance(command, Inject) == fires


def test_verify_writes_its_heading_on_a_line_of_its_own():
    (command,) = act(Guidance([Verify()]), view("The result is 4", None))
    assert command.event.text == "\nCheck:"


def test_budget_forces_an_answer_then_ends_and_continues_what_ends_too_early():
    budget = Guidance([Budget(max_tokens=20, min_tokens=5, answer_tokens=6)])
    early, forced, ended = act(budget, view("abc", None), view("a" * 14, "x"), view("a" * 13 + "Answer:", "x"))
    assert early.event.text == "\nWait"
    assert forced.event.text == "\nAnswer:"
    assert isinstance(ended, End)


def test_a_budget_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="max_tokens"):
        Budget(max_tokens=10, min_tokens=20)


@dataclass(frozen=True)
class Always(Intervention):
    text: str = "!"

    def fires(self, view):
        return "always"


@given(limit=st.integers(1, 5), steps=st.integers(1, 12))
def test_a_limit_holds_even_for_what_wants_to_fire_for_ever(limit, steps):
    commands = act(Guidance([Always(limit=limit)]), *[view("a" * n, "x") for n in range(steps)])
    assert sum(command is not None for command in commands) == min(limit, steps)


def test_the_first_that_fires_steps_in():
    (command,) = act(Guidance([PlanFirst(), Always()]), view("", "x"))
    assert command.event.intervention == "PlanFirst"


def test_guidance_is_data():
    guidance = Guidance([PlanFirst(), Verify(limit=2), Budget(max_tokens=64, min_tokens=8)])
    assert Guidance.from_dict(json.loads(json.dumps(guidance.to_dict()))) == guidance


@pytest.mark.parametrize(
    ("value", "said"),
    [({"kind": "Nope"}, "unknown intervention 'Nope'"), ({"kind": "Verify", "size": 3}, "no field 'size'")],
)
def test_unknown_guidance_is_refused_by_name(value, said):
    with pytest.raises(InputError, match=said):
        Guidance.from_dict({"interventions": [value]})


def test_an_empty_injection_is_refused():
    with pytest.raises(InputError, match="empty text"):
        act(Guidance([Always(text="")]), view("", "x"))


def test_in_the_engine_guidance_is_recorded_and_no_limit_is_passed(make_student):
    student = make_student()
    guidance = Guidance([PlanFirst(), Verify(), Budget(max_tokens=30, min_tokens=10, answer_tokens=8)])
    wanted = [
        Request(
            problem_id=str(n),
            prompt_ids=tuple(student.prompter.question_ids("1" * n)),
            max_tokens=40,
            steering=guidance,
        )
        for n in range(1, 13)
    ]
    for completion in Engine(student, slots=4).run(wanted):
        assert completion.text.startswith("Plan:")
        assert len(completion.token_ids) <= 40
        assert completion.events[0].intervention == "PlanFirst"
        for event in completion.events:
            injected = completion.token_ids[event.position : event.position + event.added_tokens]
            assert student.prompter.decode(injected) == event.text[: len(student.prompter.decode(injected))]
