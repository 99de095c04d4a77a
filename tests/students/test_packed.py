"""Packed weights give the same numbers but for their last bits, and leave no trace."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import with_adapter
from workbench.students import PackedLinears


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "gemma3_text"])
def test_packed_products_give_the_same_logits(make_student, architecture):
    model = make_student(architecture).model
    ids = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])
    with torch.inference_mode():
        plain = model(ids).logits
        with PackedLinears(model) as packed:
            assert packed.layers
            inside = model(ids).logits
        after = model(ids).logits
    torch.testing.assert_close(inside, plain, atol=1e-5, rtol=1e-4)
    assert torch.equal(after, plain)


def test_an_adapter_that_learns_is_read_as_it_is(make_student):
    student = with_adapter(make_student())
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    packed = PackedLinears(student.model)
    with torch.inference_mode():
        for module in student.model.modules():
            for up in getattr(module, "lora_B", {}).values():
                up.weight.copy_(torch.randn_like(up.weight))
        plain = student.model(ids).logits
        with packed:
            torch.testing.assert_close(student.model(ids).logits, plain, atol=1e-4, rtol=1e-3)


def test_gradients_pass_through_packed_products(make_student):
    student = with_adapter(make_student())
    learned = [tensor.requires_grad_() for name, tensor in student.model.named_parameters() if "lora_" in name]
    ids = torch.tensor([[3, 1, 4, 1, 5]])

    def gradients():
        return torch.autograd.grad(student.model(ids).logits.square().sum(), learned)

    plain = gradients()
    with PackedLinears(student.model, gradients=True) as packed:
        assert packed.layers
        inside = gradients()
    assert all(tensor.abs().max() > 0 for tensor in plain)
    torch.testing.assert_close(inside, plain, atol=1e-4, rtol=1e-3)


def test_weights_that_learn_are_left_alone(make_student):
    student = make_student()
    every = PackedLinears(student.model).layers
    student.model.model.layers[0].mlp.up_proj.weight.requires_grad_()
    assert PackedLinears(student.model).layers == every - 1


def test_what_cannot_be_packed_stays_as_it_is(make_student):
    student = make_student()
    assert not PackedLinears(student.model, memory=0).layers
    assert not PackedLinears(student.model.to(torch.bfloat16)).layers
