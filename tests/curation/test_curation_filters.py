"""Each filter drops what it should and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.curation import FILTERS, MODES, CurationConfig, Filters
from workbench.curation.filters import FILTER_OF, judge, repetition
from workbench.errors import InputError
from workbench.records import Grade, Problem, Step, Trace

CONFIG = CurationConfig()


def with_step(trace: Trace, text: str) -> Trace:
    return replace(trace, steps=(*trace.steps[:-1], Step(role="tactic", text=text), trace.steps[-1]))


def with_question(trace: Trace, text: str) -> Trace:
    return replace(trace, problem=replace(trace.problem, question=trace.problem.question + text))


def without(trace: Trace, role: str) -> Trace:
    return replace(trace, steps=tuple(step for step in trace.steps if step.role != role))


def in_words(trace: Trace, text: str) -> Trace:
    few = (trace.steps[0], trace.steps[1], trace.steps[-1])
    return replace(trace, steps=tuple(replace(step, text=text) for step in few))


GERMAN = "Zuerst werden die Zahlen addiert, und dann ist das Ergebnis durch drei zu teilen, weil es alle sind."
CHINESE = "\u9996\u5148\u6211\u4eec\u628a\u4e24\u4e2a\u6570\u52a0\u8d77\u6765\u5f97\u5230\u5341\u4e8c"
OTHERS = (
    GERMAN,
    CHINESE,
    f"First we add the two of them and so on, {CHINESE}, and then we have the sum of all.",
    "On prend le nombre et on le divise par trois pour avoir les parts dans une liste, donc nous sommes au but.",
    "Primero se suman los n\u00fameros y entonces hay que dividir por tres, para que cada uno tenga lo mismo.",
    "\u0421\u043d\u0430\u0447\u0430\u043b\u0430 \u0441\u043b\u043e\u0436\u0438\u043c \u0447\u0438\u0441\u043b\u0430",
)


DEFECTS: dict[str, list[Callable[[Trace], Trace]]] = {
    "unfinished": [
        lambda trace: replace(trace, finish_reason="length"),
        lambda trace: replace(trace, finish_reason="error"),
    ],
    "no answer": [lambda trace: replace(trace, answer=None), lambda trace: replace(trace, answer=" \n")],
    "missing section": [
        lambda trace: without(trace, "strategy"),
        lambda trace: without(trace, "tactic"),
        lambda trace: without(trace, "check"),
        lambda trace: replace(trace, steps=()),
        lambda trace: replace(trace, steps=(Step(role="strategy", text=" "), *trace.steps[1:])),
    ],
    "wrong answer": [lambda trace: replace(trace, is_correct=False)],
    "control token": [
        lambda trace: with_step(trace, "so<|im_end|>"),
        lambda trace: with_question(trace, " <|endoftext|>"),
        lambda trace: with_step(trace, "<think>"),
        lambda trace: with_question(trace, "[INST] obey [/INST]"),
        lambda trace: with_step(trace, "<\uff5cend\u2581of\u2581sentence\uff5c>"),
        lambda trace: with_step(trace, "<|start_header_id|>system<|end_header_id|>"),
        lambda trace: replace(trace, answer="7</s>"),
    ],
    "repetition loop": [
        lambda trace: with_step(trace, "Wait, let me check this again. " * 6),
        lambda trace: with_step(trace, "12 + 7 = 19.\n" * 8),
        lambda trace: replace(trace, steps=(*trace.steps, *[Step(role="tactic", text="Add it once more.")] * 5)),
        lambda trace: with_step(trace, "One says yes to it. Two says no to it. " * 4),
        lambda trace: with_step(trace, "ha" * 60),
    ],
    "other language": [partial(in_words, text=text) for text in OTHERS],
    "missing figure": [
        lambda trace: with_question(trace, " See the figure below."),
        lambda trace: with_question(trace, " What is the area of the triangle shown below?"),
        lambda trace: with_question(trace, " The bar graph shows the sales."),
        lambda trace: with_question(trace, " The graph above has no title."),
        lambda trace: with_question(trace, " ![a farm](farm.png)"),
        lambda trace: with_step(trace, "As shown in the diagram, the sides are equal."),
        lambda trace: with_question(trace, "\n[asy] draw((0,0)--(1,1)); [/asy]"),
        lambda trace: with_question(trace, ' <img src="farm.png">'),
    ],
    "too long": [lambda trace: with_step(trace, " ".join(f"Then note {i} is below {i + 1}." for i in range(400)))],
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "plant"), [(reason, plant) for reason, plants in DEFECTS.items() for plant in plants]
)
def test_every_planted_defect_is_found_for_its_own_reason(
    reason: str, plant: Callable[[Trace], Trace], sound_pool: Callable[[int], list[Trace]]
) -> None:
    for trace in sound_pool(40):
        defect = judge(plant(trace), CONFIG).defect
        assert defect is not None
        assert defect.reason == reason


def test_no_sound_trace_is_dropped(sound_pool: Callable[[int], list[Trace]]) -> None:
    assert all(judge(trace, CONFIG).defect is None for trace in sound_pool(400))


@pytest.mark.parametrize(
    "text",
    [
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        " ".join(f"{i} + 1 = {i + 1}." for i in range(40)),
        "a < b and b > c, so a<b>c; x|y|z and [INSTANCE] and {think}",
        "No. No. No. Yes.",
        " + ".join([r"\frac{1}{8u}"] * 8),
        " ".join(f"Letter {i} is not an r." for i in range(30)),
        "0" * 200,
        "The graph of y = 2x is a line, and the figure has four sides; a picture of it is easy to draw.",
        "\u2234 \u03b1 + \u03b2 = \u03b3, \u0394x \u2192 0, and caf\u00e9 na\u00efve",
        "Hat der Mann Wasser? Nein.",
        "w0 z1 i2 na do w1 " * 3,
    ],
)
def test_what_only_looks_like_a_defect_passes(text: str, sound_pool: Callable[[int], list[Trace]]) -> None:
    assert judge(with_step(sound_pool(1)[0], text), CONFIG).defect is None


LENIENT: list[tuple[str, Callable[[Trace], Trace], Callable[[Trace], Trace] | None]] = [
    ("truncation", lambda trace: replace(trace, finish_reason="length"),
     lambda trace: replace(trace, finish_reason="length", answer=None)),
    ("format", lambda trace: without(trace, "check"), lambda trace: replace(trace, steps=())),
    ("wrong_answer", lambda trace: replace(trace, is_correct=None, answer="other"),
     lambda trace: replace(trace, is_correct=False)),
    ("control_tokens", lambda trace: with_step(trace, "<s>bold</s>"), lambda trace: with_step(trace, "<|im_end|>")),
    ("repetition", lambda trace: with_step(trace, "Wait, let me check this again. " * 5),
     lambda trace: with_step(trace, "Wait, let me check this again. " * 9)),
    ("language", lambda trace: with_question(in_words(trace, GERMAN), GERMAN),
     lambda trace: in_words(trace, GERMAN)),
    ("missing_figures", lambda trace: with_question(trace, " See the figure below."),
     lambda trace: with_question(trace, " [asy] draw(1); [/asy]")),
    ("length", lambda trace: with_step(trace, " ".join(f"note {i}." for i in range(340))),
     lambda trace: with_step(trace, " ".join(f"note {i}." for i in range(600)))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "mild", "grave"), LENIENT, ids=[name for name, *_ in LENIENT])
def test_each_filter_has_its_modes(
    name: str, mild: Callable[[Trace], Trace], grave: Callable[[Trace], Trace], sound_pool: Callable[[int], list[Trace]]
) -> None:
    def found(plant: Callable[[Trace], Trace], mode: str) -> str | None:
        others = dict.fromkeys(FILTERS, "off")
        defect = judge(plant(sound_pool(1)[0]), CurationConfig(filters=Filters.of({**others, name: mode}))).defect
        return FILTER_OF[defect.reason] if defect else None

    assert [found(mild, mode) for mode in MODES] == [name, None, None]
    assert [found(grave, mode) for mode in MODES] == [name, name, None]


def test_a_figure_that_the_question_has_in_letters_is_there(sound_pool: Callable[[int], list[Trace]]) -> None:
    trace = with_question(sound_pool(1)[0], " See the diagram below.\n#..#\n....\n#..#\n")
    assert judge(with_step(trace, "As shown in the diagram, there are four."), CONFIG).defect is None


def test_a_pool_may_be_in_another_language(sound_pool: Callable[[int], list[Trace]]) -> None:
    german = in_words(sound_pool(1)[0], GERMAN)
    german = replace(german, problem=replace(german.problem, question=f"{GERMAN} 1 + 1?"))
    asked = CurationConfig(language="de", required_sections=())
    assert judge(german, asked).defect is None
    english = in_words(german, "First of all, this is what we have to find, and then each of them is to be added.")
    for trace, config in ((german, CurationConfig(required_sections=())), (english, asked)):
        defect = judge(trace, config).defect
        assert defect is not None
        assert defect.reason == "other language"


def test_a_question_about_foreign_letters_is_not_foreign(sound_pool: Callable[[int], list[Trace]]) -> None:
    trace = with_question(sound_pool(1)[0], f" How many letters has {CHINESE}?")
    assert judge(with_step(trace, f"The letters of {CHINESE} are counted one by one."), CONFIG).defect is None


def test_raw_reasoning_passes_unless_told_otherwise(sound_pool: Callable[[int], list[Trace]]) -> None:
    raw = replace(sound_pool(1)[0], steps=(), reasoning="Add them up.")
    assert judge(raw, CONFIG).defect is None
    defect = judge(raw, CurationConfig(allow_unsegmented=False)).defect
    assert defect is not None
    assert defect.reason == "missing section"


def test_grader_is_asked_only_where_the_texts_differ(sound_pool: Callable[[int], list[Trace]]) -> None:
    asked: list[str] = []

    def grade(problem: Problem, answer: str) -> Grade:
        asked.append(answer)
        return Grade(verdict="correct" if answer == "7.0" else "wrong", grader="numeric", reason="differs")

    trace = replace(sound_pool(1)[0], is_correct=None)
    trace = replace(trace, answer="7", problem=replace(trace.problem, answer="7"))
    assert judge(trace, CONFIG, grade_answer=grade).is_verified
    assert judge(replace(trace, answer="7.0"), CONFIG, grade_answer=grade).is_verified
    wrong = judge(replace(trace, answer="8"), CONFIG, grade_answer=grade)
    assert wrong.defect is not None
    assert (wrong.defect.reason, wrong.defect.detail) == ("wrong answer", "numeric: differs")
    unknown = judge(replace(trace, answer="8"), CONFIG)
    assert (unknown.defect, unknown.is_verified) == (None, False)
    assert asked == ["7.0", "8"]


def test_tokens_are_counted_only_where_bytes_do_not_settle_it(sound_pool: Callable[[int], list[Trace]]) -> None:
    calls: list[str] = []

    def count(text: str) -> int:
        calls.append(text)
        return len(text.split())

    short, long = sound_pool(1)[0], with_step(sound_pool(1)[0], " ".join(f"w{i}" for i in range(500)))
    assert judge(short, CONFIG, count).defect is None
    assert calls == []
    assert judge(long, CONFIG, count).defect is None
    assert len(calls) == 1
    defect = judge(long, CurationConfig(max_tokens=400), count).defect
    assert defect is not None
    assert defect.reason == "too long"


@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=12, unique=True), st.integers(0, 5), st.integers(0, 5)
)
def test_any_block_repeated_long_enough_is_a_loop(block: list[str], before: int, after: int) -> None:
    copies = max(4, -(-(16 if len(block) > 2 else 24) // len(block)))
    head, tail = [f"head{i}" for i in range(before)], [f"tail{i}" for i in range(after)]
    assert repetition(" ".join([*head, *(block * copies), *tail])) is not None
    assert repetition(" ".join([*head, *block, *block, *tail])) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("size", 0),
        ("max_tokens", 0),
        ("filters", {"language": "off"}),
        ("language", "English (US)"),
        ("overlap_share", 0.0),
        ("difficulty_mix", (1.0, 1.0, 1.0)),
        ("quality_weight", -1.0),
    ],
)
def test_settings_that_cannot_be_meant_name_the_field(field: str, value: object) -> None:
    with pytest.raises(InputError, match=field):
        CurationConfig(**{field: value})  # type: ignore[arg-type]


def test_filters_that_cannot_be_meant_name_the_filter() -> None:
    with pytest.raises(InputError, match="language is 'hard'; it must be one of strict, lenient, off"):
        Filters.of({"language": "hard"})
    with pytest.raises(InputError, match="none called 'colour'; they are truncation, format"):
        Filters.of({"colour": "off"})


def test_every_reason_belongs_to_a_filter() -> None:
    assert set(FILTER_OF.values()) == set(FILTERS)
