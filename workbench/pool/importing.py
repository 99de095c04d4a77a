"""Data of any known shape as a pool: every row is kept as traces, or rejected with file, line and reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from workbench.errors import InputError
from workbench.files import existing_file
from workbench.pool.segmenter import segment_trace
from workbench.pool.sources import Place, Source, head, open_source
from workbench.progress import Track, silent
from workbench.records import (
    FieldMap,
    Origin,
    Reader,
    Seen,
    Shape,
    Trace,
    check_map,
    describe,
    rejected_rows,
    to_traces,
    write_records,
)

_WIDTH = 88
_SHOWN_PLACES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportConfig:
    """How foreign rows become traces."""

    fields: FieldMap = field(default_factory=dict)
    """What the rows' fields are, where they should not be recognised: ``{"question": "stem"}``."""
    encoding: str | None = None
    """Of texts; by default UTF-8, or what their first bytes say."""
    config: str | None = None
    """The configuration of a data set of the Hub."""
    split: str | None = None
    """Its split; by default ``train``, or the only one there is."""
    limit: int | None = None
    """Traces to write, at most."""
    segment: bool = True
    """Whether free-form solutions are cut into steps with roles."""
    teacher: str | None = None
    """Who wrote the solutions, where the rows do not say it."""
    license: str | None = None
    """Of the rows, as the Hub spells it."""

    def __post_init__(self) -> None:
        check_map(self.fields)
        if self.limit is not None and self.limit < 1:
            raise InputError(f"limit={self.limit} must be at least 1")


@dataclass(frozen=True, slots=True)
class Preview:
    """How a place will be read, by its first rows."""

    place: str
    shape: Shape | None
    """``None`` where none of them can be read, or there are none."""
    sample: Trace | None = None

    def lines(self) -> list[str]:
        """Returns the sample and what its fields become, for people."""
        if self.shape is None or self.sample is None:
            return [f"{self.place}: none of the first rows can be read"]
        known = [f"    {name} -> {what}" for name, what in self.shape.fields.items()]
        shown = {
            "question": self.sample.problem.question,
            "solution": self.sample.reasoning,
            "answer": self.sample.answer,
        }
        sample = [f"    {name:<9}{_clipped(text)}" for name, text in shown.items() if text]
        return [f"{self.place}: {self.shape.name} ({self.shape.about})", *known, "  its first row:", *sample]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceCount:
    """What became of the rows of one file or data set."""

    place: str
    shape: str
    rows: int
    kept: int
    rejected: int
    traces: int
    """More than ``kept`` where rows offer several solutions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did; ``rows`` is always ``kept + rejected``."""

    source: str
    out: Path
    places: tuple[PlaceCount, ...]
    unread: Mapping[str, str]
    reasons: Mapping[str, int]
    """How many rows were rejected for what."""
    segmented: int
    """Traces whose free-form solution was cut into steps."""
    without_solution: int
    """Traces that have an answer and nothing that leads to it."""
    stopped_at_limit: bool

    @property
    def rows(self) -> int:
        """Rows that were read."""
        return sum(place.rows for place in self.places)

    @property
    def rejected(self) -> int:
        """Rows that are in ``STEM.rejected.jsonl``."""
        return sum(place.rejected for place in self.places)

    @property
    def traces(self) -> int:
        """Traces that were written."""
        return sum(place.traces for place in self.places)

    def to_dict(self) -> dict[str, Any]:
        """Returns all of it as plain JSON values."""
        totals = {
            "rows": self.rows,
            "kept": self.rows - self.rejected,
            "rejected": self.rejected,
            "traces": self.traces,
        }
        return {**asdict(self), **totals, "rejected_path": str(rejected_path(self.out)) if self.rejected else None}

    def lines(self) -> list[str]:
        """Returns a table of the places and what should be known of them, for people."""
        width = max([5, *(len(place.place) for place in self.places)])
        head = f"{'':<{width}}  {'shape':<20}{'rows':>9}{'kept':>9}{'rejected':>10}{'traces':>9}"
        lines = [head, *(_row(place, width) for place in self.places)]
        if len(self.places) > 1:
            total = PlaceCount(place="total", shape="", rows=self.rows, kept=self.rows - self.rejected,
                               rejected=self.rejected, traces=self.traces)  # fmt: skip
            lines.append(_row(total, width))
        lines += [f"not imported: {name}, {why}" for name, why in self.unread.items()]
        lines += [f"rejected: {count:,} × {reason}" for reason, count in list(self.reasons.items())[:8]]
        if self.rejected:
            lines.append(f"the rejected rows, each with file, line and reason: {rejected_path(self.out)}")
        if self.without_solution:
            lines.append(f"{self.without_solution:,} have an answer and no solution: workbench collect asks for one")
        if self.stopped_at_limit:
            lines.append("stopped at --limit; what follows was not read")
        return [*lines, f"{self.out}: {self.traces:,} traces, {self.segmented:,} of them cut into steps here"]


def rejected_path(out: Path) -> Path:
    """Returns where the rows that could not be read go, beside the output."""
    return out.with_name(f"{out.name.split('.')[0]}.rejected.jsonl")


def preview(source: Source, config: ImportConfig) -> list[Preview]:
    """Returns how each place will be read.

    Raises:
        InputError: where ``config.fields`` names fields that none of the first rows has; listing those they have.
    """
    previews, complaint = [], None
    for place in source.places:
        found = Preview(place.rows.name, None)
        for row in head(place):
            try:
                found = Preview(place.rows.name, describe(row, config.fields), to_traces(row, None, config.fields)[0])
                break
            except InputError as error:
                complaint = complaint or error
        previews.append(found)
    if config.fields and complaint and not any(found.shape for found in previews):
        raise InputError(f"--map fits none of the first rows of {source.name}: {complaint}")
    return previews


