"""One file, no network, no markup from outside, and a valid page even when there is nothing to say."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from workbench.errors import InputError
from workbench.evaluation.statistics import Gain, paired_gain
from workbench.records import Event, Segment
from workbench.views import report
from workbench.views.panes import Pane
from workbench.views.report_data import EMBEDDED_NOTES, Cost, Example, FamilyRow, ReportData

HOSTILE = (
    "</script><script>alert(1)</script><img src=https://e.org/x onerror=alert(2)>{{ 7*7 }} <!-- <|im_end|> \u2028'\""
)
VOID = {"meta", "img", "link", "input", "br", "hr"}


class Page(HTMLParser):
    """Collects what a browser would act on, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.scripts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open and self.open[-1] == "script" else self.texts).append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())

    def having(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.tags if name in (attributes.get("class") or "").split()]


def row(name: str, base: list[bool], student: list[bool], *, unseen: bool = False) -> FamilyRow:
    arms: Any = {
        arm: {"value": sum(answers) / len(answers), "low": 0.0, "high": 1.0}
        for arm, answers in (("base", base), ("student", student))
    }
    gain = paired_gain(base, student, seed=0, resamples=500)
    rates = {"base": 0.0, "student": 0.95}
    n = len(base)
    return {
        "family": name, "domain": HOSTILE, "unseen": unseen, "n": n, "arms": arms, "gain": gain, "format_rate": rates,
    }  # fmt: skip


def example(base: Any = "wrong", student: Any = "correct", text: str = HOSTILE) -> Example:
    event = Event(intervention="verify", position=3, reason=HOSTILE, action="insert", text="Wait,", added_tokens=2)
    sections = (Segment("strategy", text), Segment("tactic", "1 + 1 = 3. Wait, 2."), Segment("answer", ""))
    verdicts = (("teacher", "correct"), ("base", base), ("student", student), ("student_guided", "ungraded"))
    panes = tuple(
        Pane(arm=arm, label=text, sections=sections, verdict=verdict, tokens=12, seconds=1.5, events=(event,))
        for arm, verdict in verdicts
    )
    return Example(question=text, reference=text, family=text, panes=panes)


FULL = ReportData(
    title=HOSTILE,
    headline={
        "accuracy": {"base": 0.1, "student": 0.35, "student_guided": 0.4, "teacher": 1.0},
        "gain": 0.25,
        "interval95": {"gain": [0.2, 0.3]},
        "p_value": 1e-9,
        "gap_closed": 0.28,
        "unseen_families": {"base": 0.1, "student": 0.15},
        "trained_fraction": 0.002997,
        "trained_parameters": 403104,
        "base_parameters": 134515008,
        "problems": 640,
        "seconds": {"pool": 41, "distill": 1310.4},
    },
    notes=(*EMBEDDED_NOTES, HOSTILE),
    funnel={
        "stages": [{"name": HOSTILE, "before": 100, "after": 10, "reasons": {HOSTILE: 90}}],
        "filters": [{"name": HOSTILE, "before": 100, "after": 93}],
        "contamination": {
            "checked": [{"name": HOSTILE, "questions": 1319, "dropped": 4, "rules": {HOSTILE: 4}}],
            "not_checked": [{"name": "AIME24", "why": HOSTILE}],
        },
        "composition": {"kept": {"domains": {HOSTILE: 10}}, "random": {"domains": {"text": 10}}},
    },
    metrics=[{"step": i, "loss_strategy": 1.0, "note": HOSTILE} for i in range(1, 9)],
    families=(
        row("sums", [False] * 40, [True] * 30 + [False] * 10),
        row(HOSTILE, [False] * 40, [True] + [False] * 39, unseen=True),
        row("legs", [True] * 40, [False] * 30 + [True] * 10),
    ),
    flips=[{"family": HOSTILE, "rescued": 1, "broken": 0}],
    adapter=[{"layer": 1, "module": HOSTILE, "rank": 2, "parameters": 10}],
    costs=(Cost(stage=HOSTILE, seconds=100, tokens=25_000, note=HOSTILE),),
    examples=(example(), example("correct", "wrong"), example("wrong", "ungraded")),
    provenance={HOSTILE: HOSTILE, "seed": 0},
)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report.write_report(tmp_path_factory.mktemp("report") / "report.html", FULL)


