"""The path through Unsloth, against a stand-in with its documented calls: the real one needs a GPU to be imported."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench.acceleration import import_unsloth, why_not_unsloth
from workbench.adapters import allocate, attach_lora, count_parameters, count_trained
from workbench.distillation import DistillConfig, distill
from workbench.errors import StudentError, TrainingError
from workbench.inference import Engine, Request
from workbench.profiles import profile
from workbench.progress import silent
from workbench.students import load_student
from workbench.workflow import trainable


class FastLanguageModel:
    """Unsloth's two calls with the parameters of its documentation, done by transformers and PEFT."""

    @staticmethod
    def from_pretrained(model_name, max_seq_length, dtype, load_in_4bit, use_gradient_checkpointing):
        assert use_gradient_checkpointing == ("unsloth" if load_in_4bit else False)
        assert isinstance(load_in_4bit, bool)
        assert max_seq_length > 0
        model = AutoModelForCausalLM.from_pretrained(model_name, dtype=dtype or torch.float32)
        model.is_loaded_in_4bit = load_in_4bit
        return model.requires_grad_(False), AutoTokenizer.from_pretrained(model_name)

    @staticmethod
    def get_peft_model(model, r, target_modules, use_gradient_checkpointing, random_state, **settings):
        assert use_gradient_checkpointing == ("unsloth" if model.is_loaded_in_4bit else False)
        assert not any("." in name for name in target_modules)  # Unsloth takes kinds, not full names
        torch.manual_seed(random_state)
        return get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=r, target_modules=target_modules, **settings))


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setitem(sys.modules, "unsloth", SimpleNamespace(FastLanguageModel=FastLanguageModel, __spec__=None))


@pytest.fixture
def loaded(stand_in, saved_student):
    return load_student(saved_student, backend="unsloth")


def test_each_module_gets_the_rank_that_the_budget_gives_it(loaded, make_student):
    placements = allocate(loaded.model, 1_500, first_layer=2)
    assert len({place.rank for place in placements}) > 1
    adapted = attach_lora(loaded.model, placements, base_name="tiny", seed=0, backend="unsloth")
    plain = attach_lora(make_student().model, placements, base_name="tiny", seed=0)
    assert count_trained(adapted) == sum(place.parameters for place in placements)
    shapes = [{name: p.shape for name, p in model.named_parameters() if p.requires_grad} for model in (adapted, plain)]
    assert shapes[0] == shapes[1]
    scalings = [
        {
            name: module.scaling
            for name, module in model.named_modules()
            if hasattr(module, "scaling") and module.scaling
        }
        for model in (adapted, plain)
    ]
    assert scalings[0] == scalings[1]


def test_a_budget_that_leaves_modules_out_is_refused_with_the_fix(loaded):
    placements = allocate(loaded.model, 1_500, first_layer=2)[:-1]
    with pytest.raises(TrainingError, match="raise it, or raise first_layer"):
        attach_lora(loaded.model, placements, base_name="tiny", seed=0, backend="unsloth")


def test_it_learns_and_answers_as_without_unsloth(loaded, saved_student, traces, tmp_path):
    config = DistillConfig(budget=0.2, first_layer=2, epochs=2, learning_rate=0.01, max_tokens=2_000, held_out=6)
    metrics, texts = [], []
    for name, student in (("unsloth", loaded), ("plain", load_student(saved_student))):
        made = distill(traces, student, tmp_path / name, config, silent)
        again = load_student(tmp_path / name)
        prompt = tuple(again.prompter.question_ids("1 + 1 = ?"))
        metrics.append([line["loss"] for line in made.metrics])
        texts += [c.text for c in Engine(again).run([Request(problem_id="1", prompt_ids=prompt, max_tokens=20)])]
    assert metrics[0] == pytest.approx(metrics[1], rel=1e-3)
    assert metrics[0][-1] < metrics[0][0]
    assert texts[0] == texts[1]


def test_without_unsloth_the_reason_is_told_and_training_goes_on(saved_student):
    reason = why_not_unsloth()
    assert "unsloth" in reason
    told: list[str] = []
    machine = profile("t4")
    on_cpu = type(machine)(**{name: getattr(machine, name) for name in machine.__slots__} | {"device": "cpu"})
    student = trainable(str(saved_student), on_cpu, told.append)
    assert student.backend == "transformers"
    assert told == [f"trained by transformers and PEFT: {reason}"]


def test_an_unsloth_that_cannot_be_imported_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "unsloth", None)
    with pytest.raises(StudentError, match="unsloth cannot be imported"):
        import_unsloth()


def test_packed_weights_count_as_what_they_stand_for(make_student):
    model = make_student().model
    before = count_parameters(model)
    weight = model.model.layers[0].mlp.up_proj.weight
    packed = torch.nn.Parameter(torch.zeros(weight.numel() // 2, 1, dtype=torch.uint8), requires_grad=False)
    packed.quant_state = SimpleNamespace(shape=weight.shape)
    model.model.layers[0].mlp.up_proj.weight = packed
    assert count_parameters(model) == before
