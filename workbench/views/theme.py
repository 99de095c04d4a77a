"""One look for every figure: colours with a fixed meaning, fonts, and room for labels.

The colours are Okabe and Ito's, darkened until each stands out 3:1 from the background (WCAG 2.2,
1.4.11). Colour never carries a meaning alone: arms differ by symbol, roles by dash, both by label.
"""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

BACKGROUND = "#FFFFFF"
INK = "#1F2933"
MUTED = "#52606D"
GRID = "#E4E7EB"
BAND = "#F5F7FA"
RESCUED = "#0072B2"
BROKEN = "#C25200"

ROLE_COLOURS = {"strategy": "#A8457F", "tactic": "#2F8FC4", "check": "#B87A00", "answer": "#00664A"}
ROLE_LABELS = {"strategy": "Plan", "tactic": "Steps", "check": "Check", "answer": "Answer"}
ROLE_DASHES = {"strategy": "solid", "tactic": "longdash", "check": "dash", "answer": "dot"}

ARM_COLOURS = {"base": "#7A7F87", "student": "#0072B2", "student_guided": "#C25200", "teacher": "#1F2933"}
ARM_LABELS = {"base": "Base", "student": "Student", "student_guided": "Guided student", "teacher": "Teacher"}
ARM_SYMBOLS = {"base": "circle-open", "student": "circle", "student_guided": "diamond", "teacher": "line-ns-open"}

RANK_SCALE = [[0.0, "#F5F7FA"], [0.001, "#D5E8F5"], [0.5, "#3D8FC6"], [1.0, "#08375C"]]
"""Light to dark; what is not trained is nearly the background."""

MINUS = "\N{MINUS SIGN}"
"""As wide as a plus sign, where a hyphen is not."""

FONT = "Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def arm_label(arm: str) -> str:
    """Returns an arm's name for people; an unknown arm keeps its own.

    >>> arm_label("student_guided"), arm_label("majority_vote")
    ('Guided student', 'Majority vote')
    """
    return ARM_LABELS.get(arm, words(arm))


def arm_colour(arm: str) -> str:
    """Returns an arm's colour; every unknown arm is purple."""
    return ARM_COLOURS.get(arm, ROLE_COLOURS["strategy"])


def words(name: str) -> str:
    """Returns an identifier as words: underscores become blanks, the first letter a capital."""
    text = name.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def label(text: str, width: int = 24) -> str:
    """Returns outside text fit for a figure: one short line in which Plotly finds no markup.

    >>> label("<b>bold</b> claims")
    '&lt;b&gt;bold&lt;/b&gt; claims'
    """
    line = " ".join(text.split())
    return html.escape(line if len(line) <= width else line[: width - 1].rstrip() + "…", quote=False)


def template() -> go.layout.Template:
    """Returns the look that every figure of this package shares."""
    axis = {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zerolinecolor": "#9AA5B1",
        "zeroline": False,
        "automargin": True,
        "ticks": "",
        "ticklabelstandoff": 6,
        "title": {"standoff": 10, "font": {"size": 13, "color": MUTED}},
    }
    layout = {
        "font": {"family": FONT, "size": 13, "color": INK},
        "title": {"font": {"size": 17}, "x": 0, "xref": "container", "pad": {"l": 12, "t": 10}, "automargin": True},
        "paper_bgcolor": BACKGROUND,
        "plot_bgcolor": BACKGROUND,
        "xaxis": axis,
        "yaxis": axis,
        "legend": {"orientation": "h", "x": 0, "xref": "container", "y": 0, "yref": "container", "yanchor": "bottom"},
        "hoverlabel": {"font": {"family": FONT, "size": 13}, "bgcolor": BACKGROUND, "align": "left"},
        "bargap": 0.3,
        "dragmode": False,
    }
    return go.layout.Template(layout=layout)


def styled(figure: go.Figure, title: str, height: int, **layout: Any) -> go.Figure:
    """Returns ``figure`` in the common look.

    Args:
        figure: changed in place.
        title: what is shown, for people.
        height: in pixels; the width is the reader's.
        layout: more of Plotly's layout, which has the last word.
    """
    margin = {"l": 8, "r": 16, "t": 56, "b": 84 if layout.get("showlegend", True) else 48}
    figure.update_layout(template=template(), title_text=title, height=height, margin=margin)
    figure.update_layout(**layout)
    return figure


def empty(title: str, reason: str) -> go.Figure:
    """Returns a figure without data that says so."""
    figure = go.Figure()
    figure.add_annotation(text=label(reason, 80), showarrow=False, xref="paper", yref="paper", font_color=MUTED)
    return styled(figure, title, 220, xaxis_visible=False, yaxis_visible=False)