@pytest.fixture(scope="module")
def page(written: Path) -> Page:
    return Page(written.read_text(encoding="utf-8"))


def test_the_page_is_one_file_of_a_bearable_size(written: Path) -> None:
    assert 1_000_000 < written.stat().st_size < 8_000_000
    assert [path.name for path in written.parent.iterdir()] == ["report.html"]


def test_the_page_asks_for_nothing_outside_itself(written: Path, page: Page) -> None:
    policy = next(attributes for tag, attributes in page.tags if tag == "meta" and "http-equiv" in attributes)
    assert policy["http-equiv"] == "Content-Security-Policy"
    assert str(policy["content"]).startswith(
        "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:;"
    )
    for tag, attributes in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base", "form", "audio", "video", "source"}
        assert "src" not in attributes
        assert "srcset" not in attributes
        assert "action" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
        assert not re.search(r"url\(|@import", attributes.get("style") or "")
    style = written.read_text(encoding="utf-8").split("<style>")[1].split("</style>")[0]
    assert not re.search(r"url\(|@import|@font-face|https?:", style)


def test_the_policy_comes_before_any_script_or_style(page: Page) -> None:
    order = [tag for tag, attributes in page.tags if tag in {"script", "style"} or "http-equiv" in attributes]
    assert order[0] == "meta"


def test_outside_text_stays_text(page: Page) -> None:
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    drawn = 6
    assert sum(tag == "script" for tag, _ in page.tags) == drawn + 2
    assert sum(tag == "title" for tag, _ in page.tags) == 1
    flat = " ".join(HOSTILE.split())
    # Title twice, a note, a stage, its reason, 2 families, a cost and its note, provenance twice, 3 examples.
    assert page.text.count(flat) > 30
    assert "49 <!--" not in page.text


def test_figures_are_json_that_ends_no_script(page: Page) -> None:
    sources = [script for script in page.scripts if script.startswith("{")]
    assert len(sources) == 6
    for source in sources:
        assert "<" not in source
        figure = json.loads(source)
        assert figure["data"]
        assert "title" not in str(figure["layout"].get("title", {}).get("text") or "")


def test_every_link_and_label_has_its_target(page: Page) -> None:
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for name in ("href", "aria-labelledby", "aria-describedby"):
            if name in attributes:
                assert str(attributes[name]).lstrip("#") in ids


def test_headline_cards_and_summary(page: Page) -> None:
    found = {card.label: card for card in report.cards(FULL.headline)}
    assert found["Gain"].value == "+25.0"
    assert found["Gain"].detail.endswith("p\xa0<\xa00.001: better")
    assert found["Trained"].value == "0.30\xa0%"
    assert found["Wall time"].value == "22 min 31 s"
    assert "0.1" not in found["Unseen families"].value
    assert "10.0 → 15.0" in found["Unseen families"].value
    assert "its base 10.0 %: +25.0 points (95 % interval +20 to +30, p < 0.001); the student is better." in page.text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"p_value": 0.2}, "could be chance"),
        (
            {"gain": -0.2, "interval95": {"gain": [-0.3, -0.1]}},
            "\u221220.0 points (95\u00a0% interval \u221230 to \u221210",
        ),
        ({"gain": None}, "its base 10.0\u00a0%."),
        ({"accuracy": {}}, "No comparison"),
    ],
)
def test_the_summary_claims_no_more_than_was_measured(change: dict[str, Any], said: str) -> None:
    sentence = report.summary({**FULL.headline, **change}).replace("95 %", "95\u00a0%")
    assert said in sentence


def test_the_callers_sentence_wins(tmp_path: Path) -> None:
    text = report.write_report(tmp_path / "r.html", {"summary": "My own words."}).read_text(encoding="utf-8")
    assert "My own words." in Page(text).text


