"""Data sets of the Hugging Face Hub, streamed with `datasets`; no code of theirs is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from logging import CRITICAL
from pathlib import Path
from typing import Any

from workbench.errors import InputError, first_line
from workbench.records import READABLE, BadRow, FileRows, Found

HUB = "hf:"
_TEXTS = tuple(suffix for suffix in READABLE if suffix != ".parquet")
DEFAULT_SPLIT = "train"


@dataclass(frozen=True, slots=True)
class HubRows:
    """One split's rows, from its first row each time they are asked for.

    `datasets` ends at the first row that it cannot parse, or whose columns are others. What it has not yielded by
    then is read out of the split's own text files by the workbench, which passes over bad rows one by one.
    """

    name: str
    data_set: str
    license: str | None
    stream: Any
    """A `datasets.IterableDataset`."""
    files: Callable[[], tuple[FileRows, ...]] = tuple
    """Finds the same rows as texts; none where a file of the split is something else."""
    is_table: bool = False

    def __iter__(self) -> Iterator[tuple[int, Found]]:
        """Yields each row with its number from 1.

        Raises:
            InputError: where the stream breaks off; nothing of it is kept then.
        """
        number = 0
        try:
            for number, row in enumerate(self.stream, 1):
                yield number, row
            return
        except Exception as error:  # of datasets, of Arrow, of the network: all end the stream
            files = self.files() if _is_of_a_row(error) else ()
            if not files:
                said = first_line(error)
                raise InputError(f"{self.name} broke off after row {number:,}: {said}; try again") from error
        yield from islice(_texts(self.name, files), number, None)


def _is_of_a_row(error: BaseException) -> bool:
    """Whether a row is to blame, and not disk or network."""
    from datasets.exceptions import DatasetsError

    cause = error.__cause__ or error.__context__
    return isinstance(error, ValueError | TypeError | DatasetsError) and (
        cause is None or not isinstance(cause, OSError)
    )


def _texts(name: str, files: tuple[FileRows, ...]) -> Iterator[tuple[int, Found]]:
    """Rows as they stand in the files, counted on from file to file; what is wrong with one says where."""
    number = 0
    try:
        for file in files:
            for line, row in file:
                number += 1
                if isinstance(row, InputError):
                    row = BadRow(f"{row} ({file.name}, line {line})", getattr(row, "text", ""))
                yield number, row
    except OSError as error:
        said = first_line(error)
        raise InputError(f"{name} broke off after row {number:,}: {said}; try again") from error


def _data_files(name: str, config: str | None, revision: str | None) -> dict[str, list[str]]:
    """The files of each split; none where they cannot be found."""
    import datasets

    try:
        files = datasets.load_dataset_builder(name, config, revision=revision).config.data_files
    except Exception:  # whatever it is, the first complaint is the one to hear
        return {}
    return {str(split): list(urls) for split, urls in (files or {}).items()}


def _are_texts(urls: list[str]) -> bool:
    return all(url.lower().endswith(_TEXTS) for url in urls)


def _files(name: str, config: str | None, revision: str | None, split: str) -> tuple[FileRows, ...]:
    """The text files of a split, opened where they lie."""
    import fsspec

    urls = _data_files(name, config, revision).get(split, [])
    if not _are_texts(urls):
        return ()
    return tuple(FileRows(Path(url), Path(url).name, opened=fsspec.open(url, "rb").open) for url in urls)


def open_hub(spec: str, config: str | None = None, split: str | None = None) -> HubRows:
    """Opens a data set without fetching more than its description.

    Args:
        spec: ``hf:ID`` with an optional ``@REVISION``; an ID may also be a local folder of data files.
        config: which of its configurations.
        split: by default ``train``, or the only one there is.

    Raises:
        InputError: where `datasets` is missing, the Hub cannot be reached, or it has no such data set.
    """
    name, _, revision = spec.removeprefix(HUB).partition("@")
    if not name:
        raise InputError("hf: needs the name of a data set, such as hf:openai/gsm8k")
    loaded = _load(name, config, revision or None)
    chosen = split or (DEFAULT_SPLIT if DEFAULT_SPLIT in loaded else next(iter(loaded)))
    if chosen not in loaded or (split is None and chosen != DEFAULT_SPLIT and len(loaded) > 1):
        raise InputError(f"{spec} has no split {chosen!r}; its splits are {', '.join(loaded)}: choose one with --split")
    # Pictures and sound stay bytes: decoding them needs libraries that nobody here uses.
    stream = loaded[chosen]
    stream = stream.decode(False) if stream.features else stream  # unknown before the first rows are read
    said = stream.info.license
    files = partial(_files, name, config, revision or None, chosen)
    return HubRows(f"{spec}:{chosen}", name, said if isinstance(said, str) and said else None, stream, files)


def _load(name: str, config: str | None, revision: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise InputError("hf:ID needs the package datasets: pip install datasets") from error
    from huggingface_hub.utils import logging

    # It tells of each retry, and datasets of each block that it cannot parse.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    datasets.logging.set_verbosity(CRITICAL)
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(name, config, revision=revision, streaming=True)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise InputError(f"the Hub has no data set {name!r} that it shows to you: {first_line(error)}") from error
    except (ConnectionError, TimeoutError) as error:
        fix = "go online, or name a file or a folder instead"
        raise InputError(f"the Hub cannot be reached for {name!r}: {first_line(error)}; {fix}") from error
    except Exception as error:  # of datasets, of Arrow, of pandas: a bad row among the first ends the loading, too
        splits = _data_files(name, config, revision) if _is_of_a_row(error) else {}
        if not any(map(_are_texts, splits.values())):
            raise InputError(f"{name!r} cannot be loaded: {first_line(error)}; see --config and --split") from error
        return {split: _Unloaded(error) for split in splits}


@dataclass(frozen=True)
class _Unloaded:
    """Stands for a stream that could not even be begun."""

    error: Exception
    features: None = None
    license: None = None

    @property
    def info(self) -> _Unloaded:
        return self

    def __iter__(self) -> Iterator[tuple[int, Found]]:
        raise self.error
