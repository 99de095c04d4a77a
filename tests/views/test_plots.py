"""What the figures hold: the data, the intervals, the titles; nothing is lost and nothing is shown."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import plotly.graph_objects as go
import pytest

from workbench.curation.config import CurationConfig
from workbench.curation.funnel import Composition, CurationReport, Stage
from workbench.evaluation.statistics import accuracy
from workbench.views import plots
from workbench.views.report import checked
from workbench.views.report_data import FamilyRow, Funnel, RankCell

FUNNEL: Funnel = {
    "stages": [
        {"name": "format", "before": 59029, "after": 54116, "reasons": {"no <b>answer</b>": 4900, "empty": 13}},
        {"name": "joint_selection", "before": 54116, "after": 1000},
    ],
    "composition": {
        "kept": {"domains": {"text": 600, "logic": 400}},
        "random": {"domains": {"text": 200, "time": 800}},
    },
}

SELECTIONS: Any = (FUNNEL["composition"]["kept"], FUNNEL["composition"]["random"])  # type: ignore[index]


def interval(right: int, n: int) -> Any:
    estimate = accuracy([True] * right + [False] * (n - right))
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def family(name: str, base: int, student: int, *, unseen: bool = False, n: int = 20) -> FamilyRow:
    arms = {"student": interval(student, n), "base": interval(base, n)}
    return {"family": name, "domain": "text", "unseen": unseen, "n": n, "arms": arms}


ROWS = [family("sums", 2, 12), family("legs", 0, 15), family("gcd", 1, 3, unseen=True, n=40)]
METRICS = [
    {"step": step, "loss": 1 / step, "loss_strategy": 2 / step, "loss_tactic": None, "loss_answer": math.nan}
    | ({"held_out_loss": 3 / step} if step % 10 == 0 else {})
    for step in range(1, 121)
]
RANKS: list[RankCell] = [
    {"layer": 0, "module": "q_proj", "rank": 0, "parameters": 0},
    {"layer": 3, "module": "q_proj", "rank": 4, "parameters": 4608},
    {"layer": 3, "module": "down_proj", "rank": 2, "parameters": 4224},
]
FIGURES: list[Callable[[], go.Figure]] = [
    lambda: plots.plot_funnel(FUNNEL),
    lambda: plots.plot_composition(FUNNEL),
    lambda: plots.plot_loss(METRICS),
    lambda: plots.plot_families(ROWS),
    lambda: plots.plot_flips([{"family": "sums", "rescued": 4, "broken": 1}]),
    lambda: plots.plot_adapter(RANKS),
]


@pytest.mark.parametrize("draw", FIGURES)
def test_every_figure_is_a_plain_figure_with_titles(draw: Callable[[], go.Figure]) -> None:
    figure = draw()
    assert type(figure) is go.Figure
    assert figure.layout.title.text
    assert figure.layout.xaxis.title.text
    assert figure.layout.height > 150
    assert figure.layout.width is None
    assert figure.layout.template.layout.xaxis.automargin
    assert figure.layout.template.layout.legend.y == 0


@pytest.mark.parametrize(
    "figure",
    [
        plots.plot_funnel({"stages": []}),
        plots.plot_funnel([]),
        plots.plot_composition({"stages": []}),
        plots.plot_loss([]),
        plots.plot_loss([{"step": 1, "loss": math.nan}]),
        plots.plot_families([]),
        plots.plot_flips([]),
        plots.plot_adapter([]),
    ],
)
def test_nothing_to_draw_is_said(figure: go.Figure) -> None:
    assert not figure.data
    assert figure.layout.annotations[0].text.endswith((".", "recorded.", "compared."))


def test_the_funnel_shows_what_is_left_and_what_went() -> None:
    before, after = plots.plot_funnel(FUNNEL).data
    assert list(after.x) == [59029, 54116, 1000]
    assert list(after.text) == ["59,029", "54,116", "1,000"]
    assert list(before.text) == ["", "\u22124,913", "\u221253,116"]
    assert "4,900 no &lt;b&gt;answer&lt;/b&gt;" in after.hovertext[1]
    assert plots.plot_funnel(FUNNEL).layout.xaxis.type == "log"


def test_pairs_and_a_funnel_draw_the_same_counts() -> None:
    pairs = plots.plot_funnel([("pool", 59029), ("format", 54116), ("joint selection", 1000)])
    assert [list(trace.x) for trace in pairs.data] == [list(trace.x) for trace in plots.plot_funnel(FUNNEL).data]


def test_a_curation_draws_as_its_file_does(tmp_path: Path) -> None:
    made_of = {"sources": {}, "bands": {}, "strategies": 1, "words": 1, "mean_quality": 1.0, "mean_characters": 9.0}
    kept, random = (Composition(rows=1000, domains=counts["domains"], **made_of) for counts in SELECTIONS)
    curated = CurationReport(
        pool=tmp_path / "pool.jsonl", out=tmp_path, config=CurationConfig(), read=59029, rejected=0, kept=1000,
        stages=tuple(Stage(**stage) for stage in FUNNEL["stages"]), survivors=kept, selected=kept, random=random,
    )  # fmt: skip
    for plot in (plots.plot_funnel, plots.plot_composition):
        assert plot(curated).to_dict() == plot(FUNNEL).to_dict()
    from_file = {"title": "t", "funnel": json.loads(json.dumps(curated.to_dict()))}
    nothing = {"filters": [], "contamination": {"checked": [], "not_checked": []}}
    stages = [{"reasons": {}, **stage} for stage in FUNNEL["stages"]]
    assert checked(from_file).funnel == {**FUNNEL, "stages": stages, **nothing}


def test_a_filter_that_leaves_nothing_keeps_its_place_on_the_logarithmic_axis() -> None:
    _, after = plots.plot_funnel([("pool", 10), ("format", 0)]).data
    assert list(after.text) == ["10", "0"]
    assert all(value > 0 for value in after.x)


def test_the_composition_gives_shares_of_every_domain() -> None:
    random, kept = plots.plot_composition(FUNNEL).data
    assert list(kept.y) == ["Text", "Logic", "Time"]
    assert list(kept.x) == [60, 40, 0]
    assert list(random.x) == [20, 0, 80]


def test_the_loss_skips_what_is_missing_and_keeps_the_raw_values() -> None:
    figure = plots.plot_loss(METRICS)
    named = {trace.name: trace for trace in figure.data if trace.name}
    assert set(named) == {"Plan", "Held out, all tokens"}
    raw = next(trace for trace in figure.data if trace.name is None)
    assert list(raw.y) == [2 / step for step in range(1, 121)]
    assert raw.opacity < 0.5
    assert list(named["Held out, all tokens"].x) == list(range(10, 121, 10))


def test_without_roles_the_total_loss_is_drawn() -> None:
    figure = plots.plot_loss([{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}])
    assert {trace.name for trace in figure.data} == {None, "All tokens"}


def test_smoothing_keeps_lines_and_length() -> None:
    line = [2.0 * i for i in range(200)]
    assert plots.smoothed(line)[10:-10] == pytest.approx(line[10:-10])
    assert len(plots.smoothed(line)) == 200
    assert plots.smoothed([1.0, 5.0]) == [1.0, 5.0]


def test_families_are_grouped_with_their_intervals() -> None:
    figure = plots.plot_families(ROWS)
    assert [trace.name for trace in figure.data] == ["Base", "Student"]
    names = list(figure.layout.yaxis.ticktext)
    assert names == [
        "<b>Overall</b>",
        "All (80)",
        "Seen families (40)",
        "Unseen families (40)",
        "<b>Seen in training</b>",
        "Legs (20)",
        "Sums (20)",
        "<b>Never seen</b>",
        "Gcd (40)",
    ]
    student = figure.data[1]
    assert list(student.x) == pytest.approx([100 * 30 / 80, 100 * 27 / 40, 7.5, 75, 60, 7.5])
    sums = interval(12, 20)
    assert student.error_x.array[4] == pytest.approx(100 * (sums["high"] - sums["value"]))
    assert student.error_x.arrayminus[4] == pytest.approx(100 * (sums["value"] - sums["low"]))
    band = figure.layout.shapes[0]
    assert (band.y0, band.y1) == (6.5, 8.5)


def test_an_arm_missing_in_one_family_is_left_out_of_the_pooled_row_alone() -> None:
    partial = family("sums", 1, 2)
    partial["arms"]["teacher"] = interval(20, 20)
    figure = plots.plot_families([partial, family("legs", 0, 1)])
    teacher = next(trace for trace in figure.data if trace.name == "Teacher")
    assert list(teacher.x) == [100]
    pooled = plots.pooled([partial, family("legs", 0, 1)], "all")
    assert pooled is not None
    assert set(pooled["arms"]) == {"base", "student"}
    assert plots.pooled([partial], "unseen", True) is None


def test_flips_diverge_and_are_sorted() -> None:
    rows: Any = [{"family": "a", "rescued": 1, "broken": 6}, {"family": "b", "rescued": 9, "broken": 0}]
    broken, rescued = plots.plot_flips(rows).data
    assert list(rescued.y) == ["B", "A"]
    assert list(rescued.x) == [9, 1]
    assert list(broken.x) == [0, -6]
    assert list(broken.text) == ["", "6"]


def test_the_heat_map_holds_every_layer_up_to_the_last() -> None:
    figure = plots.plot_adapter(RANKS)
    cells = figure.data[0]
    assert list(cells.x) == ["q", "down"]
    assert [list(row) for row in cells.z] == [[0, 0], [0, 0], [0, 0], [4, 2]]
    assert "8,832 parameters" in figure.layout.xaxis.title.text


def test_outside_names_are_no_markup_and_never_share_a_row() -> None:
    long = "the same long beginning of a name, "
    rows: Any = [
        {"family": long + "one", "rescued": 1, "broken": 0},
        {"family": long + "two", "rescued": 1, "broken": 0},
        {"family": "<a href='x'>y</a>", "rescued": 1, "broken": 0},
    ]
    names = list(plots.plot_flips(rows).data[0].y)
    assert len(set(names)) == 3
    assert not any("<" in name for name in names)
