"""The figures: each function takes plain rows and returns a ``go.Figure`` that the caller shows.

Nothing is shown from here, and no figure depends on widgets. Outside text reaches a figure through
`workbench.views.theme.label` alone, since Plotly reads markup in every text.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, cast

import numpy as np
import plotly.graph_objects as go

from workbench.evaluation.statistics import accuracy
from workbench.views.report_data import FamilyRow, FlipRow, Funnel, FunnelStage, RankCell
from workbench.views.theme import (
    ARM_COLOURS,
    ARM_SYMBOLS,
    BACKGROUND,
    BAND,
    BROKEN,
    GRID,
    INK,
    MINUS,
    MUTED,
    RANK_SCALE,
    RESCUED,
    ROLE_COLOURS,
    ROLE_DASHES,
    ROLE_LABELS,
    arm_colour,
    arm_label,
    empty,
    label,
    styled,
    words,
)


class Curated(Protocol):
    """A curation's own report."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``funnel.json``."""


Stages = Sequence[tuple[str, int]] | Funnel | Curated


def funnel_stages(stages: Stages) -> list[FunnelStage]:
    """Returns one stage per filter, from a funnel or from (name, rows left) pairs, the pool first.

    >>> funnel_stages([("pool", 10), ("format", 7)])
    [{'name': 'pool', 'before': 10, 'after': 10}, {'name': 'format', 'before': 10, 'after': 7}]
    """
    if not isinstance(stages, Sequence):
        filters = as_funnel(stages)["stages"]
        pool = filters[0]["before"] if filters else 0
        return [{"name": "pool", "before": pool, "after": pool}, *filters] if filters else []
    counts = [count for _, count in stages]
    before = [*counts[:1], *counts]
    return [{"name": name, "before": was, "after": now} for (name, now), was in zip(stages, before, strict=False)]


def as_funnel(funnel: Funnel | Curated) -> Funnel:
    """Returns a curation's report as what ``funnel.json`` holds."""
    return cast(Funnel, funnel if isinstance(funnel, Mapping) else funnel.to_dict())


def plot_funnel(stages: Stages) -> go.Figure:
    """Draws how many rows each filter of the curation left, on a logarithmic axis.

    Args:
        stages: a curation's report, ``funnel.json`` as a dict, or (name, rows left) pairs, the pool first.
    """
    title = "From the pool to the curated set"
    rows = funnel_stages(stages)
    if not rows:
        return empty(title, "No curation was recorded.")
    names = _unique([label(words(row["name"])) for row in rows])
    after, before = [row["after"] for row in rows], [row["before"] for row in rows]
    low = math.log10(max(min(after), 1)) - 1
    high = math.log10(max(*before, *after, 10))
    dropped = [f"{MINUS}{was - now:,}" if was > now else "" for was, now in zip(before, after, strict=True)]
    figure = go.Figure()
    for values, colour, text, place in ((before, "#CBD2D9", dropped, "outside"), (after, RESCUED, None, "inside")):
        figure.add_bar(
            x=[max(value, 10**low) for value in values],
            y=names,
            orientation="h",
            marker_color=colour,
            text=text or [f"{value:,}" for value in values],
            textposition=place,
            insidetextanchor="start",
            textfont={"color": BACKGROUND if place == "inside" else MUTED, "size": 13},
            textangle=0,
            cliponaxis=False,
            hovertext=[_reasons(row) for row in rows],
            hoverinfo="text",
        )
    styled(figure, title, 130 + 38 * len(rows), showlegend=False, barmode="overlay", bargap=0.25)
    figure.update_xaxes(type="log", range=[low, high + 0.28 * (high - low)], title_text="Traces left (log scale)")
    figure.update_xaxes(dtick=1, showgrid=True, tickformat=",d")
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def _reasons(row: FunnelStage) -> str:
    reasons = sorted(row.get("reasons", {}).items(), key=lambda pair: (-pair[1], pair[0]))
    lines = [f"{label(words(row['name']), 60)}: {row['before']:,} → {row['after']:,}"]
    lines += [f"{count:,} {label(reason, 60)}" for reason, count in reasons[:8]]
    return "<br>".join(lines)


