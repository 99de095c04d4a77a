"""A loaded student: base model, its adapter if it has one, and its tokenizer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from peft.tuners.lora import Linear as LoraLinear
from peft.tuners.tuners_utils import BaseTunerLayer
from peft.utils.other import AuxiliaryTrainingWrapper
from safetensors import SafetensorError
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.acceleration import load_unsloth
from workbench.errors import StudentError, first_line
from workbench.files import file_hash, text_hash
from workbench.students.attention import use_grouped_attention
from workbench.students.prompts import Prompter
from workbench.students.quantized import quantized_model
from workbench.students.resolve import StudentSource, resolve_student

_UNREADABLE = (OSError, ValueError, KeyError, SafetensorError)
"""What damaged or foreign files raise in the libraries that read them."""
TRAINING_TOKENS = 4_096
"""The longest sequence that Unsloth prepares for."""
SAMPLE_TEXTS = (
    "Plan: add the legs of each animal. Steps: 3 bees have 3 * 6 = 18 legs, 2 spiders have 16. Answer: 34",
    "Write a list of three fruits in upper case, with commas between them. Why is the sky blue?",
    "The train leaves at 9:40 and arrives at 11:05; how long does the journey take, in minutes?",
)
"""What shows which channels of a model carry large values; any text does."""
_SMALL_FILE = 64_000_000
"""Bytes; larger files are not hashed."""


@dataclass(frozen=True)
class Student:
    """A causal LM that is ready to learn or to answer.

    ``model`` is a transformers model, or a PEFT model around one. The base and the distilled student
    share one set of weights: `without_adapter` switches between them.
    """

    name: str
    model: Any
    prompter: Prompter
    source: StudentSource
    backend: str = "transformers"
    """``unsloth`` for one that is only good for training."""

    @property
    def tokenizer(self) -> Any:
        """The transformers tokenizer."""
        return self.prompter.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @cached_property
    def end_ids(self) -> frozenset[int]:
        """The token ids that end an answer."""
        config = self.model.generation_config.eos_token_id
        ids = set(config) if isinstance(config, list | tuple) else {config}
        ids |= {self.tokenizer.eos_token_id}
        ids -= {None}
        if not ids:
            raise StudentError(f"student {self.name} has no end token, so its answers would never end; choose another")
        return frozenset(ids)

    @property
    def has_adapter(self) -> bool:
        """True for a distilled student."""
        return hasattr(self.model, "peft_config")

    def fingerprint(self) -> str:
        """Returns a hash of what the student is: its source's files, and its adapter's where it has one.

        Weights of several gigabytes are known by name, size and date alone.
        """
        files = sorted(path for path in self.source.path.glob("*") if path.suffix in {".json", ".safetensors"})
        small = [file_hash(path) for path in files if path.stat().st_size < _SMALL_FILE]
        large = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files]
        return text_hash(self.name, *small, *(entry for entry in large if entry[1] >= _SMALL_FILE))

    @contextmanager
    def merged(self) -> Iterator[None]:
        """Inside, the adapter is part of the weights: the same answers, a quarter faster a token.

        Afterwards the weights are what they were, to the bit.
        """
        if not self.has_adapter:
            yield
            return
        layers = [module.get_base_layer() for module in self._tuned]
        kept = [layer.weight.detach().clone() for layer in layers]
        self.model.merge_adapter()
        try:
            yield
        finally:
            self.model.unmerge_adapter()
            for layer, weight in zip(layers, kept, strict=True):
                layer.weight.data.copy_(weight)

    def quantized(self) -> Student:
        """Returns the same student in 8 bits: not the same answers token for token, but several times faster on CPUs.

        The adapter is kept apart as it is, or taken with the weights inside of `merged`; the embeddings and
        all that is not a matrix are shared.

        Raises:
            StudentError: where the weights are no fp32 on a CPU, or torch has no 8-bit arithmetic here.
        """
        ids = [self.prompter.question_ids(text) for text in SAMPLE_TEXTS]
        return replace(self, model=quantized_model(self.model, ids))

    @contextmanager
    def without_adapter(self) -> Iterator[None]:
        """Inside, the model computes as the base does; quick enough to be entered for every token.

        PEFT's own `disable_adapter` walks the whole model each time, and marks the adapter as trainable
        when it comes back.
        """
        active = [module for module in self._switched if not module.disable_adapters]
        for module in active:
            module._disable_adapters = True
        try:
            yield
        finally:
            for module in active:
                module._disable_adapters = False

    @contextmanager
    def adapter_on(self, rows_N: Sequence[bool]) -> Iterator[None]:
        """Inside, the adapter works on some tokens of a pass and not on the others.

        Args:
            rows_N: whether it works, for each token of a pass over [1, N] ids; all false is `without_adapter`.

        Raises:
            StudentError: where the adapter is part of the weights, or of a kind that works on all tokens or none.
        """
        if all(rows_N) or not self.has_adapter:
            yield
            return
        if any(module.merged for module in self._tuned):
            raise StudentError("the adapter is merged into the weights; ask for base answers outside of merged()")
        if not any(rows_N):
            with self.without_adapter():
                yield
            return
        if not self._is_plain_lora:
            raise StudentError(
                "only plain LoRA can be on and off in one batch; ask for base answers in a run of their own"
            )
        on_N1 = torch.tensor(rows_N, device=self.device)[:, None]
        inputs = [down for module in self._tuned for down in module.lora_A.values()]
        hooks = [down.register_forward_pre_hook(lambda _, given: (given[0] * on_N1,)) for down in inputs]
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()

    @cached_property
    def _switched(self) -> list[Any]:
        """The modules that compute as the base does when told so, whole copies of base modules among them."""
        kinds = BaseTunerLayer | AuxiliaryTrainingWrapper
        return [module for module in self.model.modules() if isinstance(module, kinds)]

    @cached_property
    def _is_plain_lora(self) -> bool:
        """True where a token whose LoRA input is zero gets what the base would give it."""
        configs = self.model.peft_config.values()
        extras = ("use_dora", "lora_bias", "modules_to_save", "trainable_token_indices")
        plain = not any(getattr(config, extra, None) for config in configs for extra in extras)
        output = self.model.get_output_embeddings()
        return plain and all(isinstance(module, LoraLinear) and module is not output for module in self._switched)

    @cached_property
    def _tuned(self) -> list[Any]:
        """The modules that the adapter changes; none in a base."""
        return [module for module in self.model.modules() if isinstance(module, BaseTunerLayer)]


def load_student(
    name: str | Path,
    *,
    device: str = "cpu",
    dtype: torch.dtype | str = "float32",
    backend: str = "transformers",
    bits: int = 4,
) -> Student:
    """Loads a base model, or a distilled student's folder with the base that it names.

    Args:
        name: see `resolve_student`; a distilled student's folder holds ``adapter_config.json``.
        device: a torch device.
        dtype: of the weights, or its name; fp32 is the fastest on CPUs without bf16 units.
        backend: ``unsloth`` loads a base to be trained, on a CUDA device.
        bits: of the weights that Unsloth loads, 4 or 16.

    Raises:
        StudentError: where it cannot be found or read.
    """
    source = resolve_student(str(name))
    dtype = getattr(torch, dtype) if isinstance(dtype, str) else dtype
    if (source.path / "adapter_config.json").exists():
        return _with_adapter(source, device, dtype)
    if backend == "unsloth":
        fast = load_unsloth(source.path, TRAINING_TOKENS, bits)
        return Student(str(name), fast, Prompter(load_tokenizer(name)), source, backend)
    try:
        model: Any = AutoModelForCausalLM.from_pretrained(source.path, dtype=dtype, use_safetensors=True)
    except _UNREADABLE as error:
        raise StudentError(f"student {name} cannot be loaded from {source.path}: {first_line(error)}") from error
    use_grouped_attention(model)
    model.requires_grad_(False).eval()
    return Student(str(name), model.to(device), Prompter(load_tokenizer(name)), source)


def load_tokenizer(name: str | Path) -> Any:
    """Loads a student's tokenizer alone; finds it, and fails, as `load_student` does."""
    path = resolve_student(str(name)).path
    if (path / "adapter_config.json").exists():
        return load_tokenizer(_base_name(path))
    try:
        return AutoTokenizer.from_pretrained(path)
    except _UNREADABLE as error:
        raise StudentError(f"student {name} has no readable tokenizer in {path}: {first_line(error)}") from error


def _base_name(path: Path) -> str:
    name: str = json.loads((path / "adapter_config.json").read_text(encoding="utf-8"))["base_model_name_or_path"]
    return name


def _with_adapter(source: StudentSource, device: str, dtype: torch.dtype) -> Student:
    from peft import PeftModel

    base = load_student(_base_name(source.path), device=device, dtype=dtype)
    try:
        model = PeftModel.from_pretrained(base.model, str(source.path), is_trainable=False)
    except Exception as error:  # a foreign or damaged checkpoint fails in many ways, with one fix
        raise StudentError(f"the adapter in {source.path} does not fit {base.name}: {first_line(error)}") from error
    return Student(source.name, model.eval(), base.prompter, source)
