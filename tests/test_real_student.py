"""With the real weights: counted, decoded as `generate` does, and taught."""

from __future__ import annotations

import pytest
import torch

from workbench.adapters import allocate, attach_lora, count_parameters, count_trained, parameter_budget
from workbench.distillation import DistillConfig, distill
from workbench.inference import Engine, Request
from workbench.pool import PoolConfig, embedded_pool, embedded_problems
from workbench.progress import silent
from workbench.students import load_student

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def student():
    return load_student("smollm2-135m")


def test_the_embedded_weights_are_what_they_say(student):
    assert count_parameters(student.model) == 134_515_008
    assert parameter_budget(student.model, 0.003) == 403_545
    assert "Q4_1" in student.source.note
    again = load_student("smollm2-135m")
    assert "cache" in again.source.origin


def test_the_engine_writes_what_generate_writes(student):
    problems = embedded_problems("dev", per_family=1, seed=5)[:8]
    requests = [
        Request(problem_id=p.id, prompt_ids=tuple(student.prompter.question_ids(p.question)), max_tokens=40)
        for p in problems
    ]
    got = {completion.problem_id: list(completion.token_ids) for completion in Engine(student, slots=3).run(requests)}
    for request in requests:
        ids = torch.tensor([request.prompt_ids])
        out = student.model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=40, do_sample=False)
        expected = [token for token in out[0, ids.shape[1] :].tolist() if token not in student.end_ids]
        assert got[request.problem_id] == expected


def test_in_8_bits_the_next_token_is_mostly_the_same(student):
    fast = student.quantized()
    errors, alike = [], []
    for problem in embedded_problems("dev", per_family=1, seed=6)[:6]:
        ids = torch.tensor([student.prompter.question_ids(problem.question)])
        with torch.no_grad():
            exact, rounded = (each.model(ids, use_cache=False).logits[0] for each in (student, fast))
        errors.append(float((rounded - exact).norm() / exact.norm()))
        alike.append((rounded.argmax(-1) == exact.argmax(-1)).float())
    assert max(errors) < 0.12
    assert float(torch.cat(alike).mean()) > 0.88


def test_it_learns_within_its_budget(tmp_path):
    fresh = load_student("smollm2-135m")
    traces = list(embedded_pool(160, seed=9, config=PoolConfig(families="core")))
    made = distill(traces, fresh, tmp_path, DistillConfig(epochs=1, held_out=16), silent)
    assert made.audit["adds_up"]
    assert 0.99 * 403_545 <= made.audit["trained_parameters"] <= 403_545
    first, last = (sum(m["loss"] for m in part) / 5 for part in (made.metrics[:5], made.metrics[-5:]))
    assert last < 0.5 * first


def test_an_adapter_from_the_first_layer_up_keeps_the_budget(student):
    model = load_student("smollm2-135m").model
    adapted = attach_lora(model, allocate(model, 403_545, 0), base_name="smollm2-135m", seed=0)
    assert 0.99 * 403_545 <= count_trained(adapted) <= 403_545
