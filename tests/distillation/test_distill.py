"""Distillation of tiny students: learning, resuming, refusing."""

from __future__ import annotations

import json

import pytest
import torch

from workbench.distillation import DistillConfig, distill, encode_trace
from workbench.distillation.examples import PROMPT
from workbench.distillation.trunk import Layers, WholeModel
from workbench.errors import TrainingError
from workbench.records import SECTIONS, render
from workbench.students import Student, load_student

CONFIG = DistillConfig(
    budget=0.05, first_layer=2, epochs=3, learning_rate=0.01, max_tokens=2_000, held_out=6, checkpoint_s=0
)


def silent(items, total, label):
    return items


def learn(student, traces, out, config=CONFIG, track=silent):
    out.mkdir(exist_ok=True)
    return distill(traces, student, out, config, track)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "mistral"])
def test_trunk_and_head_together_are_the_model(make_student, architecture):
    student = make_student(architecture)
    opening = torch.tensor(student.prompter.opening)
    rows = [student.prompter.question_ids(text)[len(opening) :] for text in ("the sum of 1 + 1", "1")]
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(row) for row in rows], batch_first=True)
    whole = torch.cat([opening.expand(2, -1), ids], dim=1)
    for layers in (Layers(student.model, first_layer=2), WholeModel(student.model, first_layer=0)):
        for shared in (len(opening), 0):
            with torch.no_grad():
                got = layers.output(layers.head(*layers.trunk(whole[0, :shared], whole[:, shared:])))
                torch.testing.assert_close(got, student.model(whole).logits[:, shared:], atol=1e-4, rtol=1e-4)


def test_a_model_that_cannot_be_taken_apart_is_refused(make_student):
    student = make_student()
    layers = Layers(student.model, first_layer=2)
    layers.check(torch.tensor([1, 2]), torch.tensor([[3, 4]]))
    student.model.get_decoder().register_forward_hook(
        lambda module, _, out: type(out)(last_hidden_state=out.last_hidden_state * 2)
    )
    with pytest.raises(TrainingError, match="taken apart"):
        layers.check(torch.tensor([1, 2]), torch.tensor([[3, 4]]))


def test_labels_cover_the_trace_and_only_the_trace(make_student, traces):
    student = make_student()
    example = encode_trace(traces[0], student)
    learned = student.tokenizer.decode(example.ids[example.sections != PROMPT])
    assert learned == "".join(segment.text for segment in render(traces[0])) + "<|im_end|>"
    for segment in render(traces[0]):
        own = example.ids[example.sections == SECTIONS.index(segment.section)]
        assert segment.text in student.tokenizer.decode(own)


def test_it_learns_and_the_saved_student_computes_the_same(make_student, saved_student, traces, tmp_path):
    made = learn(load_student(saved_student), traces, tmp_path / "out")
    assert made.metrics[-1]["held_out_loss"] < made.metrics[len(made.metrics) // 3 - 1]["held_out_loss"]
    loaded = load_student(tmp_path / "out")
    assert loaded.has_adapter
    ids = torch.tensor([loaded.prompter.question_ids("1 + 1")])
    with torch.no_grad():
        torch.testing.assert_close(loaded.model(ids).logits, made.student.model(ids).logits)
        with loaded.without_adapter():
            torch.testing.assert_close(loaded.model(ids).logits, load_student(saved_student).model(ids).logits)
        before = {name: weight.clone() for name, weight in loaded.model.state_dict().items()}
        with loaded.merged():
            torch.testing.assert_close(loaded.model(ids).logits, made.student.model(ids).logits, atol=1e-4, rtol=1e-4)
        assert all(torch.equal(weight, before[name]) for name, weight in loaded.model.state_dict().items())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"adapter_model.safetensors", "adapter.json", "metrics.jsonl"} <= names
    assert not [name for name in names if name.startswith(".") or name.endswith((".bin", ".pt", ".pkl"))]


class Stop(Exception):
    """What a test raises in place of a crash."""


@pytest.mark.parametrize("stop_at", [1, 7, 14])
def test_an_interrupted_run_goes_on_to_the_same_student(make_student, traces, tmp_path, stop_at):
    unbroken = learn(make_student(), traces, tmp_path / "a")

    def stopping(items, total, label):
        for index, item in enumerate(items):
            if label == "distill" and index == stop_at:
                raise Stop
            yield item

    with pytest.raises(Stop):
        learn(make_student(), traces, tmp_path / "b", track=stopping)
    steps = []

    def counting(items, total, label):
        for item in items:
            steps.append(label)
            yield item

    resumed = learn(make_student(), traces, tmp_path / "b", track=counting)
    assert steps.count("distill") == len(unbroken.metrics) - stop_at
    assert [m["loss"] for m in resumed.metrics] == pytest.approx([m["loss"] for m in unbroken.metrics], rel=1e-5)
    logged = [json.loads(line)["step"] for line in (tmp_path / "b" / "metrics.jsonl").read_text().splitlines()]
    assert logged == [m["step"] for m in unbroken.metrics]


def test_a_damaged_checkpoint_means_starting_over(make_student, traces, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".checkpoint.safetensors").write_bytes(b"\xff" * 100)
    made = learn(make_student(), traces, tmp_path / "out")
    assert made.metrics[0]["step"] == 1


def test_another_seed_gives_another_student(make_student, traces, tmp_path):
    from dataclasses import replace

    first = learn(make_student(), traces, tmp_path / "a").metrics
    second = learn(make_student(), traces, tmp_path / "b", replace(CONFIG, seed=1)).metrics
    assert [m["loss"] for m in first] != [m["loss"] for m in second]


def test_nothing_to_learn_from_is_one_clear_line(make_student, traces, tmp_path):
    with pytest.raises(TrainingError, match="no traces"):
        learn(make_student(), [], tmp_path / "a")
    with pytest.raises(TrainingError, match="longer than max_tokens=5"):
        learn(make_student(), traces, tmp_path / "b", DistillConfig(max_tokens=5))


def test_a_loss_that_is_not_finite_names_the_traces(make_student, traces, tmp_path):
    student = make_student()
    student.model.get_output_embeddings().weight.data[0, 0] = float("nan")
    with pytest.raises(TrainingError, match="not finite at step 1") as caught:
        learn(student, traces, tmp_path / "out")
    assert "worked-" in str(caught.value)


def test_a_distilled_student_is_not_distilled_again(make_student, traces, tmp_path):
    made = learn(make_student(), traces, tmp_path / "a")
    student = Student("again", made.student.model, made.student.prompter, made.student.source)
    with pytest.raises(TrainingError, match="already has an adapter"):
        learn(student, traces, tmp_path / "b")
