"""Linear layers in 8 bits: near the exact ones, and the same for a token whatever is beside it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn

from workbench.errors import StudentError
from workbench.students.quantized import Int8Linear, Int8Product


def product(*sizes: int, inputs: int = 64, bias: bool = False, outlier: float = 1.0):
    torch.manual_seed(0)
    linears = [nn.Linear(inputs, size, bias=bias) for size in sizes]
    largest = torch.ones(inputs)
    largest[7] = outlier
    return linears, Int8Product(linears, largest), largest


@pytest.mark.parametrize("bias", [True, False])
def test_products_are_near_the_exact_ones(bias):
    linears, shared, _ = product(48, 32, bias=bias)
    rounded = [Int8Linear(linears[0], shared, 0), Int8Linear(linears[1], shared, 48)]
    x = torch.randn(2, 5, 64)
    for exact, near in zip(linears, rounded, strict=True):
        error = (near(x) - exact(x)).norm() / exact(x).norm()
        assert near(x).shape == exact(x).shape
        assert 0 < error < 0.02


def test_a_channel_of_large_values_does_no_harm():
    (linear,), shared, largest = product(48, outlier=1000.0)
    x = torch.randn(20, 64) * largest
    near = Int8Linear(linear, shared, 0)(x)
    small = x.clone()
    small[:, 7] = 0
    assert (near - linear(x)).abs().max() < 0.02 * linear(small).abs().max() + 1e-3


def test_a_token_does_not_depend_on_its_batch():
    (linear,), shared, _ = product(48)
    layer, x = Int8Linear(linear, shared, 0), torch.randn(6, 64)
    x[3] *= 100
    torch.testing.assert_close(layer(x)[1], layer(x[1:2].clone())[0])


def test_nothing_is_kept_once_all_layers_have_read(make_student):
    fast = make_student().quantized()
    fast.model(torch.tensor([fast.prompter.question_ids("1 2")]))
    products = {module._product for module in fast.model.modules() if isinstance(module, Int8Linear)}
    assert len(products) < sum(isinstance(module, Int8Linear) for module in fast.model.modules())
    assert all(each._kept is None for each in products)


def test_an_empty_or_silent_input_gives_zeros():
    (linear,), shared, _ = product(48)
    layer = Int8Linear(linear, shared, 0)
    assert layer(torch.zeros(2, 64)).abs().max() == 0
    assert layer(torch.zeros(0, 64)).shape == (0, 48)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "gemma3_text"])
def test_a_student_in_8_bits_shares_the_rest(make_student, architecture):
    student = make_student(architecture)
    fast = student.quantized()
    exact = {name for name, module in student.model.named_modules() if type(module) is nn.Linear}
    assert exact == {name for name, module in fast.model.named_modules() if isinstance(module, Int8Linear)}
    assert student.model.get_input_embeddings().weight is fast.model.get_input_embeddings().weight
    ids = torch.tensor([student.prompter.question_ids("the sum of 1 2")])
    with torch.no_grad():
        ours, theirs = fast.model(ids).logits, student.model(ids).logits
    assert 0 < (ours - theirs).norm() / theirs.norm() < 0.2
    assert torch.equal(student.model(ids).logits, theirs)


def test_other_devices_and_types_are_refused(make_student):
    student = make_student()
    with pytest.raises(StudentError, match="fp32"):
        replace(student, model=student.model.to(torch.bfloat16)).quantized()