def test_the_table_adjusts_for_the_number_of_families() -> None:
    barely = Gain(0.15, 0.02, 0.3, 0.04, 7, 1, 40)
    rows = [{**row(str(i), [False], [True]), "gain": barely} for i in range(3)]
    assert report.verdicts(rows[:1]) == ("better",)  # type: ignore[arg-type]
    assert report.verdicts(rows) == ("cannot tell",) * 3  # type: ignore[arg-type]
    assert report.verdicts([*rows, {**rows[0], "gain": None}])[3] is None  # type: ignore[list-item]


def test_what_did_not_improve_is_said(page: Page) -> None:
    found = report.unmoved(FULL.families)
    assert found["worse"] == ["Legs"]
    assert len(found["cannot tell"]) == 1
    assert "Worse in Legs." in page.text
    assert "No gain shown in" in page.text


def test_filters_and_benchmarks_are_told_with_what_was_not_checked(page: Page) -> None:
    for said in ("in, 7 dropped, 93 out", "1,319 questions, 4 rows dropped", "not checked: "):
        assert said in page.text


def test_examples_carry_what_the_filters_read(page: Page) -> None:
    shown = page.having("example")
    assert [attributes["data-flip"] for attributes in shown] == ["rescued", "broken", "same"]
    assert [attributes["data-family"] for attributes in shown] == [HOSTILE] * 3
    options = [attributes["value"] for tag, attributes in page.tags if tag == "option"]
    assert options == ["", HOSTILE]


def test_panes_show_roles_verdicts_and_interventions(page: Page) -> None:
    assert len(page.having("pane")) == 12
    assert len([a for a in page.having("section") if "strategy" in str(a["class"])]) == 12
    assert sum(tag == "mark" for tag, _ in page.tags) == 12 + 1
    assert "1Wait, 2." in page.text
    assert "Verify at token 3:" in page.text
    assert "12 tokens · 1.5 s" in page.text


@pytest.mark.parametrize("arms", [("base",), ("student",), ("teacher", "student_guided")])
def test_without_a_pair_nothing_flipped(arms: tuple[str, ...]) -> None:
    panes = tuple(Pane(arm=arm, label="", sections=(), verdict="correct") for arm in arms)
    assert Example(question="", reference="", family="", panes=panes).flip == "same"


def test_nothing_measured_is_a_valid_page_that_says_so(tmp_path: Path) -> None:
    page = Page(report.write_report(tmp_path / "empty.html", ReportData()).read_text(encoding="utf-8"))
    for said in ("No curation", "No composition", "No training", "No adapter", "Nothing was evaluated", "No examples"):
        assert said in page.text
    assert not page.having("plot")
    assert not page.having("figure")
    assert not page.having("card")


def test_plain_values_and_the_dataclass_make_the_same_page(tmp_path: Path, written: Path) -> None:
    plain = msgspec.to_builtins(FULL)
    assert report.write_report(tmp_path / "plain.html", plain).read_bytes() == written.read_bytes()


def test_numpy_numbers_and_torn_characters_are_taken(tmp_path: Path) -> None:
    data = dataclasses.replace(
        FULL,
        title="torn \ud800 text",
        headline={"problems": np.int64(4), "accuracy": {"base": np.float64(0.5), "student": np.float32(0.25)}},
    )
    text = report.write_report(tmp_path / "r.html", data).read_text(encoding="utf-8")
    assert "torn ? text" in text
    assert "25.0\xa0%" in text


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"families": [{"family": "sums"}]}, r"families\[0\]|missing required field"),
        ({"examples": [{"question": 3}]}, r"examples\[0\]\.question"),
        ({"title": object()}, "object is no plain value"),
    ],
)
def test_bad_data_is_named_and_nothing_is_written(tmp_path: Path, bad: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        report.write_report(tmp_path / "r.html", bad)
    assert list(tmp_path.iterdir()) == []
