"""How traces are told: forms and wordings are asked for, recorded and never change what is true."""

from __future__ import annotations

from collections import Counter
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.curation import CurationConfig
from workbench.curation.filters import judge
from workbench.errors import InputError
from workbench.grading import grade_answer
from workbench.pool import RICH, Form, PoolConfig, embedded_pool, form_of, seen_families
from workbench.pool.embedded import worked_trace
from workbench.pool.families import FAMILIES
from workbench.pool.family import Family, WorkedSolution
from workbench.pool.slips import carried, slipped
from workbench.records import Problem, Trace, follows_format, rendered_text, to_json

SIZE = 1_200
each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


@cache
def rich(seed: int = 0) -> tuple[Trace, ...]:
    return tuple(embedded_pool(SIZE, seed, RICH))


def text(trace: Trace, role: str) -> str:
    return "\n".join(step.text for step in trace.steps if step.role == role)


def test_plain_traces_say_nothing_of_their_form_and_rich_ones_do() -> None:
    assert all(trace.usage == {} and form_of(trace) == Form() for trace in embedded_pool(60))
    lengths = Counter(form_of(trace).length for trace in rich())
    assert 0.33 <= lengths["long"] / SIZE <= 0.47
    slips = sum(form_of(trace).slip for trace in rich())
    assert 0.17 <= slips / lengths["long"] <= 0.33
    assert len({form_of(trace).voice for trace in rich()}) == RICH.wordings
    assert {trace.problem.source for trace in rich()} == {family.name for family in seen_families()}


def test_rich_traces_are_right_well_formed_and_sound_to_curation() -> None:
    for trace in rich():
        assert trace.is_correct is True
        assert grade_answer(trace.problem, trace.answer or "").is_correct
        assert follows_format(rendered_text(trace)), rendered_text(trace)
        judged = judge(trace, CurationConfig(max_tokens=1_000_000), None, grade_answer)
        assert judged.defect is None, (judged, rendered_text(trace))


@each_family
def test_the_long_form_says_what_is_asked_and_checks_by_another_route(family: Family) -> None:
    for index in range(6):
        problem = family.problem(1, "dev", index)
        short, long = (worked_trace(family, problem, Form(length=length)) for length in ("short", "long"))
        assert family.recap is not None
        assert family.verify is not None
        assert family.recap(problem) in text(long, "strategy")
        assert text(short, "strategy") in text(long, "strategy")
        assert family.verify(problem, short.answer or "").text in text(long, "check")
        assert len(rendered_text(long)) > len(rendered_text(short))
        assert long.answer == short.answer
        assert long.usage == {"form": "long", "voice": 0}


@each_family
def test_a_slip_is_found_mended_and_labelled(family: Family) -> None:
    found = 0
    for index in range(10):
        problem = family.problem(2, "dev", index)
        trace = worked_trace(family, problem, Form(length="long", voice=index, slip=True), Random(index))
        if not form_of(trace).slip:
            continue
        found += 1
        slip = trace.usage["slip"]
        assert (slip["mended"], trace.answer) == (trace.answer, slip["mended"])
        assert slip["wrong"] in text(trace, "tactic").splitlines()[-1] or "\n" in slip["wrong"]
        assert not grade_answer(problem, slip["wrong"]).is_correct
        assert grade_answer(problem, trace.answer or "").is_correct
        check = text(trace, "check")
        assert family.verify is not None
        places = [check.find(family.verify(problem, answer).text) for answer in (slip["wrong"], trace.answer or "")]
        assert -1 < places[0] < places[1]
    assert found >= 8


@each_family
def test_voices_word_the_same_solution_differently(family: Family) -> None:
    problem = family.problem(3, "dev", 1)
    told = [worked_trace(family, problem, Form(length="long", voice=voice)) for voice in range(12)]
    assert len({rendered_text(trace) for trace in told}) >= 8
    assert len({trace.model_version for trace in told}) == 1
    again = worked_trace(family, problem, Form(length="long", voice=5))
    assert to_json(again) == to_json(told[5])


