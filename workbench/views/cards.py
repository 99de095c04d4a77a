"""Tables and cards for notebooks; a table is HTML where that is understood, and aligned text everywhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from workbench.views.panes import environment

CRITERIA = ("difficulty", "diversity", "quality", "suitability", "length")
BANDS = ("easy", "medium", "hard")

_STYLE = Markup(
    "<style>.rb-table{border-collapse:collapse;font-size:.92em;max-width:100%}"
    ".rb-table th,.rb-table td{padding:5px 12px;text-align:left!important;vertical-align:top;line-height:1.4;"
    "border-bottom:1px solid rgba(127,140,155,.35);white-space:normal;overflow-wrap:anywhere}"
    ".rb-table thead th{font-weight:600;opacity:.75}.rb-table tbody th{font-weight:600;white-space:nowrap}"
    ".rb-table .number{text-align:right!important;font-variant-numeric:tabular-nums;white-space:nowrap}"
    ".rb-table .alarm{background:rgba(224,60,49,.13)}</style>"
)


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under column names; the last expression of a notebook's cell shows it."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    """Columns whose values stand on the right."""
    alarms: frozenset[int] = frozenset()
    """Rows that need attention."""

    def __str__(self) -> str:
        lines = [self.columns, *self.rows]
        widths = [max(len(line[place]) for line in lines) for place in range(len(self.columns))]
        return "\n".join(self._line(line, widths) for line in lines)

    __repr__ = __str__

    def _line(self, cells: tuple[str, ...], widths: list[int]) -> str:
        padded = [
            cell.rjust(width) if place in self.numbers else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(padded).rstrip()

    def _repr_html_(self) -> str:
        head = Markup("").join(self._cell("th", place, name) for place, name in enumerate(self.columns))
        body = Markup("").join(self._row(place, row) for place, row in enumerate(self.rows))
        page = Markup('{}<table class="rb-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>')
        return str(page.format(_STYLE, head, body))

    def _row(self, place: int, row: tuple[str, ...]) -> Markup:
        name = Markup(' class="alarm"') if place in self.alarms else Markup("")
        cells = [self._cell("th" if column == 0 else "td", column, cell) for column, cell in enumerate(row)]
        return Markup("<tr{}>{}</tr>").format(name, Markup("").join(cells))

    def _cell(self, kind: str, column: int, text: str) -> Markup:
        name = Markup(' class="number"') if column in self.numbers else Markup("")
        return Markup("<{0}{1}>{2}</{0}>").format(Markup(kind), name, escape(text))


def table(rows: Iterable[Mapping[str, Any]]) -> Table:
    """Returns rows of a few named values as a table for notebooks.

    Args:
        rows: each with the first one's names; floats are shown to three digits.

    >>> print(table([{"family": "legs", "right": 3}, {"family": "sums", "right": 12}]))
    family  right
    legs        3
    sums       12
    """
    values = list(rows)
    columns = tuple(values[0]) if values else ()
    cells = {place: [row.get(name) for row in values] for place, name in enumerate(columns)}
    numbers = {place for place, column in cells.items() if all(value is None or _is_number(value) for value in column)}
    return Table(columns, tuple(tuple(_text(row.get(name)) for name in columns) for row in values), frozenset(numbers))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if _is_number(value) else str(value)


def choice_html(rows: Sequence[Mapping[str, Any]], place: int) -> str:
    """Returns why a row was chosen, what each criterion gave for it, and what the choice is made of so far.

    Args:
        rows: of ``kept.parquet``, in the order of choice.
        place: of the row, from 1.
    """
    row, so_far = rows[place - 1], rows[:place]
    return (
        environment()
        .get_template("choice.html.j2")
        .render(
            row=row,
            place=place,
            total=len(rows),
            gains=[(name, row[f"{name}_gain"]) for name in CRITERIA],
            most=max(max(each[f"{name}_gain"] for name in CRITERIA) for each in rows) or 1.0,
            bands=[(band, sum(each["band"] == band for each in so_far)) for band in BANDS],
            families=len({each["source"] for each in so_far}),
        )
    )


def weights_html(
    measures: Sequence[tuple[str, str, str]],
    cells: Mapping[tuple[str, str], tuple[int, int]],
    sample: Sequence[Mapping[str, Any]],
    note: str,
) -> str:
    """Returns what a selection is made of, for a page that changes with its weights.

    Args:
        measures: a name, its value now, and its value with the weights that were used.
        cells: kept and available rows by domain and difficulty band.
        sample: some of the kept rows: source, band, question, reason.
        note: a line above all.
    """
    domains = sorted({domain for domain, _ in cells})
    shares = {place: kept / available for place, (kept, available) in cells.items() if available}
    most = max(shares.values(), default=0.0) or 1.0
    rows = [
        (domain, [(cells.get((domain, band)), shares.get((domain, band), 0.0) / most) for band in BANDS])
        for domain in domains
    ]
    page = environment().get_template("weights.html.j2")
    return page.render(note=note, measures=measures, bands=BANDS, rows=rows, sample=sample)
