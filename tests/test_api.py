"""What a notebook types, from pool to answer, with a tiny student; and what `import workbench` costs."""

from __future__ import annotations

import subprocess
import sys

import pytest

import workbench as wb


def test_importing_the_package_needs_no_torch():
    code = "import sys, workbench; dir(workbench); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_every_public_name_can_be_used_and_an_unknown_one_says_so():
    for name in wb.__all__:
        assert getattr(wb, name) is not None
    with pytest.raises(AttributeError, match="nothing_like_it"):
        wb.nothing_like_it  # noqa: B018


def test_the_bridge_in_six_lines(saved_student, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pool = wb.embedded_pool(size=200, seed=0)
    curated = wb.curate(pool, size=30, student=str(saved_student))
    assert curated.kept == 30
    config = {"epochs": 1, "first_layer": 2, "max_tokens": 2_000}
    student = wb.distill(curated, student=str(saved_student), budget=0.05, **config)
    guided = wb.Guidance([wb.PlanFirst(), wb.Verify(), wb.Budget(max_tokens=32)])
    completion = wb.solve("1 + 1 = ?", student, guided, max_tokens=32)
    assert completion.text.startswith("Plan:")
    assert completion.events[0].intervention == "PlanFirst"
    measured = wb.evaluate(student, guidance=guided, per_family=1)
    assert set(measured["groups"]["seen"]["accuracy"]) == {"base", "student", "student_guided"}
    assert measured["groups"]["all"]["teacher"] == 1.0
    assert wb.plot_families(measured["families"]).data
