"""Figures that only the notebooks show; see `workbench.views.plots` for their rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import plotly.graph_objects as go

from workbench.evaluation.doses import DoseRow
from workbench.records import Trace
from workbench.views.theme import BACKGROUND, BROKEN, MUTED, RANK_SCALE, RESCUED, empty, label, styled, words

PARTS = {
    "embed_tokens": "Embeddings",
    "lm_head": "Output head",
    "q_proj": "Attention: queries",
    "k_proj": "Attention: keys",
    "v_proj": "Attention: values",
    "o_proj": "Attention: output",
    "gate_proj": "MLP: gate",
    "up_proj": "MLP: up",
    "down_proj": "MLP: down",
}
"""What the parts of a decoder are, in words; others keep their own names."""


def plot_parameters(parts: Mapping[str, int], budget: float = 0.003) -> go.Figure:
    """Draws where a student's parameters are, beside what the adapter may train of them.

    Args:
        parts: parameters by part, from `workbench.adapters.count_by_part`.
        budget: a fraction of their sum.
    """
    title = "Where the parameters are, and what may be trained"
    if not parts:
        return empty(title, "No parameters were counted.")
    allowed = int(budget * sum(parts.values()))
    rows = [(label(PARTS.get(part, words(part)), 30), count, RESCUED) for part, count in parts.items()]
    rows.append((f"Adapter: at most {100 * budget:g} %", allowed, BROKEN))
    figure = go.Figure(
        go.Bar(
            x=[count / 1e6 for _, count, _ in rows],
            y=[name for name, _, _ in rows],
            orientation="h",
            marker_color=[colour for _, _, colour in rows],
            text=[f"{count:,}" for _, count, _ in rows],
            textposition="outside",
            textfont={"size": 12, "color": MUTED},
            cliponaxis=False,
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    styled(figure, title, 130 + 30 * len(rows), showlegend=False)
    most = max(count for _, count, _ in rows) / 1e6
    figure.update_xaxes(title_text="Parameters (millions)", range=[0, 1.22 * most])
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def plot_pool(traces: Iterable[Trace]) -> go.Figure:
    """Draws the mean length of a worked solution, in words, by family and level of difficulty."""
    title = "Words in a worked solution, by family and level"
    lengths: dict[tuple[str, int], list[int]] = {}
    for trace in traces:
        place = trace.problem.source, int(trace.problem.metadata.get("level", 0))
        lengths.setdefault(place, []).append(sum(len(step.text.split()) for step in trace.steps))
    if not lengths:
        return empty(title, "The pool is empty.")
    families = list(dict.fromkeys(family for family, _ in lengths))
    levels = range(max(level for _, level in lengths) + 1)
    means = [[_mean(lengths.get((family, level), [])) for level in levels] for family in families]
    counts = [[len(lengths.get((family, level), [])) for level in levels] for family in families]
    figure = go.Figure(
        go.Heatmap(
            z=means,
            x=[f"Level {level}" for level in levels],
            y=[label(words(family)) for family in families],
            zmin=0,
            colorscale=RANK_SCALE,
            customdata=counts,
            text=[["" if mean is None else f"{mean:.0f}" for mean in row] for row in means],
            texttemplate="%{text}",
            xgap=3,
            ygap=3,
            hovertemplate="%{y}, %{x}: %{z:.1f} words, %{customdata} traces<extra></extra>",
            showscale=False,
        )
    )
    styled(figure, title, 130 + 32 * len(families), showlegend=False)
    figure.update_xaxes(showgrid=False, type="category")
    return figure.update_yaxes(autorange="reversed", showgrid=False, type="category")


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None


def plot_doses(rows: Sequence[DoseRow]) -> go.Figure:
    """Draws accuracy and tokens against the budget of an answer, each with its 95 % intervals.

    Args:
        rows: from `workbench.evaluation.doses.dose_response`.
    """
    title = "What a larger budget buys"
    if not rows:
        return empty(title, "No dose was tried.")
    figure = go.Figure()
    accuracy = [(100 * value, 100 * low, 100 * high) for value, low, high in (row["accuracy"] for row in rows)]
    tokens = [row["tokens"] for row in rows]
    doses = [row["dose"] for row in rows]
    for name, values, colour, symbol, axis in (
        ("Right answers (%)", accuracy, RESCUED, "circle", "y"),
        ("Tokens written, mean", tokens, BROKEN, "diamond", "y2"),
    ):
        figure.add_scatter(
            name=name,
            x=doses,
            y=[value for value, _, _ in values],
            yaxis=axis,
            mode="lines+markers",
            line={"color": colour, "width": 2, "dash": "solid" if axis == "y" else "dash"},
            marker={"size": 9, "symbol": symbol},
            error_y={
                "array": [high - value for value, _, high in values],
                "arrayminus": [value - low for value, low, _ in values],
                "color": colour,
                "thickness": 1.5,
            },
            hovertemplate=f"at most %{{x}} tokens: %{{y:.1f}}<extra>{name}</extra>",
        )
    styled(figure, f"{title} ({rows[0]['n']} problems)", 420)
    figure.update_layout(
        yaxis={"domain": [0.56, 1], "range": [-3, 103], "dtick": 25, "title_text": "Right answers (%)"},
        yaxis2={"domain": [0, 0.44], "rangemode": "tozero", "title_text": "Tokens written", "anchor": "x"},
        plot_bgcolor=BACKGROUND,
    )
    return figure.update_xaxes(title_text="Budget: tokens of an answer, at most", tickvals=doses, anchor="y2")
