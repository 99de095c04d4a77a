from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from workbench.errors import StorageError
from workbench.files import file_hash, storage_errors, text_hash


class LibraryError(Exception):
    """Stands for what a library that writes by itself raises."""


@pytest.mark.parametrize(
    "said",
    [
        "IoError(Os { code: 28, kind: StorageFull })",
        "[Errno 28] No space left on device",
        "Disk quota exceeded (os error 122)",
    ],
)
def test_a_full_disk_is_known_through_a_librarys_own_error(tmp_path, said):
    with pytest.raises(StorageError, match="free some space"), storage_errors(tmp_path / "x"):
        raise LibraryError(said)


def test_other_errors_pass_as_they_are(tmp_path):
    with pytest.raises(LibraryError), storage_errors(tmp_path / "x"):
        raise LibraryError("something else")


def test_hashes_set_their_parts_apart(tmp_path):
    (tmp_path / "x").write_bytes(b"")
    assert file_hash(tmp_path / "x").startswith("e3b0c442")
    assert text_hash("ab", "c") != text_hash("a", "bc")


@pytest.mark.skipif(shutil.which("mount") is None or os.geteuid() != 0, reason="only root mounts a small disk")
@pytest.mark.parametrize("size", ["100k", "6m"])
def test_the_demo_on_a_disk_that_fills_up_is_one_line_and_goes_on_elsewhere(tiny_folder, tmp_path, size):
    """A real small file system: too small for the pool, or for what comes after it."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", disk], check=False).returncode:
        pytest.skip("this system lets nobody mount")
    try:
        sizes = ["--pool-size", "3000", "--size", "400", "--per-family", "2", "--epochs", "1"]
        command = [
            sys.executable,
            "-m",
            "workbench",
            "demo",
            "--student",
            str(tiny_folder),
            "--out",
            str(disk / "demo"),
        ]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run([*command, *sizes], env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 4, done.stderr[-2000:]
        assert done.stderr.splitlines()[-1].startswith("workbench: cannot write")
        assert "Traceback" not in done.stderr
        left = [
            path for path in disk.rglob("*") if path.is_file() and path.suffix in {".parquet", ".safetensors", ".html"}
        ]
        assert all(path.stat().st_size for path in left)
    finally:
        subprocess.run(["umount", disk], check=False)
