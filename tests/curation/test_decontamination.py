"""What the report says of held-out sets: questions, rows by rule, matched words, and what was not checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from workbench.curation import FILTERS, CurationConfig, CurationReport, Filters, HeldOutSet, curate
from workbench.curation.held_out import UNNAMED, HeldOut
from workbench.curation.hub import _public
from workbench.records import Problem, Step, Trace, write_records

MakePool = Callable[[int], list[Trace]]


def asked(trace: Trace, question: str) -> Trace:
    return replace(trace, id=f"copy-{trace.id}", problem=replace(trace.problem, question=question))


def curated(tmp_path: Path, sound: list[Trace]) -> CurationReport:
    """Two sets of held-out questions with the same ids, two copies of the first and one of the second."""
    legs = [trace for trace in sound if trace.problem.source == "legs"]
    first = [Problem(id=str(n), question=trace.problem.question) for n, trace in enumerate(legs[:3])]
    second = [Problem(id=str(n), question=trace.problem.question) for n, trace in enumerate(legs[3:5])]
    pool = [trace for trace in sound if trace not in legs[:5]]
    pool += [asked(legs[0], legs[0].problem.question.upper())]
    pool += [asked(trace, f"{trace.problem.question} Please answer briefly.") for trace in (legs[1], legs[3])]
    write_records(tmp_path / "pool.jsonl", pool)
    sets = [
        HeldOutSet(name="first", problems=first),
        HeldOutSet(name="second", problems=second, unread=2),
        HeldOutSet(name="AIME24", missing="not here; give it"),
    ]
    return curate(tmp_path / "pool.jsonl", tmp_path / "out", CurationConfig(size=20), held_out=sets)


def test_each_held_out_set_is_counted_apart(tmp_path: Path, sound_pool: MakePool) -> None:
    report = curated(tmp_path, sound_pool(120))
    first, second = report.contamination.checked
    assert (first.name, first.questions, first.dropped, first.rules) == ("first", 3, 2, {"equal": 1, "8-gram": 1})
    assert (second.name, second.questions, second.dropped, second.unread) == ("second", 2, 1, 2)
    assert second.rules == {"8-gram": 1}
    assert [each.name for each in report.contamination.not_checked] == ["AIME24"]
    lines = "\n".join(report.lines())
    assert "held out: first, 3 questions, 2 dropped (equal 1, 8-gram 1)" in lines
    assert "2 of its rows could not be read and were not checked" in lines
    assert "not checked: AIME24; see --held-out" in lines


def test_examples_show_the_matched_words_of_both_sides(tmp_path: Path, sound_pool: MakePool) -> None:
    report = curated(tmp_path, sound_pool(120))
    equal, overlap = report.contamination.checked[0].examples
    assert equal.rule == "equal"
    assert equal.row == equal.original
    assert equal.row.startswith("a farm has")
    assert overlap.rule == "8-gram"
    assert overlap.row == f"{overlap.original} [please answer briefly]"
    told = {row["id"]: row["matched"] for row in pq.read_table(report.dropped_path).to_pylist()}
    assert all(told[example.id] == example.row for example in (equal, overlap))
    assert "covers 100% of second/0" in report.contamination.checked[1].examples[0].detail


def test_the_card_and_what_is_uploaded_quote_no_held_out_question(tmp_path: Path, sound_pool: MakePool) -> None:
    report = curated(tmp_path, sound_pool(120))
    card = (report.out / "README.md").read_text()
    assert "| first | 3 | 2 | equal 1, 8-gram 1 |" in card
    assert "- not checked: AIME24 (not here; give it)" in card
    assert "please answer briefly" in report.funnel_path.read_text()
    public = json.loads(_public(report.funnel_path))
    assert "please answer briefly" not in json.dumps(public) + card
    assert [each["dropped"] for each in public["contamination"]["checked"]] == [2, 1]


def test_no_question_is_lost_where_ids_clash() -> None:
    same = [Problem(id="7", question=f"How many birds are {n} birds and one more?") for n in range(3)]
    held_out = HeldOut.of([*same, HeldOutSet(name="other", problems=same[:1]), HeldOutSet(name="new", problems=[
        Problem(id="7", question="What is the sum of 12 and 30, and of 4?")])])  # fmt: skip
    assert len(held_out.equal) == len(held_out.originals) == 4
    assert held_out.questions == {UNNAMED: 3, "other": 1, "new": 1}
    assert sorted(held_out.set_of.values()) == [UNNAMED, UNNAMED, UNNAMED, "new"]


def test_the_funnel_counts_every_filter_in_order(tmp_path: Path, sound_pool: MakePool) -> None:
    pool = sound_pool(40)
    german = "Zuerst werden die Zahlen addiert, und dann ist das Ergebnis durch drei zu teilen, weil es alle sind."
    pool[0] = replace(pool[0], finish_reason="length")
    pool[1] = replace(pool[1], is_correct=False, steps=())
    pool[2] = replace(pool[2], is_correct=False)
    pool[3] = replace(
        pool[3], steps=tuple(Step(role=step.role, text=f"{step.text} {german}") for step in pool[3].steps)
    )
    pool[4] = asked(pool[4], f"{pool[4].problem.question} See the figure below.")
    write_records(tmp_path / "pool.jsonl", pool)
    filters = Filters(wrong_answer="strict", repetition="off")
    report = curate(tmp_path / "pool.jsonl", tmp_path / "out", CurationConfig(size=5, filters=filters))
    found = json.loads(report.funnel_path.read_text())["filters"]
    assert [step["name"] for step in found] == list(FILTERS)
    assert [step["before"] for step in found] == [40, *(step["after"] for step in found[:-1])]
    assert {step["name"]: step["reasons"] for step in found if step["dropped"]} == {
        "truncation": {"unfinished": 1}, "format": {"missing section": 1}, "wrong_answer": {"wrong answer": 1},
        "language": {"other language": 1}, "missing_figures": {"missing figure": 1},
    }  # fmt: skip
    assert found[-1]["after"] == report.stages[0].after == 35
    assert (found[2]["mode"], found[4]["mode"]) == ("strict", "off")
    assert "| missing figures | strict | 36 | 35 |" in (report.out / "README.md").read_text()