@pytest.mark.parametrize(
    ("last", "answer", "wrong", "expected"),
    [
        ("4 + 8 = 12", "12", "13", ("4 + 8 = 13", "calculation")),
        ("12", "12", "13", ("13", "calculation")),
        ("5 - -12", "12", "13", ("5 - -12", "copying")),
        ("112", "12", "13", ("112", "copying")),
        ("all 12 are there", "12", "13", ("all 12 are there", "copying")),
    ],
)
def test_only_a_step_that_states_the_answer_can_go_wrong(
    last: str, answer: str, wrong: str, expected: tuple[str, str]
) -> None:
    solution = WorkedSolution(method="m", strategy="s", tactics=("0", last), check="c", answer=answer)
    slip = slipped(solution, wrong)
    assert (slip.tactics, slip.kind) == (("0", expected[0]), expected[1])
    assert slip.step == (2 if expected[1] == "calculation" else None)


CARRIED = ("20 * 30 = 600", "4 * 30 = 120", "600 + 120 = 720", "720 - 5 = 715")


@pytest.mark.parametrize("place", range(len(CARRIED)))
def test_what_follows_from_a_slip_is_wrong_as_well_and_done_again(place: int) -> None:
    problem = Problem(id="p", question="What is 24 times 30, less 5?")
    solution = WorkedSolution(method="m", strategy="s", tactics=CARRIED, check="c", answer="715")
    slip = carried(problem, solution, place, Random(3))
    assert slip is not None
    assert (slip.step, slip.wrong) == (place + 1, slip.tactics[-1].split(" = ")[1])
    for step, line in enumerate(slip.tactics):
        calculation, value = line.split(" = ")
        assert (eval(calculation) == int(value)) == (step != place)
        assert (line == CARRIED[step]) == (step < place or (place, step) == (0, 1))
    assert slip.redone == tuple(line for line in CARRIED if line not in slip.tactics)


@pytest.mark.parametrize(
    ("tactics", "why"),
    [
        (("20 + 30 = 50", "the 50 is all there is"), "what follows is no calculation"),
        (("20 + 30 = 50", "50 + 50 = 100", "50: 100 - 50 = 50"), "its value stands where nothing is calculated"),
        (("20 + 4 = 24", "24 + 5 = 29"), "its value looks like a number of the question"),
        (("4 * 5 = 20", "7 + 2 = 9"), "the answer does not depend on it"),
        (("10 * 3 = 30", "30 / 30 = 1", "7 / 1 = 7", "1 + 8 = 9"), "a later value is another number, too"),
    ],
)
def test_a_slip_that_cannot_be_carried_on_is_not_made(tactics: tuple[str, ...], why: str) -> None:
    problem = Problem(id="p", question="What is 24?")
    answer = tactics[-1].split(" ")[-1]
    solution = WorkedSolution(method="m", strategy="s", tactics=tactics, check="c", answer=answer)
    assert carried(problem, solution, 0, Random(1)) is None, why


def test_slips_are_in_any_step_of_a_calculation() -> None:
    family = next(family for family in FAMILIES if family.name == "chain_sum")
    places = Counter()
    for index in range(150):
        problem = family.problem(6, "dev", index)
        trace = worked_trace(family, problem, Form(length="long", voice=index, slip=True), Random(index))
        steps = sum(step.role == "tactic" for step in trace.steps) - 1
        places["last" if trace.usage["slip"].get("step") == steps else "before"] += 1
    assert min(places.values()) > 30, places


@given(st.floats(0, 1), st.integers(1, 40), st.floats(0, 1), st.sampled_from(("core", "all")), st.integers(0, 2**40))
def test_any_setting_gives_a_pure_function_of_the_seed(
    long_share: float, wordings: int, slip_share: float, families: str, seed: int
) -> None:
    slip_share = slip_share if long_share else 0.0
    config = PoolConfig(
        families="core" if families == "core" else "all",
        long_share=long_share,
        wordings=wordings,
        slip_share=slip_share,
    )
    one, other = (list(map(to_json, embedded_pool(size, seed, config))) for size in (4, 6))
    assert one == other[:4]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"long_share": 1.5}, "long_share=1.5 must lie between 0 and 1"),
        ({"defect_share": -0.1}, "defect_share=-0.1 must lie between 0 and 1"),
        ({"wordings": 0}, "wordings=0 must be at least 1"),
        ({"slip_share": 0.2}, "raise long_share as well"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_in_one_line(settings: dict[str, float], said: str) -> None:
    with pytest.raises(InputError, match=said) as raised:
        PoolConfig(**settings)  # type: ignore[arg-type]
    assert "\n" not in str(raised.value)
