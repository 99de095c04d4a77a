from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workbench.adapters import allocate, attach_lora, audit, count_parameters, count_trained, parameter_budget
from workbench.errors import InputError

ARCHITECTURES = ("llama", "qwen2", "qwen3", "mistral")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_tied_weights_count_once(make_student, architecture):
    model = make_student(architecture).model
    assert count_parameters(model) == sum(tensor.numel() for tensor in set(model.parameters()))
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_audit_is_counted_from_the_model_and_adds_up(make_student, architecture):
    model = make_student(architecture).model
    base = count_parameters(model)
    budget = parameter_budget(model, 0.05)
    placements = allocate(model, budget, first_layer=2)
    adapted = attach_lora(model, placements, base_name="tiny", seed=0)
    report = audit(adapted, placements)
    assert report["base_parameters"] == base
    assert report["adds_up"]
    assert 0 < count_trained(adapted) == report["trained_parameters"] <= budget
    assert all(place.layer >= 2 for place in placements)


@given(fraction=st.floats(0.004, 0.3), first_layer=st.integers(0, 3))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_allocation_never_exceeds_its_budget_and_leaves_less_than_a_rank(make_student, fraction, first_layer):
    model = _model(make_student)
    budget = parameter_budget(model, fraction)
    cheapest = min(m.in_features + m.out_features for n, m in model.named_modules() if n.endswith("k_proj"))
    if budget < cheapest:
        with pytest.raises(InputError, match="does not buy one rank"):
            allocate(model, budget, first_layer)
        return
    placements = allocate(model, budget, first_layer)
    spent = sum(place.parameters for place in placements)
    assert budget - cheapest < spent <= budget


@pytest.mark.parametrize("fraction", [0, -0.1, 1.5, float("nan")])
def test_a_budget_that_is_no_fraction_is_refused(make_student, fraction):
    with pytest.raises(InputError, match="must lie in"):
        parameter_budget(_model(make_student), fraction)


def test_every_loader_reads_the_same_scale(make_student):
    model = make_student().model
    placements = allocate(model, parameter_budget(model, 0.08), first_layer=1)
    config = attach_lora(model, placements, base_name="tiny", seed=0).peft_config["default"]
    ranks = {place.module: place.rank for place in placements}
    assert len(set(ranks.values())) > 1
    for module, rank in ranks.items():
        alpha = config.alpha_pattern.get(module, config.lora_alpha)
        assert alpha / config.rank_pattern.get(module, config.r) == alpha / rank == config.lora_alpha / config.r


_MODELS: list = []


def _model(make_student):
    if not _MODELS:
        _MODELS.append(make_student().model)
    return _MODELS[0]
