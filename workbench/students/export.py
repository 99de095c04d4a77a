"""A student as others load it: its adapter, or whole weights that need nothing of the workbench."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch

from workbench.errors import InputError, StudentError
from workbench.files import atomic_path
from workbench.students.resolve import EMBEDDED, TRAINING_RECORD, resolve_student
from workbench.students.student import Student, load_student

Format = Literal["merged", "peft"]
Precision = Literal["float32", "float16", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    folder: Path
    format: str
    files: tuple[str, ...]
    bytes: int


def export_student(
    name: str | Path, out: Path | str, format: Format = "merged", dtype: Precision = "float32"
) -> Exported:
    """Writes a student into a folder of its own.

    Args:
        name: a distilled student's folder, or any student that `load_student` knows.
        out: the folder to write, whole or not at all.
        format: ``merged`` adds the adapter to its base and writes whole weights with tokenizer and model card,
            for plain transformers, vLLM and the like; ``peft`` copies the adapter's folder as it is.
        dtype: of merged weights. They are added up in fp32 first; only fp32 keeps every greedy token.

    Raises:
        InputError: where ``out`` is the student itself or not empty, or the format is unknown.
        StudentError: where the student cannot be found, or has no adapter to copy.
        StorageError: where the disk refused.
    """
    out = Path(out)
    if format not in get_args(Format) or dtype not in get_args(Precision):
        raise InputError(f"no format {format!r} in {dtype!r}; formats are merged and peft, in {get_args(Precision)}")
    source = resolve_student(str(name))
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out} is not empty; choose another --out")
    if format == "peft":
        if not (source.path / "adapter_config.json").exists():
            raise StudentError(f"{name} has no adapter to copy; export it as merged")
        with atomic_path(out) as temporary:
            shutil.copytree(source.path, temporary, ignore=lambda _, names: {n for n in names if n.startswith(".")})
    else:
        student = load_student(name)
        with atomic_path(out) as temporary:
            _write_merged(student, temporary, dtype)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return Exported(
        out, format, tuple(str(file.relative_to(out)) for file in files), sum(f.stat().st_size for f in files)
    )


def _write_merged(student: Student, folder: Path, dtype: Precision) -> None:
    base_name = student.name
    model = student.model
    if student.has_adapter:
        base_name = str(model.peft_config["default"].base_model_name_or_path)
        model = model.merge_and_unload()
    model.set_attn_implementation("sdpa")  # ours is not known elsewhere
    model.to(getattr(torch, dtype))
    model.save_pretrained(folder)
    _with_end(student.tokenizer, model).save_pretrained(folder)
    for kept in (TRAINING_RECORD, "adapter.json"):
        if (student.source.path / kept).exists():
            shutil.copy2(student.source.path / kept, folder / kept)
    (folder / "README.md").write_text(model_card(base_name, folder, dtype), encoding="utf-8")


def _with_end(tokenizer: Any, model: Any) -> Any:
    """The tokenizer names the token that ends an answer; some files name another, and servers believe them."""
    end, pad = model.generation_config.eos_token_id, model.config.get_text_config().pad_token_id
    if isinstance(end, int):
        tokenizer.eos_token = tokenizer.convert_ids_to_tokens(end)
    if tokenizer.pad_token is None and isinstance(pad, int):
        tokenizer.pad_token = tokenizer.convert_ids_to_tokens(pad)
    return tokenizer


def model_card(base_name: str, folder: Path, dtype: str) -> str:
    """Returns ``README.md``: what the student is, learnt from, and what it does not promise.

    Args:
        base_name: what it was distilled from.
        folder: holds ``training.json`` and ``adapter.json`` where the student has them.
        dtype: of the weights.
    """
    training, audit = _json(folder / TRAINING_RECORD), _json(folder / "adapter.json")
    note = _base_note(base_name)
    return "\n".join(
        [
            "---",
            "library_name: transformers",
            "pipeline_tag: text-generation",
            "tags: [reasoning, distillation]",
            "---",
            "",
            f"# {_plain(Path(base_name).name)}, taught to reason",
            "",
            f"A student distilled from {_plain(base_name)}, its adapter merged into the weights ({dtype}).{note}",
            "",
            *_budget_lines(audit),
            *_data_lines(training),
            *_LIMITS,
            *_USE,
        ]
    )


def _base_note(base_name: str) -> str:
    return f" The base is {EMBEDDED[base_name].note}." if base_name in EMBEDDED else ""


def _budget_lines(audit: Mapping[str, Any]) -> list[str]:
    if not audit:
        return []
    trained, base, share = (audit[name] for name in ("trained_parameters", "base_parameters", "trained_fraction"))
    return ["## Budget", "", f"{trained:,} of {base:,} parameters were trained ({share:.4%}).", ""]


def _data_lines(training: Mapping[str, Any]) -> list[str]:
    if not training:
        return ["## Data", "", "Not recorded.", ""]
    lines = ["## Data", "", f"{training['traces']:,} traces; {training['unverified']:,} of them with an answer that"]
    lines += ["nobody verified.", "", "| | |", "|---|---|"]
    for title, name in (("teachers", "teacher"), ("sources", "source"), ("licences", "license")):
        counts = ", ".join(f"{_plain(key)} ({count:,})" for key, count in training[name].items())
        lines.append(f"| {title} | {counts} |")
    settings = ", ".join(f"{name} {_plain(str(value))}" for name, value in training.get("settings", {}).items())
    return [*lines, f"| settings | {settings} |", ""]


_LIMITS = [
    "## Limits",
    "",
    "It learnt from few traces and is better at the kinds of problems that were taught, if at all: measure it on",
    "problems that it has not seen (`training.json` holds the hashes of those that it has) before relying on it.",
    "Where the teacher is `worked`, the traces are programs' solutions, not a language model's. Where it is a language",
    "model, its provider may restrict what its outputs may train. The base's own licence and limits hold as well.",
    "",
]
_USE = [
    "## Use",
    "",
    "```python",
    "from transformers import AutoModelForCausalLM, AutoTokenizer",
    "",
    'tokenizer = AutoTokenizer.from_pretrained("FOLDER")',
    'model = AutoModelForCausalLM.from_pretrained("FOLDER")',
    'chat = [{"role": "user", "content": "How many legs do 3 dogs and 2 birds have?"}]',
    'inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)',
    "print(tokenizer.decode(model.generate(**inputs, max_new_tokens=200, do_sample=False)[0]))",
    "```",
    "",
]


def _json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else {}


def _plain(text: str) -> str:
    """Names come from outside: as text they cannot break a table or become markup."""
    return "".join(f"&#{ord(mark)};" if mark in "|<>[]`*\\&" else mark for mark in " ".join(text.split()))[:400]
