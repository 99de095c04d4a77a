"""Pools, files to files: the embedded one written, others imported; loads neither torch nor weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workbench import cli, pool
from workbench.errors import InputError
from workbench.pool import ImportConfig, PoolConfig, labels_path, usual_workers
from workbench.progress import track


def write_pool(
    out: Path, size: int, seed: int, config: PoolConfig | None = None, *, workers: int = 1
) -> tuple[int, int]:
    """Writes the embedded pool with a progress bar; see `workbench.pool.write_pool`."""
    return pool.write_pool(out, size, seed, config or PoolConfig(), workers=workers, track=track)


def pool_verb(options: cli.Pool) -> None:
    """Writes or imports a pool."""
    if options.source:
        report = pool.import_pool(options.source, options.out, _import_config(options), say=cli.tell, track=track)
        cli.show(report.to_dict(), as_json=options.json, lines=report.lines())
        return
    config = options.embedded()
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


def _import_config(options: cli.Pool) -> ImportConfig:
    fields = {}
    for pair in options.fields:
        target, equals, name = pair.partition("=")
        if not equals or not name:
            raise InputError(f"--map {pair}: write TARGET=FIELD, such as question=problem")
        fields[target] = name
    return ImportConfig(
        fields=fields, encoding=options.encoding, config=options.config, split=options.split, limit=options.limit,
        segment=not options.unsegmented, teacher=options.teacher, license=options.license,
    )  # fmt: skip
