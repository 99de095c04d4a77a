"""What holds on a CPU must hold on a CUDA device: the same answers, the same losses, half precision included."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.conftest import tiny_student, with_adapter
from workbench.acceleration import why_not_unsloth
from workbench.distillation import DistillConfig, distill
from workbench.inference import Engine, Request, Sampling
from workbench.progress import silent
from workbench.records import Trace, read_records
from workbench.shipped import shipped
from workbench.students import load_student

pytestmark = pytest.mark.gpu

ARCHITECTURES = ["llama", "qwen2", "qwen3", "gemma3_text", "windowed_mistral"]
QUESTIONS = ["the sum of 1 + 1", "1", "add these numbers: 1 1 1 1 1", "Steps", "what is the answer to these numbers"]


def moved(student, device, dtype=torch.float32):
    return replace(student, model=student.model.to(device, dtype))


def answers(student, slots, **sampling):
    requests = [Request(problem_id=str(n), question=text, max_tokens=40) for n, text in enumerate(QUESTIONS)]
    found = Engine(student, slots=slots, sampling=Sampling(**sampling)).run(requests)
    return {completion.problem_id: completion.token_ids for completion in found}


@pytest.fixture(scope="module")
def shipped_traces() -> list[Trace]:
    return list(read_records(shipped("curated.jsonl"), Trace))[:60]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("sampling", [{}, {"temperature": 0.8, "top_p": 0.9, "seed": 3}])
def test_a_gpu_writes_what_a_cpu_writes(architecture, sampling):
    made = with_adapter(tiny_student(architecture))
    expected = answers(made, 3, **sampling)
    assert answers(moved(made, "cuda"), 3, **sampling) == expected
    assert answers(moved(made, "cuda"), 1, **sampling) == expected


def test_a_gpu_learns_what_a_cpu_learns(shipped_traces, tmp_path):
    config = DistillConfig(budget=0.05, first_layer=2, epochs=2, max_tokens=2_000, learning_rate=0.01, held_out=6)
    losses = {}
    for device in ("cpu", "cuda"):
        made = distill(shipped_traces, moved(tiny_student(), device), tmp_path / device, config, silent)
        losses[device] = [line["loss"] for line in made.metrics]
    assert losses["cuda"] == pytest.approx(losses["cpu"], rel=2e-3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_learns_and_answers(dtype, shipped_traces, tmp_path):
    base = load_student("smollm2-135m", device="cuda", dtype=dtype)
    config = DistillConfig(epochs=2, batch_size=8, held_out=6)
    made = distill(shipped_traces, base, tmp_path / "student", config, silent)
    losses = [line["loss"] for line in made.metrics]
    assert sum(losses[-4:]) < 0.8 * sum(losses[:4])
    again = load_student(tmp_path / "student", device="cuda", dtype=dtype)
    request = Request(problem_id="1", question=shipped_traces[0].problem.question, max_tokens=60)
    (completion,) = Engine(again, slots=4).run([request])
    assert completion.text.strip()
    assert not completion.error


@pytest.mark.parametrize("bits", [16, 4])
def test_unsloth_learns_within_the_budget_and_others_read_it(bits, tmp_path):
    if reason := why_not_unsloth():
        pytest.skip(reason)
    way = f"ours, Unsloth, {bits} bits"
    command = [sys.executable, "-m", "tests.benchmarks.gpu", "--only", way, "--out", str(tmp_path / "gpu.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-2_000:]
    made = json.loads((tmp_path / "gpu.json").read_text())
    (row,) = made["ways"]
    assert "reason" not in row, row
    assert row["trained"] <= 403_545
    assert row["loss"] < 0.5 * made["untaught_loss"]
