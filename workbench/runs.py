"""A run's folder: its manifest, and stages that are done once and picked up where they stopped."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from workbench.errors import StorageError
from workbench.files import file_hash, remove, storage_errors, text_hash, write_text

STAMP = "stage.json"
"""Written last, so that a stage folder without it is unfinished."""
_OPEN = ".open.json"

VERSIONED = ("torch", "transformers", "peft", "reasoning_gym", "numpy", "reasonbridge-workbench")


@dataclass(frozen=True, slots=True)
class Stage:
    """A finished stage."""

    name: str
    folder: Path
    fingerprint: str
    """Of its inputs and arguments; the next stage's inputs include it."""
    seconds: float
    """What it took when it was done; a reused stage keeps this."""
    reused: bool


@dataclass(frozen=True, slots=True)
class Run:
    """A folder with one sub-folder per stage."""

    folder: Path

    def stage(self, name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> Stage:
        """Does a stage, unless it stands already with the same inputs and whole outputs.

        An interrupted stage with the same inputs is given its own folder back, so that ``work`` can
        go on from what it finds there; with other inputs the folder is cleared first.

        Args:
            name: of the stage and its sub-folder.
            inputs: JSON values that decide the outcome: arguments, hashes, earlier fingerprints.
            work: writes the outputs into the folder that it is given.
        """
        folder = self.folder / name
        fingerprint = text_hash(name, json.dumps(inputs, sort_keys=True), *_versions().items())
        stamp = _read(folder / STAMP)
        if stamp.get("fingerprint") == fingerprint and _intact(folder, stamp["outputs"]):
            return Stage(name, folder, fingerprint, stamp["seconds"], reused=True)
        seconds = self._work(folder, fingerprint, work)
        outputs = {str(path.relative_to(folder)): file_hash(path) for path in _outputs(folder)}
        stamp = {"fingerprint": fingerprint, "seconds": round(seconds, 2), "inputs": inputs, "outputs": outputs}
        write_text(folder / STAMP, json.dumps(stamp, indent=1))
        for scratch in folder.rglob(".*"):
            remove(scratch)
        return Stage(name, folder, fingerprint, stamp["seconds"], reused=False)

    def _work(self, folder: Path, fingerprint: str, work: Callable[[Path], None]) -> float:
        """Runs ``work`` and returns the seconds spent on it, those before an interruption included."""
        before = _read(folder / _OPEN)
        if before.get("fingerprint") != fingerprint:
            remove(folder)
            before = {}
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            remove(folder / STAMP)
            started, spent = time.monotonic(), float(before.get("seconds", 0.0))
            _write_open(folder, fingerprint, spent)
            try:
                work(folder)
            except BaseException:
                _write_open(folder, fingerprint, spent + time.monotonic() - started)
                raise
        return spent + time.monotonic() - started


def _write_open(folder: Path, fingerprint: str, seconds: float) -> None:
    (folder / _OPEN).write_text(json.dumps({"fingerprint": fingerprint, "seconds": seconds}), encoding="utf-8")


def _outputs(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(".") and p.name != STAMP)


def _intact(folder: Path, outputs: dict[str, str]) -> bool:
    return all((folder / name).is_file() and file_hash(folder / name) == digest for name, digest in outputs.items())


def _read(path: Path) -> dict[str, Any]:
    """A small JSON file; a missing or damaged one says nothing."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


@contextmanager
def open_run(folder: Path | str, *, arguments: dict[str, Any]) -> Iterator[Run]:
    """Opens a run's folder for one process at a time and writes its manifest.

    Raises:
        StorageError: where another process works in it, or the disk refuses.
    """
    folder = Path(folder)
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout as error:
            raise StorageError(f"{folder} is in use by another run; wait for it or choose another --out") from error
    try:
        for left in folder.glob(".*.tmp*"):  # by a process that was killed while it wrote
            remove(left)
        write_text(folder / "manifest.json", json.dumps(_manifest(arguments), indent=1))
        yield Run(folder)
    finally:
        lock.release()


def _manifest(arguments: dict[str, Any]) -> dict[str, Any]:
    return {
        "schema": "workbench.manifest/1",
        "arguments": arguments,
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": f"{platform.system()} {platform.machine()}",
        "command": Path(sys.argv[0]).name,
        "git_commit": _git_commit(),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def _git_commit() -> str | None:
    """The commit of the package's own checkout; ``None`` where it was installed otherwise."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return None
    done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return done.stdout.strip() or None
