"""The report: one HTML file that needs nothing else, neither a network nor a server."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import plotly.graph_objects as go
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from workbench.errors import InputError
from workbench.evaluation.statistics import Answer, Gain, holm, verdict
from workbench.files import write_text
from workbench.progress import duration
from workbench.views import plots
from workbench.views.panes import drawn, environment, resource, style_sheet
from workbench.views.report_data import FamilyRow, Interval, ReportData
from workbench.views.theme import ARM_COLOURS, MINUS, arm_label, words


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure for the page: its title becomes text that wraps, apart from the drawing."""

    name: str
    title: str
    figure: Mapping[str, Any] | None
    """Plotly's JSON; ``None`` where there is nothing to draw."""
    height: int = 0
    """In pixels, at least; a chart grows to the height of its neighbour."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    """One headline number."""

    label: str
    value: str
    detail: str = ""


def write_report(path: Path | str, report: ReportData | Mapping[str, Any]) -> Path:
    """Writes the report as one self-contained HTML file and returns its path.

    The page carries its own scripts and forbids itself any network. All outside text is escaped.

    Args:
        path: the file, replaced whole or not at all.
        report: `ReportData`, or the same as plain values.

    Raises:
        InputError: naming the field that does not fit.
        StorageError: where the disk refused.
    """
    data = checked(report)
    pages = environment()
    pages.filters.update(percent=percent, interval=interval, duration=duration, points=points_text)
    page = pages.get_template("report.html.j2").render(_context(data))
    # A lone surrogate can reach a text through JSON; UTF-8 has no place for it.
    return write_text(path, page.encode("utf-8", "replace").decode("utf-8"))


def checked(report: ReportData | Mapping[str, Any]) -> ReportData:
    """Returns the report with every field's type checked, NumPy's numbers made plain.

    Raises:
        InputError: naming the field that does not fit.
    """
    try:
        plain = msgspec.to_builtins(report, enc_hook=_plain_number)
        return msgspec.convert(plain, ReportData)
    except (msgspec.ValidationError, NotImplementedError) as error:
        raise InputError(f"not a report: {error}") from error


def _plain_number(value: Any) -> Any:
    if hasattr(value, "item"):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} is no plain value; give numbers, texts, lists and dicts")


def _context(data: ReportData) -> dict[str, Any]:
    examples = [{"data": example, "panes": [drawn(pane) for pane in example.panes]} for example in data.examples]
    return {
        "data": data,
        "summary": data.summary or summary(data.headline),
        "cards": cards(data.headline),
        "charts": {chart.name: chart for chart in charts(data)},
        "arms": sorted({arm for row in data.families for arm in row["arms"]}, key=plots.arm_order),
        "rows": family_rows(data.families),
        "unmoved": unmoved(data.families),
        "drops": [stage for stage in (data.funnel or {"stages": []})["stages"] if stage.get("reasons")],
        "examples": examples,
        "example_families": sorted({example.family for example in data.examples}),
        "style": style_sheet() + Markup(resource("report.css")),
        "script": Markup(resource("report.js")),
        "plotly": Markup(get_plotlyjs()),
    }


def charts(data: ReportData) -> tuple[Chart, ...]:
    """Returns the report's figures in the order of the page; an empty one carries its reason instead."""
    funnel = data.funnel or {"stages": []}
    figures = {
        "funnel": plots.plot_funnel(funnel),
        "composition": plots.plot_composition(funnel),
        "loss": plots.plot_loss(data.metrics),
        "adapter": plots.plot_adapter(data.adapter),
        "families": plots.plot_families(data.families),
        "flips": plots.plot_flips(data.flips),
    }
    return tuple(_chart(name, figure) for name, figure in figures.items())


def _chart(name: str, figure: go.Figure) -> Chart:
    title = figure.layout.title.text
    if not figure.data:
        return Chart(name, title, None, 0, html.unescape(figure.layout.annotations[0].text))
    figure.update_layout(title_text="", margin_t=12)
    height = figure.layout.height - 44
    figure.layout.height = None
    return Chart(name, title, json.loads(figure.to_json()), height)


def percent(value: float | None, digits: int = 1) -> str:
    r"""Returns a fraction for people, without pretending to digits that are not there.

    >>> percent(0.3456), percent(0.002999, 2), percent(None)
    ('34.6\xa0%', '0.30\xa0%', 'not measured')
    """
    return "not measured" if value is None else f"{100 * value:.{digits}f}\N{NO-BREAK SPACE}%"


def interval(value: Interval | Gain, signed: bool = False) -> str:
    """Returns an estimate's 95 % interval, in percent or, for differences, in points with their sign.

    >>> interval({"value": 0.5, "low": 0.4, "high": 0.6})
    '40 to 60'
    """
    low, high = (value.low, value.high) if isinstance(value, Gain) else (value["low"], value["high"])
    ends = (points_text(low, 0), points_text(high, 0)) if signed else (f"{100 * low:.0f}", f"{100 * high:.0f}")
    return " to ".join(ends)


def points_text(value: float, digits: int = 1) -> str:
    """Returns a difference of fractions in percentage points, with its sign; nothing has none.

    >>> points_text(0.052), points_text(0.2, 0), points_text(-0.0004)
    ('+5.2', '+20', '0.0')
    """
    text = f"{100 * value:+.{digits}f}".replace("-", MINUS)
    return text if text.strip(f"+{MINUS}0.") else text[1:]


