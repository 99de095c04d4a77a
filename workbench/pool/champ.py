"""CHAMP (Mao, Kim and Zhou 2024, arXiv 2406.18321), from its PyPI package: 270 competition problems.

Concepts and hints are the strategy, the annotated solution's steps the tactics; there is no check. CHAMP is
itself a benchmark: whoever trains on these traces must not report it, which each problem's metadata says.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

import msgspec

from workbench.errors import InputError
from workbench.records import Problem, Step, Trace

PACKAGE, MODULE = "champ-dataset", "champ_dataset"
CREATED = "2024-01-10"
"""The date of the package's data."""
_DOMAINS = {"Number-Theory": "number theory", "Combinatorics": "probability and combinatorics"}


class _Text(msgspec.Struct):
    text: str = msgspec.field(name="_text")


class _Solution(msgspec.Struct):
    steps: list[_Text]


class _Item(msgspec.Struct):
    category: str
    solution: _Solution
    ch_list: list[str]
    text: str = msgspec.field(name="_text")
    answer: str = msgspec.field(name="_answer")


class _Champ(msgspec.Struct):
    problems: dict[str, _Item]
    concepts: dict[str, _Text]
    hints: dict[str, _Text]


@cache
def champ_traces() -> tuple[Trace, ...]:
    """Returns CHAMP's problems with their annotated solutions, in the package's order.

    Raises:
        InputError: where the package is not installed, or its file is not what it was.
    """
    path = _data_file()
    try:
        # The file also holds recorded conversations, 70 MB, which are not even decoded.
        champ = msgspec.json.decode(path.read_bytes(), type=_Champ)
        release = version(PACKAGE)
    except (OSError, msgspec.DecodeError, PackageNotFoundError) as error:
        raise InputError(f"{path} cannot be read ({error}); install {PACKAGE}==1.0.0 again") from error
    return tuple(_trace(name, item, champ, release) for name, item in champ.problems.items())


def _data_file() -> Path:
    """The data file, found without running the package's own code."""
    found = find_spec(MODULE)
    if found is None or found.origin is None:
        raise InputError(f"CHAMP is not installed; pip install {PACKAGE}==1.0.0, or leave it out")
    return Path(found.origin).parent / "dataset_files" / "v0.json"


def _trace(name: str, item: _Item, champ: _Champ, release: str) -> Trace:
    known = {**champ.concepts, **champ.hints}
    strategy = " ".join(known[key].text for key in item.ch_list if key in known)
    tactics = tuple(Step(role="tactic", text=step.text) for step in item.solution.steps)
    problem = Problem(
        id=f"champ-{name}",
        question=item.text,
        answer=item.answer,
        domain=_DOMAINS.get(item.category, "algebra"),
        source="champ",
        license="MIT",
        metadata={"answer_type": "math", "category": item.category, "benchmark": "CHAMP"},
    )
    return Trace(
        id=f"annotated-{problem.id}",
        problem=problem,
        teacher="champ",
        model_version=f"{PACKAGE} {release}",
        created=CREATED,
        steps=(Step(role="strategy", text=strategy), *tactics) if strategy else tactics,
        answer=item.answer,
        is_correct=True,
    )
