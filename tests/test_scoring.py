"""A student reads traces for curation, and nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

from workbench import scoring
from workbench.errors import InputError
from workbench.progress import silent
from workbench.scoring import StudentReader


def reader(student, folder, **settings):
    said: list[str] = []
    return StudentReader(student, said.append, silent, folder=folder, **settings), said


def test_what_was_read_comes_from_the_file(make_student, traces, tmp_path, monkeypatch) -> None:
    read, said = reader(make_student(), tmp_path)
    first = read(traces[:12])
    assert first.shape == (12, 4)
    assert np.isfinite(first[:, :3]).all()
    assert np.isnan(first[:, 3]).all()
    assert said[0].startswith("12 traces to read: about ")
    monkeypatch.setattr(scoring, "read_passages", lambda *_: pytest.fail("read again"))
    assert np.array_equal(read(traces[3:9]), first[3:9], equal_nan=True)


def test_an_interrupted_reading_goes_on(make_student, traces, tmp_path) -> None:
    read, _ = reader(make_student(), tmp_path)
    whole = read(traces[:10])
    (file,) = tmp_path.iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:4]) + lines[4][:20])
    again, said = reader(make_student(), tmp_path)
    assert np.allclose(again(traces[:10]), whole, atol=1e-4, equal_nan=True)
    assert said[0].startswith("6 traces to read")
    third, said = reader(make_student(), tmp_path)
    third(traces[:10])
    assert not said


def test_the_pass_rate_is_the_share_of_right_answers(make_student, traces, tmp_path, monkeypatch) -> None:
    read, said = reader(make_student(), tmp_path, tries=3, max_tokens=4)
    assert set(read(traces[:3])[:, 3]) == {0.0}  # a random model is never right
    assert any("3 problems to try 3 times" in line for line in said)
    monkeypatch.setattr(scoring, "Engine", lambda *_, **__: pytest.fail("tried again"))
    assert set(read(traces[:3])[:, 3]) == {0.0}


def test_another_student_has_another_file(make_student, traces, tmp_path) -> None:
    for kind in ("llama", "qwen2"):
        reader(make_student(kind), tmp_path)[0](traces[:2])
    assert len(list(tmp_path.iterdir())) == 2


def test_too_many_tries_are_refused(make_student, tmp_path) -> None:
    with pytest.raises(InputError, match="tries=1000 must be from 0 to 64"):
        reader(make_student(), tmp_path, tries=1000)
