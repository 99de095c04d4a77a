"""What the engine refuses, and why."""

from __future__ import annotations

import pytest
import torch

from tests.conftest import tiny_student
from workbench.errors import StudentError
from workbench.inference import Engine


def test_tiny_recurrent_and_hybrid_models_are_refused_with_the_reason():
    for architecture in ("mamba", "jamba", "qwen3_next"):
        with pytest.raises(StudentError, match="running state"):
            Engine(tiny_student(architecture))


def test_layers_of_another_kind_are_refused(make_student):
    student = make_student()
    student.model.config.layer_types = ["chunked_attention", "full_attention"] * 2
    with pytest.raises(StudentError, match="chunked_attention"):
        Engine(student)


def test_a_model_that_does_not_use_the_interfaces_is_refused():
    with pytest.raises(StudentError, match="attention interfaces"):
        Engine(tiny_student("bloom"))


def test_a_hidden_state_beside_keys_and_values_is_found_out(make_student):
    student = make_student()
    layer = student.model.model.layers[1]
    usual, carried = layer.forward, [torch.zeros(1)]

    def forward(hidden_states, *rest, **options):
        out = usual(hidden_states, *rest, **options)
        carried[0] = 0.5 * carried[0] + hidden_states.mean()
        return out + carried[0]

    layer.forward = forward
    with pytest.raises(StudentError, match="keeps more than keys and values"):
        Engine(student)


def test_a_student_without_an_end_token_is_refused(make_student):
    student = make_student()
    student.tokenizer.eos_token = None
    student.model.generation_config.eos_token_id = None
    with pytest.raises(StudentError, match="no end token"):
        Engine(student)


def test_a_student_without_a_chat_template_is_refused_when_it_is_asked(make_student):
    from workbench.inference import Request

    student = make_student()
    student.tokenizer.chat_template = None
    with pytest.raises(StudentError, match="no chat template"):
        list(Engine(student).run([Request(problem_id="1", question="1 + 1", max_tokens=2)]))
    (completion,) = Engine(student).run([Request(problem_id="1", prompt_ids=(5, 6, 7), max_tokens=2)])
    assert not completion.error
