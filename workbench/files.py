"""Bytes on disk: written whole or not at all, and known by their hash."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import InputError, StorageError, first_line

_FULL = re.compile(r"os error 28|StorageFull|No space left on device|Disk quota exceeded")
_STORAGE_ERRNOS = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EFBIG}


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turns a full, read-only or forbidden disk into one clear line.

    Raises:
        StorageError: where the operating system refused to write at ``path``.
    """
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        # Libraries that write by themselves wrap the system's error in one of their own.
        full = _FULL.search(str(error)) is not None or getattr(error, "errno", None) in {errno.ENOSPC, errno.EDQUOT}
        if not full and getattr(error, "errno", None) not in _STORAGE_ERRNOS:
            raise
        reason = "no space left on the disk" if full else first_line(error)
        fix = "free some space" if full else "choose another --out"
        raise StorageError(f"cannot write {path}: {reason}; {fix} and run again") from error


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yields a temporary name beside ``path`` and renames it over ``path`` on success.

    The temporary name keeps the suffix, since writers choose the format by it. It may become a file
    or a folder. After any failure, Ctrl-C included, the temporary is removed and ``path`` is as it was.

    Raises:
        StorageError: where the disk refused.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            if path.is_dir() and temporary.is_dir():
                shutil.rmtree(path)
            temporary.replace(path)
    finally:
        remove(temporary)


def write_text(path: Path | str, text: str) -> Path:
    """Writes ``text`` as UTF-8 under ``path``, atomically, and returns the path."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return Path(path)


def remove(path: Path) -> None:
    """Deletes a file or a folder; a missing one is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def file_hash(path: Path | str) -> str:
    """Returns the sha256 of a file, in hexadecimal."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def text_hash(*parts: object) -> str:
    """Returns the sha256 of the parts' texts, each set apart, in hexadecimal.

    >>> text_hash("a", "b") == text_hash("ab")
    False
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).hexdigest()


def existing_file(path: Path | str) -> Path:
    """Returns ``path`` when it is a readable file.

    Raises:
        InputError: naming the path, where it is missing or a folder.
    """
    path = Path(path)
    if path.is_dir():
        raise InputError(f"{path} is a folder; name a file in it")
    if not path.exists():
        raise InputError(f"{path} does not exist; check the spelling or the working folder ({Path.cwd()})")
    return path
