from __future__ import annotations

import errno
import json

import pytest

from workbench.errors import StorageError
from workbench.files import atomic_path, write_text
from workbench.runs import open_run


def count_into(calls):
    def work(folder):
        calls.append(folder)
        write_text(folder / "out.txt", f"made {len(calls)}")

    return work


def test_a_finished_stage_is_reused_and_a_changed_one_is_done_again(tmp_path):
    calls: list = []
    with open_run(tmp_path, arguments={}) as run:
        first = run.stage("a", {"seed": 0}, count_into(calls))
        again = run.stage("a", {"seed": 0}, count_into(calls))
        changed = run.stage("a", {"seed": 1}, count_into(calls))
    assert [first.reused, again.reused, changed.reused] == [False, True, False]
    assert again.seconds == first.seconds
    assert first.fingerprint == again.fingerprint != changed.fingerprint
    assert len(calls) == 2


@pytest.mark.parametrize("damage", ["edit", "delete", "stamp"])
def test_a_stage_with_damaged_outputs_is_done_again(tmp_path, damage):
    calls: list = []
    with open_run(tmp_path, arguments={}) as run:
        run.stage("a", {}, count_into(calls))
        target = tmp_path / "a" / ("stage.json" if damage == "stamp" else "out.txt")
        target.unlink() if damage == "delete" else target.write_text("something else")
        assert not run.stage("a", {}, count_into(calls)).reused


def test_an_interrupted_stage_gets_its_folder_back_only_for_the_same_inputs(tmp_path):
    seen = []

    def interrupted(folder):
        seen.append(sorted(p.name for p in folder.iterdir() if p.name == "half.txt"))
        (folder / "half.txt").write_text("half")
        raise KeyboardInterrupt

    with open_run(tmp_path, arguments={}) as run:
        for inputs in ({"seed": 0}, {"seed": 0}, {"seed": 1}):
            with pytest.raises(KeyboardInterrupt):
                run.stage("a", inputs, interrupted)
        assert not (tmp_path / "a" / "stage.json").exists()
    assert seen == [[], ["half.txt"], []]


def test_a_full_disk_is_one_clear_line_and_nothing_half_written(tmp_path):
    def full(folder):
        with atomic_path(folder / "out.txt") as temporary:
            temporary.write_text("half of it")
            raise OSError(errno.ENOSPC, "No space left on device")

    with open_run(tmp_path, arguments={}) as run:
        with pytest.raises(StorageError, match="free some space"):
            run.stage("a", {}, full)
        assert not [p for p in (tmp_path / "a").iterdir() if not p.name.startswith(".open")]


def test_one_run_at_a_time(tmp_path):
    with (
        open_run(tmp_path, arguments={}),
        pytest.raises(StorageError, match="in use"),
        open_run(tmp_path, arguments={}),
    ):
        pass


def test_the_manifest_says_with_what_it_was_made(tmp_path):
    with open_run(tmp_path, arguments={"seed": 3}):
        pass
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["arguments"] == {"seed": 3}
    assert manifest["versions"]["torch"].startswith("2.")
    assert {"git_commit", "platform"} <= set(manifest)


def test_an_atomic_write_keeps_the_old_file_when_it_fails(tmp_path):
    path = write_text(tmp_path / "x.json", "old")

    def failing() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        failing()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]
