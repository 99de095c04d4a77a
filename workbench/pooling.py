"""Pools, files to files: the embedded one written, others imported; loads neither torch nor weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench import cli, pool
from workbench.errors import InputError
from workbench.files import existing_file
from workbench.pool import PoolConfig, labels_path, usual_workers
from workbench.progress import track
from workbench.records import Trace, read_records, write_records


def write_pool(
    out: Path, size: int, seed: int, config: PoolConfig | None = None, *, workers: int = 1
) -> tuple[int, int]:
    """Writes the embedded pool with a progress bar; see `workbench.pool.write_pool`."""
    return pool.write_pool(out, size, seed, config or PoolConfig(), workers=workers, track=track)


def import_pool(source: Path, out: Path) -> tuple[int, int]:
    """Copies a file of traces or of question-answer pairs, in any known shape, to ``out``.

    Bad lines go to ``STEM.rejected.jsonl`` beside ``out``.

    Returns:
        The number of traces written and of lines rejected.
    """
    if out.exists() and out.samefile(source):
        raise InputError(f"{out} is the file to import; choose another --out")
    reader = read_records(existing_file(source), Trace, rejected=rejected_path(out))
    written = write_records(out, track(reader, None, "import"))
    return written, reader.rejected


def rejected_path(out: Path) -> Path:
    """Returns where the lines that could not be read go, beside the output."""
    return out.with_name(f"{out.name.split('.')[0]}.rejected.jsonl")


def pool_verb(options: cli.Pool) -> None:
    """Writes or imports a pool."""
    if options.source:
        written, rejected = import_pool(options.source, options.out)
        lines = [f"{options.out}: {written:,} traces, {rejected:,} lines rejected"]
        if rejected:
            lines.append(f"the rejected lines and their reasons: {rejected_path(options.out)}")
        cli.show({"traces": written, "rejected": rejected, "out": options.out}, as_json=options.json, lines=lines)
        return
    config = options.config()
    workers = options.workers or usual_workers(options.size)
    written, planted = write_pool(options.out, options.size, options.seed, config, workers=workers)
    lines = [f"{options.out}: {written:,} traces"]
    found: dict[str, Any] = {"traces": written, "out": options.out}
    if config.defect_share:
        found |= {"planted": planted, "labels": labels_path(options.out)}
        lines.append(f"{labels_path(options.out)}: what is wrong with {planted:,} of them; curation never opens it")
    if config.champ:
        lines.append("CHAMP is a benchmark itself: whoever trains on this pool must not report it")
    cli.show(found, as_json=options.json, lines=lines)
