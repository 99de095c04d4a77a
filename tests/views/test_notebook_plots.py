"""The notebooks' figures: what they draw, and that they draw it with intervals and without markup."""

from __future__ import annotations

from dataclasses import replace

import pytest

import workbench as wb

HOSTILE = "<b>bold</b>"


def test_the_budget_stands_beside_the_parts():
    figure = wb.plot_parameters({"embed_tokens": 700_000, "q_proj": 300_000}, budget=0.003)
    (bars,) = figure.data
    assert list(bars.y) == ["Embeddings", "Attention: queries", "Adapter: at most 0.3 %"]
    assert list(bars.x) == pytest.approx([0.7, 0.3, 0.003])
    assert bars.text[-1] == "3,000"
    assert bars.marker.color[-1] != bars.marker.color[0]


def test_an_unknown_part_keeps_its_name_without_markup():
    assert wb.plot_parameters({HOSTILE: 1}).data[0].y[0] == "&lt;b&gt;bold&lt;/b&gt;"


def test_the_pool_is_drawn_by_family_and_level(traces):
    (cells,) = wb.plot_pool(traces).data
    assert len(cells.y) == len({trace.problem.source for trace in traces})
    assert list(cells.x) == ["Level 0", "Level 1", "Level 2"]
    family, level = traces[0].problem.source, traces[0].problem.metadata["level"]
    own = [t for t in traces if (t.problem.source, t.problem.metadata["level"]) == (family, level)]
    words = sum(len(step.text.split()) for trace in own for step in trace.steps) / len(own)
    assert cells.z[0][level] == pytest.approx(words)
    assert sum(map(sum, cells.customdata)) == len(traces)


def test_a_family_without_a_level_leaves_a_hole(traces):
    some = [trace for trace in traces if trace.problem.metadata["level"] != 1]
    assert all(row[1] is None for row in wb.plot_pool(some).data[0].z)


def test_a_hostile_family_is_text(traces):
    problem = replace(traces[0].problem, source=HOSTILE)
    assert wb.plot_pool([replace(traces[0], problem=problem)]).data[0].y[0] == "&lt;b&gt;bold&lt;/b&gt;"


def test_doses_are_drawn_with_both_intervals():
    rows = [
        {"dose": 24, "n": 8, "accuracy": (0.25, 0.07, 0.59), "tokens": (20.0, 18.0, 22.0)},
        {"dose": 96, "n": 8, "accuracy": (0.5, 0.22, 0.78), "tokens": (60.0, 40.0, 80.0)},
    ]
    figure = wb.plot_doses(rows)
    right, tokens = figure.data
    assert list(right.y) == pytest.approx([25, 50])
    assert list(right.error_y.arrayminus) == pytest.approx([18, 28])
    assert list(tokens.error_y.array) == pytest.approx([2, 20])
    assert right.line.dash != tokens.line.dash
    assert "8 problems" in figure.layout.title.text


@pytest.mark.parametrize(("plot", "nothing"), [("plot_parameters", {}), ("plot_pool", []), ("plot_doses", [])])
def test_without_data_a_figure_says_so(plot, nothing):
    figure = getattr(wb, plot)(nothing)
    assert not figure.data
    assert figure.layout.annotations[0].text
