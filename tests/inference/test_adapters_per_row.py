"""Base and student as rows of one batch, on one set of weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.conftest import with_adapter
from tests.inference.decoding import answers, one_by_one, prompt_of, requests
from workbench.errors import StudentError
from workbench.inference import Engine, Written


@pytest.fixture
def distilled(make_student):
    """A tiny student with an adapter that changes what it writes."""
    return with_adapter(make_student())


def test_rows_with_and_without_the_adapter_share_a_batch(distilled):
    wanted = [replace(r, adapter=n % 2 == 0, problem_id=str(n)) for n, r in enumerate(requests(5, seed=1) * 2)]
    got = answers(distilled, wanted, slots=4)
    for request in wanted:
        with distilled.adapter_on([request.adapter]):
            expected = one_by_one(distilled, prompt_of(distilled, request), request.max_tokens)
        assert got[request.problem_id] == tuple(expected)
    parted = [got[str(n)] != got[str(n + 5)] for n in range(5)]
    assert any(parted)


def test_the_adapter_is_on_between_two_tokens(distilled):
    wanted = [replace(r, adapter=False) for r in requests(3, max_tokens=8)]
    layers = [module for module in distilled.model.modules() if hasattr(module, "lora_A")]
    for item in Engine(distilled).stream(wanted):
        assert not any(layer.disable_adapters for layer in layers)
        assert not any(down._forward_pre_hooks for layer in layers for down in layer.lora_A.values())
        assert isinstance(item, Written) or item.arm == "student"


def test_a_merged_adapter_can_not_be_left_out(distilled):
    with distilled.merged():
        assert answers(distilled, requests(2)) is not None
        with pytest.raises(StudentError, match="merged"):
            answers(distilled, [replace(r, adapter=False) for r in requests(2)])


class Interrupted:
    """Ctrl-C while a row has written three tokens."""

    def controller(self, encode):
        def control(view):
            if len(view.token_ids) == 3:
                raise KeyboardInterrupt

        return control


def test_an_interrupt_leaves_what_is_done_and_everything_as_it_was(distilled):
    short = [replace(r, adapter=n % 2 == 0, max_tokens=2) for n, r in enumerate(requests(4, seed=1))]
    long = [replace(r, problem_id=f"long {r.problem_id}", steering=Interrupted()) for r in requests(4, max_tokens=20)]
    done = []
    collected = map(done.append, Engine(distilled, slots=8).run([*long, *short]))
    with pytest.raises(KeyboardInterrupt):
        list(collected)
    expected = answers(distilled, short)
    assert {c.problem_id: c.token_ids for c in done} == expected
    assert not any(module.disable_adapters for module in distilled.model.modules() if hasattr(module, "lora_A"))


@pytest.mark.parametrize(
    "peculiar",
    [
        {"target_modules": ["q_proj", "lm_head"]},
        {"target_modules": ["q_proj", "embed_tokens"]},
        {"use_dora": True},
        {"lora_bias": True},
        {"modules_to_save": ["norm"]},
    ],
)
def test_an_adapter_that_is_no_plain_lora_is_on_or_off_for_a_whole_run(make_student, peculiar):
    from peft import LoraConfig, get_peft_model

    plain = answers(make_student(), requests(3, max_tokens=6))
    base = make_student()
    torch.manual_seed(0)
    config = LoraConfig(r=2, **{"target_modules": ["q_proj"], **peculiar}, init_lora_weights=False)
    model = get_peft_model(base.model, config)
    for name, parameter in model.named_parameters():
        if "modules_to_save" in name:
            parameter.data.mul_(3)
    student = replace(base, model=model.eval().requires_grad_(False))
    off = [replace(r, adapter=False) for r in requests(3, max_tokens=6)]
    assert answers(student, off) == plain
    assert answers(student, requests(3, max_tokens=6)) != plain
    with pytest.raises(StudentError, match="plain LoRA"):
        answers(student, [*off, *(replace(r, problem_id=f"on {r.problem_id}") for r in requests(3, max_tokens=6))])
