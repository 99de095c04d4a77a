"""Which benchmarks must not be learnt: the embedded ones, those that are named, and known ones in the Hub's cache."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.curation import HeldOutSet
from workbench.errors import InputError, first_line
from workbench.pool.hub import HUB
from workbench.pool.sources import Place, Source, open_source
from workbench.records import READABLE, Problem, Reader, Seen

LISTED = "2026-11-27"
"""When `KNOWN` was last looked through."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark that people report."""

    name: str
    hub: str
    """Its id on the Hub; empty where it is published elsewhere."""
    splits: tuple[str, ...] = ("test",)
    """Those that are reported."""
    config: str | None = None
    needs_pictures: bool = False

    @property
    def fix(self) -> str:
        """What checks it."""
        return f"give --held-out {HUB}{self.hub}, or a file of it" if self.hub else "give --held-out and a file of it"


KNOWN = (
    Benchmark("GSM8K test", "openai/gsm8k", config="main"),
    Benchmark("MATH-500", "HuggingFaceH4/MATH-500"),
    Benchmark("AIME24", "HuggingFaceH4/aime_2024", ("train",)),
    Benchmark("AIME25", "math-ai/aime25"),
    Benchmark("AMC23", "math-ai/amc23"),
    Benchmark("GPQA-diamond", "Idavidrein/gpqa", ("train",), "gpqa_diamond"),
    Benchmark("OlympiadBench", "Hothan/OlympiadBench", ("train",), "OE_TO_maths_en_COMP"),
    Benchmark("MMLU-Pro", "TIGER-Lab/MMLU-Pro"),
    Benchmark("TheoremQA", "TIGER-Lab/TheoremQA"),
    Benchmark("SVAMP", "ChilleD/SVAMP"),
    Benchmark("MAWPS", "MU-NLPC/Calc-mawps"),
    Benchmark("ASDiv", "EleutherAI/asdiv", ("validation",)),
    Benchmark("CHAMP", ""),
    Benchmark("Knights and Knaves", "K-and-K/knights-and-knaves", tuple(f"{n}ppl" for n in range(2, 9)), "test"),
    Benchmark("MMMU", "MMMU/MMMU", ("validation",), needs_pictures=True),
)
"""As of `LISTED`. CHAMP is published as the package champ-dataset."""

_PLAIN_NAMES = {"train", "test", "dev", "val", "validation", "data", "main"}
_MARKS = re.compile(r"[\W_]+")


def named_sets(specs: Sequence[str | Path]) -> list[HeldOutSet]:
    """Reads what was named with ``--held-out``, as the import of pools reads it.

    Args:
        specs: files, folders, and ``hf:ID``; of a known benchmark the split that is reported, of any other data set
            ``test`` where it has one.

    Raises:
        InputError: where one of them is missing, or holds no problem.
    """
    return [_read(_set_name(str(spec)), _opened(str(spec))) for spec in specs]


def known_sets(given: Sequence[HeldOutSet] = ()) -> list[HeldOutSet]:
    """Returns the known benchmarks that ``given`` does not have: from the Hub's cache, or as missing.

    The network is not used.
    """
    names = {_plain(each.name) for each in given}
    return [_cached(each) for each in KNOWN if not names & _aliases(each)]


def _aliases(benchmark: Benchmark) -> set[str]:
    """By what names it counts as given; a training split of that name is not the benchmark."""
    name = _plain(benchmark.name)
    return {name, _plain(HUB + benchmark.hub), f"{name.removesuffix('test')}test"}


def _plain(name: str) -> str:
    return _MARKS.sub("", name).lower()


def _set_name(spec: str) -> str:
    if spec.startswith(HUB):
        return spec
    path = Path(spec).resolve()
    stem = path.name.split(".")[0] if path.suffix else path.name
    return f"{path.parent.name}-{stem}" if stem.lower() in _PLAIN_NAMES else stem


def _opened(spec: str) -> list[Source]:
    if not spec.startswith(HUB):
        return [open_source(spec)]
    name = spec.removeprefix(HUB).partition("@")[0]
    if known := next((each for each in KNOWN if each.hub == name), None):
        return [open_source(spec, config=known.config, split=split) for split in known.splits]
    try:
        return [open_source(spec, split="test")]
    except InputError as error:
        if "has no split" not in str(error):
            raise
        return [open_source(spec)]


def _read(name: str, sources: Sequence[Source]) -> HeldOutSet:
    problems: list[Problem] = []
    unread, seen, why = 0, Seen(), ""
    for place in (place for source in sources for place in source.places):
        reader = _reader(place, seen)
        problems += reader.records(lambda rejected: None)
        unread += reader.rejected
        why = why or next((f"; {each.file}, row {each.line}: {each.reason}" for each in reader.examples), "")
    if not problems:
        raise InputError(f"{name} holds no problem that can be held out{why}")
    return HeldOutSet(name=name, problems=problems, unread=unread)


def _reader(place: Place, seen: Seen) -> Reader[Problem]:
    return Reader(place.rows, Problem, seen=seen, complete=place.companion.complete if place.companion else None)


def _cached(benchmark: Benchmark) -> HeldOutSet:
    """A benchmark as it lies in the Hub's cache; ``missing`` says why where it does not."""
    if benchmark.needs_pictures:
        return HeldOutSet(name=benchmark.name, missing="its questions need pictures")
    files = cached_files(benchmark)
    if not files:
        return HeldOutSet(name=benchmark.name, missing=f"not here; {benchmark.fix}")
    try:
        return _read(benchmark.name, [open_source(str(file)) for file in files])
    except InputError as error:
        return HeldOutSet(name=benchmark.name, missing=f"cannot be read: {first_line(error)}; {benchmark.fix}")


def cached_files(benchmark: Benchmark) -> list[Path]:
    """Returns a benchmark's files in the Hub's cache, without network; none where it was never fetched.

    Of the newest snapshot those whose path has the configuration and the split in it, where any has: to hold
    out too much is the lesser harm.
    """
    from huggingface_hub.constants import HF_HUB_CACHE

    if not benchmark.hub:
        return []
    snapshots = Path(HF_HUB_CACHE) / f"datasets--{benchmark.hub.replace('/', '--')}" / "snapshots"
    newest = max(snapshots.glob("*/"), key=lambda folder: folder.stat().st_mtime, default=None)
    if newest is None:
        return []
    files = sorted(path for path in newest.rglob("*") if path.name.lower().endswith(READABLE) and path.is_file())
    for parts in ((benchmark.config or "",), benchmark.splits):
        files = [file for file in files if any(part in str(file.relative_to(newest)) for part in parts)] or files
    return files
