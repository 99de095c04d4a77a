"""`workbench pool` from the command line, and what its document says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.cli import parse
from workbench.errors import InputError
from workbench.pool import RICH, core_families, form_of, labels_path
from workbench.pool.families import FAMILIES
from workbench.pooling import pool_verb
from workbench.records import Trace, read_records

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "POOL.md"


def verb(*arguments: object) -> None:
    pool_verb(parse(["pool", *map(str, arguments)]))


def test_the_verb_writes_pool_and_labels_and_tells_of_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pool.jsonl"
    shares = ["--long-share", 0.5, "--wordings", 6, "--slip-share", 0.5, "--defect-share", 0.2]
    verb("--out", out, "--size", 120, "--ladder", "wide", *shares, "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["traces"] == 120
    assert told["planted"] == len(labels_path(out).read_text().splitlines()) > 10
    traces = list(read_records(out, Trace))
    assert {form_of(trace).length for trace in traces} == {"short", "long"}
    assert any(trace.problem.metadata["level"] < 0 for trace in traces)


def test_the_verbs_default_is_plain_and_clean(tmp_path: Path) -> None:
    out = tmp_path / "pool.jsonl"
    verb("--out", out, "--size", 40)
    assert all(trace.usage == {} and trace.is_correct for trace in read_records(out, Trace))
    assert list(tmp_path.iterdir()) == [out]


def test_a_share_that_is_none_is_one_line_and_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^defect_share=7\.0 must lie between 0 and 1$"):
        verb("--out", tmp_path / "pool.jsonl", "--defect-share", 7)
    assert list(tmp_path.iterdir()) == []


def test_the_document_lists_every_family_as_it_is() -> None:
    core = core_families()
    rows = [
        f"| `{family.name}` | {family.domain} | {'held out' if family.unseen else 'seen'} "
        f"| {'yes' if family in core else 'no'} | {len(family.easier)} + {len(family.levels)} + {len(family.harder)} |"
        for family in FAMILIES
    ]
    text = DOCUMENT.read_text(encoding="utf-8")
    assert [line for line in text.splitlines() if line.startswith("| `")][: len(rows)] == rows
    flags = f"--ladder {RICH.ladder} --long-share {RICH.long_share} --wordings {RICH.wordings}"
    assert f"{flags} --slip-share {RICH.slip_share}" in text