def _unique(names: Iterable[str]) -> list[str]:
    """Two names that were cut to the same text must not share a row."""
    seen: dict[str, int] = {}
    unique = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        unique.append(name + "\u200b" * (seen[name] - 1))
    return unique


def plot_composition(funnel: Funnel | Curated) -> go.Figure:
    """Draws the domains of what was kept against a random selection of the same size."""
    title = "What was kept, against a random draw"
    composition = as_funnel(funnel).get("composition")
    if not composition or not composition["kept"]["domains"]:
        return empty(title, "No composition was recorded.")
    kept, drawn = composition["kept"]["domains"], composition["random"]["domains"]
    domains = sorted({*kept, *drawn}, key=lambda domain: (-kept.get(domain, 0), domain))
    names = _unique(label(words(domain)) for domain in domains)
    figure = go.Figure()
    for name, counts, colour in (("Random draw", drawn, "#9AA5B1"), ("Kept", kept, RESCUED)):
        total = max(sum(counts.values()), 1)
        figure.add_bar(
            name=name,
            x=[100 * counts.get(domain, 0) / total for domain in domains],
            y=names,
            orientation="h",
            marker_color=colour,
            text=[f"{counts.get(domain, 0):,}" for domain in domains],
            textposition="outside",
            textfont={"size": 12, "color": MUTED},
            cliponaxis=False,
            hovertemplate="%{y}: %{x:.1f} % (%{text})",
        )
    most = max(max(trace.x) for trace in figure.data)
    styled(figure, title, 170 + 34 * len(domains), bargap=0.3, bargroupgap=0.05, legend_traceorder="reversed")
    figure.update_xaxes(title_text="Share of the selection (%)", range=[0, 1.15 * most])
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def plot_loss(metrics: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Draws the loss of every role against the optimizer's steps, smoothed over faint raw values.

    Args:
        metrics: one row per step with ``step``, ``loss``, ``loss_strategy``, ``loss_tactic``,
            ``loss_check``, ``loss_answer`` and, now and then, ``held_out_loss``; what is missing or
            not finite is left out.
    """
    title = "Loss by level of the hierarchy"
    figure = go.Figure()
    for role, colour in ROLE_COLOURS.items():
        _add_smoothed(figure, metrics, f"loss_{role}", ROLE_LABELS[role], colour, ROLE_DASHES[role])
    if not figure.data:
        _add_smoothed(figure, metrics, "loss", "All tokens", INK, "solid")
    held_out = _series(metrics, "held_out_loss")
    if held_out[0]:
        figure.add_scatter(
            x=held_out[0],
            y=held_out[1],
            name="Held out, all tokens",
            mode="lines+markers",
            line={"color": INK, "width": 1.5},
            marker={"size": 8, "symbol": "diamond-open", "color": INK, "line_width": 2},
            hovertemplate="step %{x}: %{y:.3f}",
        )
    if not figure.data:
        return empty(title, "No training was recorded.")
    styled(figure, title, 440)
    figure.update_xaxes(title_text="Optimizer step")
    return figure.update_yaxes(title_text="Loss (nats per token)", rangemode="tozero")


def _series(metrics: Sequence[Mapping[str, Any]], name: str) -> tuple[list[int], list[float]]:
    points = [(row["step"], row.get(name)) for row in metrics]
    kept = [(step, float(value)) for step, value in points if value is not None and math.isfinite(value)]
    return [step for step, _ in kept], [value for _, value in kept]


def _add_smoothed(
    figure: go.Figure, metrics: Sequence[Mapping[str, Any]], field: str, name: str, colour: str, dash: str
) -> None:
    steps, values = _series(metrics, field)
    if not steps:
        return
    hover = f"{name}, step %{{x}}: %{{y:.3f}}<extra></extra>"
    raw = {"color": colour, "width": 1}
    figure.add_scatter(x=steps, y=values, mode="lines", line=raw, opacity=0.22, hoverinfo="skip", showlegend=False)
    line = {"color": colour, "width": 2.5, "dash": dash}
    figure.add_scatter(x=steps, y=smoothed(values), name=name, mode="lines", line=line, hovertemplate=hover)


def smoothed(values: Sequence[float]) -> list[float]:
    """Returns a centred moving mean over about a thirtieth of the values, shorter at both ends."""
    reach = len(values) // 60
    sums = np.concatenate([[0.0], np.cumsum(values)])
    starts = np.maximum(np.arange(len(values)) - reach, 0)
    ends = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    means: list[float] = ((sums[ends] - sums[starts]) / (ends - starts)).tolist()
    return means


def pooled(rows: Sequence[FamilyRow], name: str, unseen: bool | None = None) -> FamilyRow | None:
    """Returns the rows' problems counted together, with Wilson intervals; ``None`` where there are none.

    Args:
        rows: one per family; only arms that every row has are counted.
        name: of the new row.
        unseen: takes only families that were, or were not, held out; ``None`` takes all.
    """
    chosen = [row for row in rows if unseen is None or row["unseen"] == unseen]
    total = sum(row["n"] for row in chosen)
    if not total:
        return None
    arms: dict[str, Any] = {}
    for arm in [arm for arm in chosen[0]["arms"] if all(arm in row["arms"] for row in chosen)]:
        right = sum(round(row["arms"][arm]["value"] * row["n"]) for row in chosen)
        estimate = accuracy([True] * right + [False] * (total - right))
        arms[arm] = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {"family": name, "domain": "", "unseen": bool(unseen), "n": total, "arms": arms}


def plot_families(rows: Sequence[FamilyRow]) -> go.Figure:
    """Draws each family's accuracy in every arm with 95 % intervals: overall, then seen, then unseen."""
    title = "Accuracy by family, with 95 % intervals"
    groups = [(name, members) for name, members in _family_groups(rows) if members]
    if not groups:
        return empty(title, "Nothing was evaluated.")
    places: list[tuple[float, str, FamilyRow | None]] = []
    figure = go.Figure()
    for name, members in groups:
        top = len(places)
        places.append((top, f"<b>{name}</b>", None))
        for row in members:
            places.append((len(places), f"{label(words(row['family']), 20)} ({row['n']})", row))
        if name.startswith("Never"):
            band = {"fillcolor": BAND, "line_width": 0, "layer": "below"}
            figure.add_hrect(y0=top - 0.5, y1=len(places) - 0.5, **band)
    drawn = [(place, row) for place, _, row in places if row is not None]
    arms = sorted({arm for _, row in drawn for arm in row["arms"]}, key=arm_order)
    for index, arm in enumerate(arms):
        figure.add_trace(_arm_trace(drawn, arm, 0.19 * (index - (len(arms) - 1) / 2)))
    styled(figure, title, 150 + 38 * len(places))
    figure.update_xaxes(title_text="Right answers (%)", range=[-2, 102], dtick=25, zeroline=True)
    ticks = {"tickvals": [place for place, _, _ in places], "ticktext": [text for _, text, _ in places]}
    return figure.update_yaxes(range=[len(places) - 0.4, -0.6], showgrid=False, **ticks)


def _family_groups(rows: Sequence[FamilyRow]) -> list[tuple[str, list[FamilyRow]]]:
    overall = [pooled(rows, "All"), pooled(rows, "Seen families", False), pooled(rows, "Unseen families", True)]
    ranked = sorted(rows, key=lambda row: (-_apparent_gain(row), row["family"]))
    return [
        ("Overall", [row for row in overall if row]),
        ("Seen in training", [row for row in ranked if not row["unseen"]]),
        ("Never seen", [row for row in ranked if row["unseen"]]),
    ]


def _apparent_gain(row: FamilyRow) -> float:
    arms = row["arms"]
    return arms["student"]["value"] - arms["base"]["value"] if {"base", "student"} <= arms.keys() else 0.0


def arm_order(arm: str) -> tuple[int, str]:
    """Sorts arms as they are read: base, student, guided, teacher, then any others by name."""
    known = list(ARM_COLOURS)
    return (known.index(arm) if arm in known else len(known), arm)


def _arm_trace(drawn: Sequence[tuple[float, FamilyRow]], arm: str, offset: float) -> go.Scatter:
    mine = [(place, row["family"], row["n"], row["arms"][arm]) for place, row in drawn if arm in row["arms"]]
    colour = arm_colour(arm)
    symbol = ARM_SYMBOLS.get(arm, "square")
    return go.Scatter(
        name=label(arm_label(arm)),
        x=[100 * arms["value"] for *_, arms in mine],
        y=[place + offset for place, *_ in mine],
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 2, "color": colour}},
        error_x={
            "array": [100 * (arms["high"] - arms["value"]) for *_, arms in mine],
            "arrayminus": [100 * (arms["value"] - arms["low"]) for *_, arms in mine],
            "color": colour,
            "thickness": 1.5,
            "width": 0,
        },
        hovertext=[
            f"{label(words(family), 60)}, {label(arm_label(arm))}: {arms['value']:.1%} "
            f"({arms['low']:.1%} to {arms['high']:.1%}), n = {n}"
            for _, family, n, arms in mine
        ],
        hoverinfo="text",
    )


