"""What this machine can do, and the exact fix for what is missing."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

import psutil
from packaging.requirements import Requirement

from workbench import cli

PACKAGE = "reasonbridge-workbench"
MEMORY_GB, DISK_GB = 6, 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    fix: str = ""


def doctor(options: cli.Doctor) -> None:
    """Prints what this machine can do; exits with 1 where something required is missing."""
    findings = examine()
    lines = [f"{'ok  ' if f.ok else 'FIX '} {f.name:<12} {f.found}{'' if f.ok else '  ->  ' + f.fix}" for f in findings]
    cli.show([asdict(finding) for finding in findings], as_json=options.json, lines=lines)
    if not all(finding.ok for finding in findings):
        raise SystemExit(1)


def examine() -> list[Finding]:
    """Looks at interpreter, packages, device, memory, disk and the embedded student."""
    return [_python(), *_packages(), _device(), _memory(), _disk(), _student()]


def _python() -> Finding:
    return Finding("python", sys.version_info >= (3, 11), platform.python_version(), "install Python 3.11 or newer")


def _packages() -> list[Finding]:
    """Compares what is installed with what the package requires; reports only what does not fit."""
    try:
        wanted = [Requirement(line) for line in requires(PACKAGE) or []]
    except PackageNotFoundError:
        return [Finding("packages", False, f"{PACKAGE} is not installed", "pip install -c constraints.txt -e .")]
    needed = [
        requirement for requirement in wanted if not requirement.marker or requirement.marker.evaluate({"extra": ""})
    ]
    wrong = [finding for requirement in needed if (finding := _misfit(requirement))]
    return wrong or [Finding("packages", True, f"{len(needed)} required packages are installed")]


def _misfit(requirement: Requirement) -> Finding | None:
    fix = f"pip install -c constraints.txt '{requirement}'"
    try:
        found = version(requirement.name)
    except PackageNotFoundError:
        return Finding(requirement.name, False, "not installed", fix)
    return (
        None
        if requirement.specifier.contains(found, prereleases=True)
        else Finding(requirement.name, False, found, fix)
    )


def _device() -> Finding:
    try:
        import torch
    except ImportError as error:
        return Finding("device", False, f"torch cannot be imported ({error})", "pip install -c constraints.txt torch")
    if torch.cuda.is_available():
        name, capability = torch.cuda.get_device_name(), torch.cuda.get_device_capability()
        dtype = "bf16" if capability >= (8, 0) else "fp16 (no bf16)"
        return Finding("device", True, f"{name}, {torch.cuda.mem_get_info()[1] / 1e9:.0f} GB, {dtype}")
    return Finding("device", True, f"CPU, {torch.get_num_threads()} threads, fp32: use the cpu profile")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    return Finding("memory", free >= MEMORY_GB, f"{free:.1f} GB free", f"close programs: the demo needs {MEMORY_GB} GB")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    return Finding("disk", free >= DISK_GB, f"{free:.1f} GB free here", f"free some space: the demo needs {DISK_GB} GB")


def _student() -> Finding:
    try:
        from workbench.students import DEFAULT_STUDENT, cache_folder
    except ImportError as error:
        return Finding("student", False, f"students cannot be loaded ({error})", "pip install -c constraints.txt -e .")
    cached = (cache_folder() / "students" / DEFAULT_STUDENT / "model.safetensors").exists()
    found = f"{DEFAULT_STUDENT} is cached in {cache_folder()}" if cached else f"{DEFAULT_STUDENT} will be fetched once"
    return Finding("student", True, found)
