"""The options of `workbench curate`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True, slots=True, kw_only=True)
class Curate:
    """Choose Reason1K from a pool, with a funnel and a reason for every row."""

    pool: Path
    """A file of traces."""
    out: Path
    """The folder to write."""
    size: int = 1_000
    """Traces to keep."""
    held_out: Annotated[tuple[str, ...], tyro.conf.arg(metavar="FILE|FOLDER|hf:ID"), tyro.conf.UseAppendAction] = ()
    """Problems to keep out of training, copies of their questions included; may be repeated. The embedded benchmarks
    are always kept out, and known benchmarks where the Hub's cache has them."""
    filters: Annotated[
        tuple[str, ...], tyro.conf.arg(name="filter", metavar="NAME=MODE"), tyro.conf.UseAppendAction
    ] = ()
    """How strict a filter is, strict, lenient or off: truncation, format, wrong_answer, control_tokens, repetition,
    language, missing_figures or length, such as language=off; may be repeated."""
    language: str = "en"
    """What the language filter asks for, ISO 639-1."""
    student: str = "smollm2-135m"
    """Whose tokens count, and who reads the traces where --score asks for it."""
    max_tokens: int = 384
    """Longer traces are dropped."""
    strategy: Literal["joint", "random", "longest", "s1", "diverse"] = "joint"
    """How rows are chosen; all but joint are baselines to compare with."""
    weights: Annotated[
        tuple[str, ...], tyro.conf.arg(name="weight", metavar="CRITERION=WEIGHT"), tyro.conf.UseAppendAction
    ] = ()
    """Of difficulty, diversity, quality, suitability or length, such as quality=2; may be repeated."""
    score: Literal["none", "sample", "all"] = "none"
    """Which survivors the student reads, so that suitability for it counts: 500, from which the others are predicted
    (minutes on two cores), or all (a GPU's work)."""
    tries: int = 0
    """Answers of the student to each problem that it reads, for its pass rate; 0: none."""
    semantic: Literal["auto", "on", "off"] = "auto"
    """Whether questions in other words are looked for by meaning. auto: where the sentence embedder is installed or in
    the cache; on: it is fetched where it is not (83 MB)."""
    profile: Literal["cpu", "t4", "l4", "a100", "h100"] = "cpu"
    """The kind of machine that the student reads on."""
    push_to_hub: str | None = None
    """A data set's id on the Hub, such as me/reason1k, to upload to; private unless --public."""
    public: bool = False
    """Let everybody see what is uploaded."""
    dry_run: bool = False
    """Say what would be uploaded, and upload nothing."""
    seed: int = 0
    """Of the selection."""
    json: bool = False
    """Print JSON instead of a table."""