def plot_flips(rows: Sequence[FlipRow]) -> go.Figure:
    """Draws, for each family, the problems only the student answers against those only its base answers."""
    title = "Rescued and broken problems"
    if not rows:
        return empty(title, "Nothing was compared.")
    ranked = sorted(rows, key=lambda row: (row["broken"] - row["rescued"], row["family"]))
    names = _unique(label(words(row["family"])) for row in ranked)
    figure = go.Figure()
    rescued, broken = [row["rescued"] for row in ranked], [row["broken"] for row in ranked]
    for name, values, sign, colour in (("Broken", broken, -1, BROKEN), ("Rescued", rescued, 1, RESCUED)):
        figure.add_bar(
            name=name,
            x=[sign * value for value in values],
            y=names,
            orientation="h",
            marker_color=colour,
            text=[str(value) if value else "" for value in values],
            textposition="outside",
            textfont={"size": 12, "color": MUTED},
            textangle=0,
            cliponaxis=False,
            hovertemplate=f"%{{y}}: %{{text}} {name.lower()}<extra></extra>",
        )
    left, right = max(*broken, 1), max(*rescued, 1)
    room = 0.12 * (left + right)
    styled(figure, title, 170 + 28 * len(ranked), barmode="overlay")
    figure.update_xaxes(title_text="Problems: ← broken · rescued →", range=[-left - room, right + room], zeroline=True)
    # Plotly writes a real minus sign; counts of broken problems read without it.
    names_of_ticks = {f"{MINUS}{value}": str(value) for value in range(1, 2 * left + right)}
    figure.update_xaxes(tickformat="d", dtick=max(1, (left + right) // 8), labelalias=names_of_ticks)
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def plot_adapter(ranks: Sequence[RankCell]) -> go.Figure:
    """Draws where the budget was spent: layers upwards, modules side by side, the rank in each cell."""
    title = "Where the adapter sits"
    if not ranks:
        return empty(title, "No adapter was recorded.")
    modules = list(dict.fromkeys(cell["module"] for cell in ranks))
    shape = (max(cell["layer"] for cell in ranks) + 1, len(modules))
    rank, parameters = np.zeros(shape, dtype=int), np.zeros(shape, dtype=int)
    for cell in ranks:
        place = (cell["layer"], modules.index(cell["module"]))
        rank[place], parameters[place] = cell["rank"], cell["parameters"]
    figure = go.Figure(
        go.Heatmap(
            z=rank.tolist(),
            x=_unique(label(module.removesuffix("_proj"), 12) for module in modules),
            y=list(range(shape[0])),
            zmin=0,
            zmax=max(int(rank.max()), 1),
            colorscale=RANK_SCALE,
            customdata=parameters.tolist(),
            text=[[str(value) if value else "" for value in row] for row in rank.tolist()],
            texttemplate="%{text}",
            textfont_size=10,
            xgap=2,
            ygap=2,
            hovertemplate="layer %{y}, %{x}: rank %{z}, %{customdata:,} trained parameters<extra></extra>",
            showscale=False,
        )
    )
    trained = f"Rank by module ({int(parameters.sum()):,} parameters)"
    styled(figure, title, 140 + 14 * shape[0], showlegend=False)
    figure.update_xaxes(title_text=trained, showgrid=False, type="category", tickangle=0, tickfont_size=12)
    return figure.update_yaxes(title_text="Layer", showgrid=False, dtick=max(1, shape[0] // 10), linecolor=GRID)