def import_pool(
    spec: str | Path, out: Path | str, config: ImportConfig | None = None, *,
    say: Callable[[str], None] = print, track: Track = silent,
) -> ImportReport:  # fmt: skip
    """Writes data of any known shape as a pool of traces, whole or not at all.

    What cannot be read goes to ``STEM.rejected.jsonl`` beside ``out``, with file, line and reason.

    Args:
        spec: a file, a folder, or ``hf:ID``; see `workbench.pool.sources.open_source`.
        out: ``.jsonl``, ``.jsonl.gz`` or ``.parquet``.
        config: how rows are read.
        say: is told, before long work, which shapes were found and what a first row becomes.
        track: wraps the traces, to show progress.

    Raises:
        InputError: where ``spec`` or ``config`` cannot be meant, or not a single row is good.
        StorageError: where the disk refused.
    """
    config, out = config or ImportConfig(), Path(out)
    source = open_source(
        str(spec), fields=config.fields, encoding=config.encoding, config=config.config, split=config.split,
        leave_out=frozenset({out.resolve(), rejected_path(out).resolve()}),
    )  # fmt: skip
    if (
        not str(spec).startswith("hf:")
        and out.exists()
        and not Path(spec).is_dir()
        and out.samefile(existing_file(spec))
    ):
        raise InputError(f"{out} is the file to import; choose another --out")
    previews = preview(source, config)
    for line in _announced(source, previews):
        say(line)
    run = _Run(source, config, [found.shape.name if found.shape else "unknown" for found in previews])
    with rejected_rows(rejected_path(out)) as reject:
        write_records(out, track(run.traces(reject), config.limit, "import"))  # type: ignore[arg-type]
    return run.report(out)


class _Run:
    """One pass over a source, and what it counted."""

    def __init__(self, source: Source, config: ImportConfig, shapes: list[str]) -> None:
        self._source, self._config, self._shapes = source, config, shapes
        origin = Origin(teacher=config.teacher, license=config.license or source.license, data_set=source.data_set)
        seen = Seen()
        self._readers = [
            Reader(place.rows, Trace, origin=origin, fields=config.fields, seen=seen, complete=_completing(place))
            for place in source.places
        ]
        self._written = [0] * len(source.places)
        self._segmented = self._without_solution = 0
        self._is_full = False

    def traces(self, reject: Any) -> Iterator[Trace]:
        """Yields every trace, the steps of free-form ones cut.

        Raises:
            InputError: at the end, where there was none.
        """
        for index, reader in enumerate(self._readers):
            for trace in self._of(reader, reject):
                yield self._counted(index, trace)
                if sum(self._written) == self._config.limit:
                    self._is_full = True
                    return
        if not any(self._written):
            first = next((each for reader in self._readers for each in reader.examples), None)
            why = f"; {first.file}, row {first.line}: {first.reason}" if first else ": it is empty"
            raise InputError(f"{self._source.name} holds no row that can be imported{why}")

    def _of(self, reader: Reader[Trace], reject: Any) -> Iterator[Trace]:
        """A file that is not what its name says is one rejected row among others; the Hub's silence is no row."""
        try:
            yield from reader.records(reject)
        except InputError as error:
            if self._source.data_set:
                raise
            reader.refuse(reader.read + reader.rejected + 1, str(error), None, reject)

    def _counted(self, index: int, trace: Trace) -> Trace:
        self._written[index] += 1
        if self._config.segment and trace.reasoning and not trace.steps:
            trace = segment_trace(trace)
            self._segmented += 1
        self._without_solution += not trace.steps and not trace.reasoning
        return trace

    def report(self, out: Path) -> ImportReport:
        """Returns what was counted."""
        places = tuple(
            PlaceCount(place=place.rows.name, shape=shape, rows=reader.read + reader.rejected, kept=reader.read,
                       rejected=reader.rejected, traces=written)
            for place, shape, reader, written in zip(
                self._source.places, self._shapes, self._readers, self._written, strict=True)
        )  # fmt: skip
        reasons = sum((reader.reasons for reader in self._readers), Counter())
        return ImportReport(
            source=self._source.name, out=out, places=places, unread=self._source.unread,
            reasons=dict(reasons.most_common()), segmented=self._segmented,
            without_solution=self._without_solution, stopped_at_limit=self._is_full,
        )  # fmt: skip


def _completing(place: Place) -> Callable[[dict[str, Any]], dict[str, Any]] | None:
    return place.companion.complete if place.companion else None


def _announced(source: Source, previews: list[Preview]) -> list[str]:
    """Each shape once, with a sample; then the other places of that shape."""
    lines: list[str] = []
    shown: set[str] = set()
    for found in previews[:_SHOWN_PLACES]:
        name = found.shape.name if found.shape else ""
        lines += [f"{found.place}: {name}, too"] if name in shown else found.lines()
        shown |= {name} if name else set()
    if len(previews) > _SHOWN_PLACES:
        lines.append(f"and {len(previews) - _SHOWN_PLACES:,} more files")
    companions = {place.companion.path.name for place in source.places if place.companion}
    return [*lines, *(f"questions from {name}, by the id that the rows name" for name in sorted(companions))]


def _row(place: PlaceCount, width: int) -> str:
    counts = f"{place.rows:>9,}{place.kept:>9,}{place.rejected:>10,}{place.traces:>9,}"
    return f"{place.place:<{width}}  {place.shape:<20}{counts}"


def _clipped(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[:_WIDTH]} …"
