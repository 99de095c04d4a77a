"""Figures of a curation: every row is somewhere, and sliders choose anew."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest
from ipywidgets.widgets.widget import _instances

from workbench.curation import CurationConfig, CurationReport, curate, read_survivors
from workbench.exhibits import browse_choices, browse_weights, survivor_columns
from workbench.pool import embedded_pool
from workbench.records import write_records
from workbench.views import curation_plots as plots
from workbench.views.cards import weights_html
from workbench.views.widgets import VIEW


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> CurationReport:
    folder = tmp_path_factory.mktemp("curated")
    write_records(folder / "pool.jsonl", islice(embedded_pool(400, seed=5), 400))
    return curate(folder / "pool.jsonl", folder / "out", CurationConfig(size=60))


def test_the_waterfall_ends_at_what_was_kept(curated: CurationReport) -> None:
    figure = plots.plot_waterfall(curated)
    (bars,) = figure.data
    assert bars.x[0] == curated.read
    assert bars.x[0] + sum(bars.x[1:-1]) == bars.x[-1] == curated.kept
    assert bars.y[0] == "Pool"
    assert bars.text[-1] == "60"
    assert figure.layout.title.text
    assert not plots.plot_waterfall({"stages": []}).data


def test_rare_reasons_are_drawn_as_one() -> None:
    reasons = {f"reason <b>{number}</b>": 1 + number for number in range(30)}
    stages = [
        {"name": "filters", "before": 1_000, "after": 535, "reasons": reasons},
        {"name": "selection", "before": 535, "after": 35, "reasons": {"not selected": 500}},
    ]
    (bars,) = plots.plot_waterfall({"stages": stages}).data  # type: ignore[typeddict-item]
    assert len(bars.x) == 2 + plots.MOST_REASONS + 1
    assert bars.x[0] + sum(bars.x[1:-1]) == 35
    assert not any("<b>" in name for name in bars.y)


def test_the_map_counts_every_survivor_once(curated: CurationReport) -> None:
    columns = survivor_columns(curated)
    cells = plots.kept_of_available(columns)
    assert sum(kept for kept, _ in cells.values()) == 60
    assert sum(available for _, available in cells.values()) == len(columns["kept"]) == curated.survivors.rows
    figure = plots.plot_map(columns)
    (heat,) = figure.data
    assert heat.zmin == 0
    assert heat.zmax == pytest.approx(max(max(row) for row in heat.z))
    assert "of" in heat.text[0][0]


def test_the_scatter_puts_what_was_kept_in_front_and_says_what_it_left_out(curated: CurationReport) -> None:
    figure = plots.plot_criteria(survivor_columns(curated), "difficulty", "quality")
    behind, front = figure.data
    assert (front.name, len(front.x)) == ("Kept", 60)
    assert len(behind.x) == curated.survivors.rows - 60
    many = {name: np.repeat(column, 20) for name, column in survivor_columns(curated).items()}
    drawn = plots.plot_criteria(many).data[0]
    assert len(drawn.x) <= plots.SHOWN
    assert " drawn)" in drawn.name
    nothing = {name: column[:0] for name, column in many.items()}
    assert not plots.plot_criteria(nothing).data
    assert not plots.plot_map(nothing).data
    assert type(figure) is go.Figure


def test_sliders_begin_at_the_weights_and_choose_anew(curated: CurationReport) -> None:
    browser = browse_weights(curated, sample=4)
    assert "60 of 60 rows stay" in browser.html
    box = _instances[browser.mimebundles()[0][VIEW]["model_id"]]
    row, page = box.children
    sliders = {slider.description: slider for slider in row.children}
    assert {name: slider.value for name, slider in sliders.items()} == {
        name: round(10 * weight) for name, weight in curated.config.weights.items()
    }
    before = page.value
    sliders["quality"].value, sliders["diversity"].value = 30, 0
    assert page.value != before
    stay = int(page.value.split("<strong>")[1].split(" of ")[0])
    assert 0 < stay < 60
    assert page.value.count("<tr><td>") == 4


def test_the_page_of_the_weights_shows_outside_text_as_text() -> None:
    hostile = "<script>alert(1)</script>{{ 7 * 7 }}"
    sample = [{"source": hostile, "band": "easy", "question": hostile}]
    page = weights_html([("words", "1", "2")], {(hostile, "easy"): (1, 2)}, sample, hostile)
    assert "<script>" not in page
    assert page.count("{{ 7 * 7 }}") == 4


def test_why_this_row_shows_a_bar_for_every_criterion(curated: CurationReport) -> None:
    page = browse_choices(curated).html
    for name in curated.config.weights:
        assert f"<div>{name.capitalize()}</div>" in page


def test_survivors_know_what_was_kept(curated: CurationReport) -> None:
    survivors = read_survivors(Path(curated.survivors_path))
    assert len(survivors.kept) == survivor_columns(curated)["kept"].sum() == 60
