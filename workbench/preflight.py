"""What this machine can do, and the exact fix for what is missing; answers where little can be imported."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from types import ModuleType

import psutil
from markupsafe import Markup
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from workbench import cli
from workbench.errors import first_line
from workbench.profiles import Profile
from workbench.profiles import profile as find_profile
from workbench.views.cards import Table

PACKAGE = "reasonbridge-workbench"
MEMORY_GB, DISK_GB = 6, 4
KEY_PACKAGES = ("torch", "numpy", "transformers", "peft", "safetensors", "pyarrow", "plotly", "ipywidgets", "gradio")
"""Shown one by one; of the others only what does not fit."""
OPTIONAL = ("unsloth",)
BF16_CAPABILITY = (8, 0)
"""Of Nvidia's GPUs; a T4 has 7.5."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    fix: str = ""
    """What to do, where it is not ok."""
    required: str = ""
    loaded: str = ""
    """The version of a package in this process, where it is loaded: pip may have changed the files since."""


@dataclass(frozen=True, slots=True, repr=False)
class Preflight:
    """All that was looked at; a notebook shows it as a table, everything else as text."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """True where nothing needs a fix."""
        return all(finding.ok for finding in self.findings)

    def table(self) -> Table:
        """Returns one row per finding; the last column is left out where nothing needs a fix."""
        columns = ("What", "", "Required", "Found", "Loaded", "What to do")
        rows = [
            (f.name, "ok" if f.ok else "FIX", f.required, f.found, f.loaded, "" if f.ok else f.fix)
            for f in self.findings
        ]
        width = len(columns) - self.ok
        alarms = frozenset(place for place, finding in enumerate(self.findings) if not finding.ok)
        return Table(columns[:width], tuple(row[:width] for row in rows), alarms=alarms)

    def lines(self) -> list[str]:
        """Returns the table as aligned text."""
        return str(self.table()).splitlines()

    def __repr__(self) -> str:
        return str(self.table())

    def _repr_html_(self) -> str:
        """The table, folded behind one line where all is well."""
        page = Markup('<details{}><summary style="cursor:pointer">{}</summary>{}</details>')
        return str(page.format(Markup("" if self.ok else " open"), self.summary, Markup(self.table()._repr_html_())))

    @property
    def summary(self) -> str:
        """The outcome in one line."""
        wrong = [finding.name for finding in self.findings if not finding.ok]
        if wrong:
            return f"✗ To be fixed before you go on: {', '.join(wrong)}"
        told = {finding.name: finding.found for finding in self.findings}
        facts = [f"{name} {told[name]}" for name in ("device", "profile", "memory") if name in told]
        return f"✓ Ready: {' · '.join(facts)} ({len(self.findings)} things looked at)"


def doctor(profile: str = "cpu") -> Preflight:
    """Looks at interpreter, packages, device, memory, disk, profile and the embedded student.

    Args:
        profile: the kind of machine that is meant to be used; see `workbench.profiles`.

    Raises:
        InputError: where there is no such profile.
    """
    machine = find_profile(profile)
    first = _accelerator(machine)
    looked = (_python(), *_packages(), *_device(machine), _memory(), _disk(), _student())
    return Preflight((*first, *looked))


def print_doctor(options: cli.Doctor) -> None:
    """Prints what this machine can do; exits with 1 where something required is missing."""
    found = doctor(options.profile)
    cli.show([asdict(finding) for finding in found.findings], as_json=options.json, lines=found.lines())
    if not found.ok:
        raise SystemExit(1)


def _accelerator(machine: Profile) -> list[Finding]:
    """Unsloth patches transformers as it is imported, so where it will be used it must come first."""
    if machine.backend != "unsloth":
        return []
    from workbench.acceleration import import_unsloth, why_not_unsloth

    try:
        if not why_not_unsloth():
            import_unsloth()
    except Exception as error:  # a broken installation fails in many ways, with one fix
        return [Finding("accelerator", False, first_line(error), f"{_pip()} --upgrade unsloth, or another profile")]
    return []


def _python() -> Finding:
    found = platform.python_version()
    return Finding("python", sys.version_info >= (3, 11), found, "install Python 3.11 or newer", ">=3.11")


def _packages() -> Iterator[Finding]:
    """Looks at the key packages one by one, and at the others together."""
    try:
        wanted = [Requirement(line) for line in requires(PACKAGE) or []]
    except PackageNotFoundError:
        yield Finding("packages", False, f"{PACKAGE} is not installed", f"{_pip()} -e .")
        return
    needed = [_package(requirement) for requirement in wanted if _applies(requirement)]
    yield from sorted((f for f in needed if f.name in KEY_PACKAGES), key=lambda f: KEY_PACKAGES.index(f.name))
    yield from (_optional(requirement) for requirement in wanted if requirement.name in OPTIONAL)
    rest = [finding for finding in needed if finding.name not in KEY_PACKAGES]
    wrong = [finding for finding in rest if not finding.ok]
    yield from wrong or [Finding("packages", True, f"{len(rest)} others that are required are installed")]


def _applies(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _package(requirement: Requirement) -> Finding:
    name, required = requirement.name, str(requirement.specifier)
    fix = f"{_pip()} '{name}{required}'"
    try:
        installed = version(name)
    except PackageNotFoundError:
        return Finding(name, False, "not installed", fix, required)
    loaded = _loaded_version(sys.modules.get(name))
    if loaded and not _same(loaded, installed):
        fix = f"{name} was changed on disk while it is loaded: restart the kernel before loading weights"
        return Finding(name, False, installed, fix, required, loaded)
    fits = requirement.specifier.contains(installed, prereleases=True)
    return Finding(name, fits, installed, f"{fix}, then restart the kernel" if loaded else fix, required, loaded)


def _optional(requirement: Requirement) -> Finding:
    finding = _package(Requirement(f"{requirement.name}{requirement.specifier}"))
    if finding.found == "not installed":
        return Finding(finding.name, True, "not installed; optional, for CUDA", required=finding.required)
    return finding


def _loaded_version(module: ModuleType | None) -> str:
    return str(getattr(module, "__version__", ""))


def _same(loaded: str, installed: str) -> bool:
    """A local part such as ``+cpu`` may stand in one of the two only."""
    try:
        return Version(loaded).public == Version(installed).public
    except InvalidVersion:
        return loaded == installed


def _pip() -> str:
    return "pip install -c constraints.txt" if Path("constraints.txt").exists() else "pip install"


def _device(machine: Profile) -> Iterator[Finding]:
    try:
        import torch
    except Exception as error:  # a torch whose libraries do not fit fails in many ways, with one fix
        yield Finding("device", False, f"torch cannot be imported ({first_line(error)})", f"{_pip()} torch")
        return
    if torch.cuda.is_available():
        name, capability = torch.cuda.get_device_name(), torch.cuda.get_device_capability()
        bf16 = capability >= BF16_CAPABILITY
        yield Finding("device", True, f"{name}, {torch.cuda.mem_get_info()[1] / 1e9:.0f} GB")
        yield Finding("dtype", True, "bf16" if bf16 else "fp16: this GPU has no bf16")
        yield _profile(machine, has_cuda=True, has_bf16=bf16)
        return
    idle = bool(shutil.which("nvidia-smi")) and torch.version.cuda is None
    fix = "this torch is built without CUDA: install one for your driver from https://pytorch.org"
    yield Finding("device", not idle, f"CPU, {torch.get_num_threads()} threads", fix)
    yield Finding("dtype", True, "fp32: bf16 is slower on most CPUs")
    yield _profile(machine, has_cuda=False, has_bf16=False)


def _profile(machine: Profile, *, has_cuda: bool, has_bf16: bool) -> Finding:
    if machine.device == "cuda" and not has_cuda:
        fix = 'set PROFILE = "cpu", or choose a machine with a GPU (on Colab: Runtime, Change runtime type)'
        return Finding("profile", False, f"{machine.name} needs a CUDA device", fix, machine.name)
    if machine.dtype == "bfloat16" and not has_bf16:
        fix = 'set PROFILE = "t4", which uses fp16'
        return Finding("profile", False, f"{machine.name} computes in bf16, which this GPU lacks", fix, machine.name)
    return Finding("profile", True, f"{machine.name}: {machine.dtype} on {machine.device}")


def _memory() -> Finding:
    free = psutil.virtual_memory().available / 1e9
    fix = f"close programs: the demo needs {MEMORY_GB} GB"
    return Finding("memory", free >= MEMORY_GB, f"{free:.1f} GB free", fix, f"{MEMORY_GB} GB")


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 1e9
    fix = f"free some space: the demo needs {DISK_GB} GB"
    return Finding("disk", free >= DISK_GB, f"{free:.1f} GB free here", fix, f"{DISK_GB} GB")


def _student() -> Finding:
    try:
        from workbench.students import DEFAULT_STUDENT, cache_folder
    except Exception as error:  # whatever stops transformers or peft from being imported
        return Finding("student", False, f"students cannot be loaded ({first_line(error)})", f"{_pip()} -e .")
    cached = (cache_folder() / "students" / DEFAULT_STUDENT / "model.safetensors").exists()
    found = f"{DEFAULT_STUDENT} is cached in {cache_folder()}" if cached else f"{DEFAULT_STUDENT} will be fetched once"
    return Finding("student", True, found)
