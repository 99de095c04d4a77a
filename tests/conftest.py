"""What the tests share: tiny random students of several architectures, and small real traces."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import settings

# Forked tokenizers warn about deadlocks that cannot happen here.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("workbench", deadline=None)
settings.load_profile("workbench")


def pytest_configure() -> None:
    """Programs started in the background of a shell ignore Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def tiny_tokenizer():
    """A byte-level BPE tokenizer with special tokens and one added token that is not special."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(["Plan: add. Steps: 1 + 1 = 2 Check: Answer: the sum of these numbers"] * 20, trainer)
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|im_end|>", pad_token="<|endoftext|>")
    fast.add_tokens([AddedToken("<think>", special=False), AddedToken("</think>", special=False)])
    fast.chat_template = TEMPLATE
    return fast


WINDOWED = {"layer_types": ["sliding_attention", "full_attention"] * 2, "sliding_window": 7}
EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
PECULIAR = {
    "mistral": ("mistral", {"sliding_window": None}),
    "windowed_mistral": ("mistral", {"sliding_window": 9}),
    "windowed_qwen2": ("qwen2", {"use_sliding_window": True, "max_window_layers": 1, "sliding_window": 7}),
    "gemma2": ("gemma2", WINDOWED),
    "gemma3_text": ("gemma3_text", WINDOWED),
    "gpt_oss": ("gpt_oss", {**WINDOWED, **EXPERTS}),
    "mixtral": ("mixtral", EXPERTS),
    "granite": ("granite", {"logits_scaling": 4.0, "attention_multiplier": 0.2, "residual_multiplier": 0.7}),
}
"""What makes an architecture unlike a plain Llama, at a size that short tests reach."""


def tiny_model(architecture: str, vocabulary: int, seed: int = 0):
    """A random causal LM with four layers, grouped queries, and tied weights where the kind has them."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    from workbench.students import use_grouped_attention

    kind, peculiar = PECULIAR.get(architecture, (architecture, {}))
    config = AutoConfig.for_model(
        kind,
        vocab_size=vocabulary,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        max_position_embeddings=4096,
        tie_word_embeddings=True,
        bos_token_id=0,
        eos_token_id=2,
        pad_token_id=0,
        **peculiar,
    )
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config)
    # Random weights of the usual size give nearly flat logits; larger ones make greedy choices clear.
    for parameter in model.parameters():
        parameter.data.mul_(6.0) if parameter.dim() > 1 else None
    use_grouped_attention(model)
    return model.eval().requires_grad_(False)


def tiny_student(architecture: str = "llama", seed: int = 0):
    """A tiny random student of an architecture."""
    from workbench.students import Prompter, Student, StudentSource

    tokenizer = tiny_tokenizer()
    model = tiny_model(architecture, len(tokenizer), seed)
    name = f"tiny-{architecture}"
    return Student(name, model, Prompter(tokenizer), StudentSource(name, Path(), "made by a test"))


def with_adapter(base):
    """A student with an adapter that changes what it writes."""
    from dataclasses import replace

    import torch

    from workbench.adapters import allocate, attach_lora

    model = attach_lora(base.model, allocate(base.model, 4_000, 0), base_name="tiny", seed=0)
    torch.manual_seed(1)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(False)
        if "lora_B" in name:
            parameter.data.normal_(std=0.3)
    return replace(base, name="tiny-distilled", model=model.eval())


@pytest.fixture
def make_student() -> Callable:
    """`tiny_student`."""
    return tiny_student


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory) -> Path:
    """A tiny student's folder on disk, for all tests that only read it."""
    folder = tmp_path_factory.mktemp("tiny")
    tokenizer = tiny_tokenizer()
    tiny_model("llama", len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture
def saved_student(tiny_folder, tmp_path) -> Path:
    """A tiny student's folder of the test's own."""
    return Path(shutil.copytree(tiny_folder, tmp_path / "tiny"))


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, the system's own."""
    from tools.chromium import MISSING, chromium, chromium_path

    if chromium_path() is None:
        pytest.fail(MISSING) if os.environ.get("CI") else pytest.skip(MISSING)
    with chromium() as opened:
        yield opened


@pytest.fixture
def traces() -> list:
    """Sixty real traces of the embedded pool."""
    from workbench.pool import embedded_pool

    return list(islice(embedded_pool(60, seed=3), 60))