def p_text(p_value: float) -> str:
    """Returns a p-value as it is usually written."""
    text = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _headline_gain(headline: Mapping[str, Any]) -> Gain | None:
    """The verdict needs the value, the interval and the test; without all three there is none."""
    bounds = (headline.get("interval95") or {}).get("gain")
    if headline.get("gain") is None or headline.get("p_value") is None or not bounds:
        return None
    return Gain(headline["gain"], bounds[0], bounds[1], headline["p_value"], 0, 0, headline.get("problems", 0))


def summary(headline: Mapping[str, Any]) -> str:
    """Returns the headline as one sentence; what was not measured is not mentioned."""
    accuracy, gain = headline.get("accuracy") or {}, _headline_gain(headline)
    if not {"base", "student"} <= accuracy.keys():
        return "No comparison of the student with its base was recorded."
    sentence = f"The student answered {percent(accuracy['student'])} of {_compared(headline)}"
    sentence += f", its base {percent(accuracy['base'])}"
    if gain is None:
        return sentence + "."
    opinion = {
        "better": "the student is better",
        "worse": "the student is worse",
        "cannot tell": "the difference could be chance, so we cannot tell",
    }[verdict(gain)]
    bounds = interval(gain, signed=True)
    return f"{sentence}: {points_text(gain.value)} points (95 % interval {bounds}, {p_text(gain.p_value)}); {opinion}."


def _compared(headline: Mapping[str, Any]) -> str:
    """What accuracy and gain are measured on: the seen families, where those are counted apart."""
    if "seen_problems" in headline:
        return f"{headline['seen_problems']:,} held-out problems of seen families"
    return "the held-out problems"


def cards(headline: Mapping[str, Any]) -> tuple[Card, ...]:
    """Returns the headline's numbers as cards; a number that is missing has none."""
    accuracy, gain = headline.get("accuracy") or {}, _headline_gain(headline)
    found = [_accuracy_card(arm, accuracy) for arm in ARM_COLOURS if accuracy.get(arm) is not None]
    if gain is not None:
        detail = f"points, 95 % interval {interval(gain, signed=True)}; {p_text(gain.p_value)}: {verdict(gain)}"
        found.append(Card("Gain", points_text(gain.value), detail))
    if headline.get("gap_closed") is not None:
        found.append(Card("Gap closed", percent(headline["gap_closed"], 0), "of the way from base to teacher"))
    unseen = headline.get("unseen_families") or {}
    if {"base", "student"} <= unseen.keys():
        change = f"{100 * unseen['base']:.1f} → {percent(unseen['student'])}"
        found.append(Card("Unseen families", change, "base → student, kinds never trained on"))
    if headline.get("trained_fraction") is not None:
        parameters = f"{headline.get('trained_parameters', 0):,} of {headline.get('base_parameters', 0):,} parameters"
        found.append(Card("Trained", percent(headline["trained_fraction"], 2), parameters))
    if headline.get("problems") is not None:
        found.append(Card("Problems", f"{headline['problems']:,}", "held out, the same in every arm"))
    if headline.get("seconds"):
        stages = ", ".join(headline["seconds"])
        found.append(Card("Wall time", duration(sum(headline["seconds"].values())), stages))
    return tuple(found)


def _accuracy_card(arm: str, accuracy: Mapping[str, float]) -> Card:
    details = {
        "base": "before training",
        "student": "after training, unguided",
        "student_guided": "after training, with interventions",
        "teacher": "the ceiling",
    }
    return Card(arm_label(arm), percent(accuracy[arm]), details[arm])


def verdicts(rows: Sequence[FamilyRow]) -> tuple[Answer | None, ...]:
    """Returns what can be said of each family, its p-value adjusted for how many families there are (Holm)."""
    gains = [row.get("gain") for row in rows]
    adjusted = iter(holm([gain.p_value for gain in gains if gain]))
    return tuple(verdict(gain, next(adjusted)) if gain else None for gain in gains)


def family_rows(rows: Sequence[FamilyRow]) -> list[dict[str, Any]]:
    """Returns the table: seen families first, then unseen, each group by name, under its pooled row."""
    opinions = dict(zip((row["family"] for row in rows), verdicts(rows), strict=True))
    table: list[dict[str, Any]] = []
    for unseen, name in ((False, "Seen families"), (True, "Unseen families")):
        members = sorted((row for row in rows if row["unseen"] == unseen), key=lambda row: row["family"])
        total = plots.pooled(rows, name, unseen)
        if total:
            table.append({**total, "total": True, "verdict": None})
        table += [{**row, "total": False, "verdict": opinions[row["family"]]} for row in members]
    return [{"gain": None, "format_rate": {}, **row} for row in table]


def unmoved(rows: Sequence[FamilyRow]) -> dict[str, list[str]]:
    """Returns the families whose gain is not shown: those where nobody can tell, and those that got worse."""
    found: dict[str, list[str]] = {"cannot tell": [], "worse": []}
    for row, opinion in zip(rows, verdicts(rows), strict=True):
        if opinion in found:
            found[opinion].append(words(row["family"]))
    return {opinion: sorted(names) for opinion, names in found.items()}
