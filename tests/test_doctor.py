"""What the preflight tells: what is required, what is installed, what is loaded, and the exact fix."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
from types import SimpleNamespace

import pytest

import workbench as wb
from workbench import preflight
from workbench.errors import InputError

WITHOUT_TORCH = """
import importlib.abc, sys
class Broken(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "transformers", "peft"}:
            raise OSError(f"lib{name}.so: cannot open shared object file")
sys.meta_path.insert(0, Broken())
from workbench.cli import main
main(["doctor", "--json"])
"""


@pytest.fixture
def gpu(monkeypatch):
    """Makes torch tell of a GPU of some capability; the card itself is nowhere needed."""
    import torch

    def present(capability: tuple[int, int]) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a <fast> card")
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (15e9, 16e9))

    return present


def findings(profile: str = "cpu") -> dict[str, preflight.Finding]:
    return {finding.name: finding for finding in wb.doctor(profile).findings}


def test_key_packages_are_shown_one_by_one_with_three_versions():
    found = findings()
    for name in preflight.KEY_PACKAGES:
        assert found[name].found == importlib.metadata.version(name)
    assert found["plotly"].required == ">=7"
    assert found["numpy"].loaded == sys.modules["numpy"].__version__
    assert "others that are required are installed" in found["packages"].found
    assert {"python", "device", "dtype", "profile", "memory", "disk", "student"} <= found.keys()


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_a_package_exchanged_under_the_running_process_is_found(name, monkeypatch):
    __import__(name)
    real = importlib.metadata.version
    monkeypatch.setattr(preflight, "version", lambda asked: "1.0.0" if asked == name else real(asked))
    found = wb.doctor()
    finding = next(finding for finding in found.findings if finding.name == name)
    assert (finding.ok, finding.found, finding.loaded) == (False, "1.0.0", sys.modules[name].__version__)
    assert "restart the kernel before loading weights" in finding.fix
    assert not found.ok
    assert name in found.summary


def test_a_local_part_of_a_version_is_no_exchange(monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", SimpleNamespace(__version__="9.9.0+cu130"))
    monkeypatch.setattr(preflight, "version", lambda name: "9.9.0")
    assert preflight._package(preflight.Requirement("peft")).ok
    monkeypatch.setattr(preflight, "version", lambda name: "9.9.1")
    assert not preflight._package(preflight.Requirement("peft")).ok


def test_missing_and_old_packages_come_with_the_command_that_mends_them(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    missing = preflight._package(preflight.Requirement("no-such-package-here>=3"))
    assert (missing.ok, missing.found, missing.fix) == (
        False,
        "not installed",
        "pip install 'no-such-package-here>=3'",
    )
    old = preflight._package(preflight.Requirement("numpy>=9999"))
    assert not old.ok
    assert old.fix == "pip install 'numpy>=9999', then restart the kernel"
    (tmp_path / "constraints.txt").touch()
    assert preflight._package(preflight.Requirement("numpy>=9999")).fix.startswith("pip install -c constraints.txt")


def test_unsloth_may_be_missing():
    finding = findings()["unsloth"]
    assert finding.ok
    assert finding.required.startswith(">=2026")


def test_a_gpu_profile_without_a_gpu_names_both_ways_out():
    finding = findings("t4")["profile"]
    assert not finding.ok
    assert 'PROFILE = "cpu"' in finding.fix
    assert "Colab" in finding.fix


def test_a_t4_has_no_bf16(gpu):
    gpu((7, 5))
    assert findings("t4")["dtype"].found == "fp16: this GPU has no bf16"
    assert findings("t4")["profile"].ok
    refused = findings("l4")["profile"]
    assert (refused.ok, refused.fix) == (False, 'set PROFILE = "t4", which uses fp16')
    gpu((8, 9))
    assert findings("l4")["dtype"].found == "bf16"
    assert findings("l4")["profile"].ok


def test_an_unknown_profile_lists_the_known_ones():
    with pytest.raises(InputError, match="cpu, t4, l4, a100, h100"):
        wb.doctor("v100")


def test_a_notebook_gets_a_table_and_outside_text_in_it_is_text(gpu):
    gpu((8, 0))
    found = wb.doctor()
    page = found._repr_html_()
    assert page.count("<tr") == len(found.findings) + 1
    assert "a &lt;fast&gt; card" in page
    assert "<fast>" not in page
    assert page.startswith("<details><summary")
    assert wb.doctor("cpu").table()._repr_html_().count("<tr") == len(found.findings) + 1


def test_the_table_opens_and_advises_only_where_something_is_wrong():
    wrong, right = wb.doctor("a100"), wb.doctor()
    assert right.ok, str(right)
    assert wrong._repr_html_().startswith("<details open>")
    assert ("What to do" in str(wrong), "What to do" in str(right)) == (True, False)
    assert right.summary.startswith("✓ Ready: device CPU")


def test_text_is_aligned():
    header, *rows = wb.doctor().lines()
    place = header.index("Found")
    assert all(row[place - 2 : place].strip() == "" for row in rows)
    assert repr(wb.doctor()).splitlines()[0] == header


def test_it_answers_where_the_heavy_libraries_cannot_be_imported(tmp_path):
    command = [sys.executable, "-c", WITHOUT_TORCH]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    found = {finding["name"]: finding for finding in json.loads(done.stdout)}
    assert done.returncode == 1
    assert "libtorch.so" in found["device"]["found"]
    assert found["device"]["fix"] == "pip install torch"
    assert not found["student"]["ok"]
    assert found["plotly"]["ok"]


def test_looking_twice_is_possible():
    assert wb.doctor().findings[0] == wb.doctor().findings[0]
