"""environment.yml gives conda users what pyproject.toml gives everybody else: the same names, the same bounds."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
NOT_FOR_ALL = {"unsloth"}
"""Extras that only some machines can have."""
CONDA = {"python", "pip", "make", "c-compiler"}


def pip_lines() -> list[str]:
    (section,) = [entry["pip"] for entry in ENVIRONMENT["dependencies"] if isinstance(entry, dict)]
    return list(section)


def bounds(requirements: list[str]) -> dict[str, SpecifierSet]:
    parsed = [Requirement(line) for line in requirements]
    assert len({canonicalize_name(each.name) for each in parsed}) == len(parsed), "each once"
    return {canonicalize_name(each.name): each.specifier for each in parsed}


def test_every_dependency_is_there_with_its_bounds_and_nothing_else():
    extras = PROJECT["optional-dependencies"]
    assert extras.keys() >= NOT_FOR_ALL
    wanted = [*PROJECT["dependencies"], *(line for name in extras.keys() - NOT_FOR_ALL for line in extras[name])]
    given = [line for line in pip_lines() if not line.startswith("-")]
    assert bounds(given) == bounds(wanted)


def test_the_pins_are_used_and_the_folder_is_installed_last():
    lines = pip_lines()
    assert lines[0] == "-c constraints.txt"
    assert (ROOT / "constraints.txt").exists()
    assert lines[-1] == "-e ."
    assert [line for line in lines if line.startswith("-")] == [lines[0], lines[-1]]


def test_python_is_one_that_the_project_takes():
    (python,) = [Requirement(line) for line in ENVIRONMENT["dependencies"] if str(line).startswith("python")]
    assert "3.11" in python.specifier
    assert "3.12" in python.specifier
    for minor in range(8, 20):
        if f"3.{minor}" in python.specifier:
            assert f"3.{minor}" in SpecifierSet(PROJECT["requires-python"])


def test_only_tools_come_from_conda_and_from_its_free_channel():
    names = {Requirement(entry).name for entry in ENVIRONMENT["dependencies"] if isinstance(entry, str)}
    assert names == CONDA
    assert ENVIRONMENT["channels"] == ["conda-forge", "nodefaults"]


@pytest.mark.parametrize("line", [line for line in pip_lines() if not line.startswith("-")])
def test_every_dependency_is_pinned_within_its_bounds(line):
    pins = bounds([pin for pin in (ROOT / "constraints.txt").read_text().splitlines() if pin and pin[0] != "#"])
    wanted = Requirement(line)
    name = canonicalize_name(wanted.name)
    assert name in pins, "make setup and conda would install whatever is newest"
    (pin,) = pins[name]
    assert pin.version in wanted.specifier
