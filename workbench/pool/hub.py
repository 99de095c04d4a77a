"""Data sets of the Hugging Face Hub, streamed with `datasets`; no code of theirs is run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.errors import InputError, first_line
from workbench.records import Found

HUB = "hf:"
DEFAULT_SPLIT = "train"


@dataclass(frozen=True, slots=True)
class HubRows:
    """One split's rows, from its first row each time they are asked for."""

    name: str
    data_set: str
    license: str | None
    stream: Any
    """A `datasets.IterableDataset`."""
    is_table: bool = False

    def __iter__(self) -> Iterator[tuple[int, Found]]:
        """Yields each row with its number from 1.

        Raises:
            InputError: where the stream breaks off; nothing of it is kept then.
        """
        from datasets.exceptions import DatasetsError

        number = 0
        try:
            for number, row in enumerate(self.stream, 1):
                yield number, row
        except (DatasetsError, OSError, ValueError, RuntimeError) as error:
            raise InputError(f"{self.name} broke off after row {number:,}: {first_line(error)}; try again") from error


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
    return HubRows(f"{spec}:{chosen}", name, said if isinstance(said, str) and said else None, stream)


def _load(name: str, config: str | None, revision: str | None) -> Any:
    try:
        import datasets
    except ImportError as error:
        raise InputError("hf:ID needs the package datasets: pip install datasets") from error
    from huggingface_hub.utils import logging

    # It tells of each retry.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    datasets.disable_progress_bars()
    try:
        return datasets.load_dataset(name, config, revision=revision, streaming=True)
    except datasets.exceptions.DatasetNotFoundError as error:
        raise InputError(f"the Hub has no data set {name!r} that it shows to you: {first_line(error)}") from error
    except (ConnectionError, TimeoutError) as error:
        fix = "go online, or name a file or a folder instead"
        raise InputError(f"the Hub cannot be reached for {name!r}: {first_line(error)}; {fix}") from error
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{name!r} cannot be loaded: {first_line(error)}; see --config and --split") from error
