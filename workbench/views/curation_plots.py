"""Figures of a curation: what was lost where, what was kept of what there was; rules as in `workbench.views.plots`.

Survivors come as columns of one length: ``domain`` and ``band`` as names, ``kept`` as bool, and the criteria.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from workbench.views.plots import Curated, as_funnel
from workbench.views.report_data import Funnel
from workbench.views.theme import (
    BACKGROUND,
    BROKEN,
    GRID,
    INK,
    MINUS,
    MUTED,
    RESCUED,
    empty,
    label,
    styled,
    words,
)

BANDS = ("easy", "medium", "hard")
SHOWN = 3_000
"""Points of a scatter, at most: more hide one another, and make a page heavy."""
MOST_REASONS = 12

MAP_SCALE = [[0.0, "#F5F7FA"], [1.0, "#7FB8DE"]]
"""Light throughout, since a number stands on every cell."""

Survivors = Mapping[str, Sequence[Any] | np.ndarray]


def plot_waterfall(funnel: Funnel | Curated) -> go.Figure:
    """Draws what every reason took from the pool, one step after the other, down to what was kept."""
    title = "Where the rows went"
    stages = as_funnel(funnel)["stages"]
    if not stages:
        return empty(title, "No curation was recorded.")
    losses = [(stage["name"], reason, count) for stage in stages for reason, count in stage.get("reasons", {}).items()]
    rare = sorted(losses, key=lambda loss: -loss[2])[MOST_REASONS:]
    steps = [loss for loss in losses if loss not in rare]
    if rare:
        steps.insert(-1, ("", f"{len(rare)} rarer reasons", sum(count for _, _, count in rare)))
    pool, kept = stages[0]["before"], stages[-1]["after"]
    bars = [0, *(count for _, _, count in steps), 0]
    names = ["Pool", *(label(words(reason), 30) for _, reason, _ in steps), "Kept"]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            y=names,
            x=[pool, *(-count for _, _, count in steps), kept],
            measure=["absolute", *["relative"] * len(steps), "total"],
            text=[f"{pool:,}", *(f"{MINUS}{count:,}" for _, _, count in steps), f"{kept:,}"],
            textposition=["outside" if count < 0.2 * pool else "inside" for count in bars],
            insidetextfont={"size": 12, "color": BACKGROUND},
            outsidetextfont={"size": 12, "color": MUTED},
            cliponaxis=False,
            decreasing={"marker": {"color": BROKEN}},
            totals={"marker": {"color": RESCUED}},
            connector={"line": {"color": GRID, "width": 1}},
            customdata=[["pool"], *([label(words(stage), 30)] for stage, _, _ in steps), ["kept"]],
            hovertemplate="%{y}: %{text}<br>%{customdata[0]}<extra></extra>",
        )
    )
    styled(figure, title, 130 + 30 * len(names), showlegend=False)
    figure.update_xaxes(title_text="Traces left", range=[0, 1.16 * pool], tickformat=",d")
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def plot_map(survivors: Survivors) -> go.Figure:
    """Draws which share of every domain's easy, medium and hard rows was kept."""
    title = "Kept of available, by domain and difficulty"
    cells = kept_of_available(survivors)
    if not cells:
        return empty(title, "No row survived the filters.")
    domains = sorted({domain for domain, _ in cells})
    counts = [[cells.get((domain, band), (0, 0)) for band in BANDS] for domain in domains]
    figure = go.Figure(
        go.Heatmap(
            z=[[100 * kept / available if available else None for kept, available in row] for row in counts],
            x=[words(band) for band in BANDS],
            y=[label(words(domain), 30) for domain in domains],
            zmin=0,
            zmax=max(100 * kept / available for kept, available in cells.values()) or 1,
            colorscale=MAP_SCALE,
            textfont_color=INK,
            text=[[f"{kept:,} of {available:,}" if available else "" for kept, available in row] for row in counts],
            texttemplate="%{text}",
            xgap=3,
            ygap=3,
            hovertemplate="%{y}, %{x}: %{text}, %{z:.1f} %<extra></extra>",
            showscale=False,
        )
    )
    styled(figure, title, 130 + 38 * len(domains), showlegend=False)
    figure.update_xaxes(title_text="Difficulty within the source", showgrid=False, type="category")
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def kept_of_available(survivors: Survivors) -> dict[tuple[str, str], tuple[int, int]]:
    """Returns kept and available rows by domain and band."""
    cells: dict[tuple[str, str], tuple[int, int]] = {}
    for domain, band, kept in zip(survivors["domain"], survivors["band"], survivors["kept"], strict=True):
        chosen, available = cells.get((domain, band), (0, 0))
        cells[domain, band] = (chosen + bool(kept), available + 1)
    return cells


def plot_criteria(survivors: Survivors, across: str = "difficulty", up: str = "quality") -> go.Figure:
    """Draws two criteria of every survivor, what was kept in front.

    Args:
        survivors: with columns of these names.
        across: the criterion on the horizontal axis.
        up: the one on the vertical axis.
    """
    title = f"{words(across)} and {up} of what was kept, and of what was not"
    kept = np.asarray(survivors["kept"], dtype=bool)
    if not len(kept):
        return empty(title, "No row survived the filters.")
    figure = go.Figure()
    edge = {"width": 0.8, "color": BACKGROUND}
    grey: dict[str, Any] = {"color": "#B8C0CA", "size": 5}
    front: dict[str, Any] = {"color": RESCUED, "size": 7, "symbol": "diamond", "line": edge}
    for name, places, look in (("Not kept", np.flatnonzero(~kept), grey), ("Kept", np.flatnonzero(kept), front)):
        shown = places[:: max(1, -(-len(places) // SHOWN))]
        figure.add_scattergl(
            name=name if len(shown) == len(places) else f"{name} ({len(shown):,} of {len(places):,} drawn)",
            x=np.asarray(survivors[across])[shown].tolist(),
            y=np.asarray(survivors[up])[shown].tolist(),
            mode="markers",
            marker={**look, "opacity": 0.75},
            text=[label(words(str(survivors["domain"][place]))) for place in shown],
            hovertemplate="%{text}: %{x:.2f}, %{y:.2f}<extra></extra>",
        )
    styled(figure, title, 460, font_color=INK)
    figure.update_xaxes(title_text=words(across))
    return figure.update_yaxes(title_text=words(up))
