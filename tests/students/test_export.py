"""An exported student answers elsewhere as it does here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from workbench import workflow
from workbench.distillation import DistillConfig
from workbench.errors import InputError, StudentError
from workbench.inference import Engine, Request
from workbench.pool import embedded_pool
from workbench.records import write_records
from workbench.students import TRAINING_RECORD, export_student, load_student

QUESTIONS = ("1 + 1 = ?", "How many legs do 3 dogs have?", "What is <|im_end|> worth?")
TOKENS = 24


@pytest.fixture(scope="module")
def distilled(tiny_folder, tmp_path_factory) -> Path:
    """A tiny student that learnt a little, so that its adapter is not zero."""
    folder = tmp_path_factory.mktemp("distilled")
    write_records(folder / "traces.jsonl", embedded_pool(24, seed=3))
    config = DistillConfig(epochs=1, first_layer=1, max_tokens=2_000, budget=0.05, learning_rate=0.05)
    student = load_student(tiny_folder)
    workflow.distill_traces(folder / "traces.jsonl", student, folder / "student", config, lambda line: None)
    return folder / "student"


def answers_here(name) -> list[tuple[int, ...]]:
    student = load_student(name)
    requests = [
        Request(problem_id=str(place), prompt_ids=tuple(student.prompter.question_ids(question)), max_tokens=TOKENS)
        for place, question in enumerate(QUESTIONS)
    ]
    found = {completion.problem_id: completion.token_ids for completion in Engine(student, slots=1).run(requests)}
    return [found[str(place)] for place in range(len(QUESTIONS))]


def answers_elsewhere(folder: Path, name) -> list[tuple[int, ...]]:
    """By transformers alone; the prompts' ids are the workbench's, since templates do not guard against markers."""
    prompter = load_student(name).prompter
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ends = {AutoTokenizer.from_pretrained(folder).eos_token_id, model.generation_config.eos_token_id}
    found = []
    for question in QUESTIONS:
        ids = torch.tensor([prompter.question_ids(question)])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=TOKENS, do_sample=False)
        written = out[0, ids.shape[1] :].tolist()
        found.append(tuple(written[:-1] if written[-1] in ends else written))
    return found


def test_merged_weights_give_the_same_greedy_tokens_in_plain_transformers(distilled, tiny_folder, tmp_path):
    made = export_student(distilled, tmp_path / "merged")
    here = answers_here(distilled)
    assert here != answers_here(tiny_folder), "the adapter changes something"
    assert answers_elsewhere(tmp_path / "merged", distilled) == here
    assert answers_here(tmp_path / "merged") == here, "and in the workbench"
    assert {"config.json", "model.safetensors", "tokenizer.json", "README.md", TRAINING_RECORD} <= set(made.files)
    assert made.bytes == sum(path.stat().st_size for path in (tmp_path / "merged").rglob("*") if path.is_file())
    config = json.loads((tmp_path / "merged" / "config.json").read_text())
    assert "workbench" not in json.dumps(config)
    chat = [{"role": "user", "content": "1 + 1 = ?"}]
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "merged")
    assert "assistant" in tokenizer.apply_chat_template(chat, add_generation_prompt=True, tokenize=False)


def test_the_exported_tokenizer_names_the_token_that_ends_an_answer(distilled, saved_student, tmp_path):
    tokenizer = AutoTokenizer.from_pretrained(saved_student)
    tokenizer.eos_token = "<|im_start|>"
    tokenizer.pad_token = None
    tokenizer.save_pretrained(saved_student)
    export_student(saved_student, tmp_path / "merged")
    exported = AutoTokenizer.from_pretrained(tmp_path / "merged")
    assert exported.eos_token == "<|im_end|>"
    assert exported.pad_token_id == 0


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_half_the_size(distilled, tmp_path, dtype):
    export_student(distilled, tmp_path / "half", dtype=dtype)
    export_student(distilled, tmp_path / "whole")
    half, whole = ((tmp_path / name / "model.safetensors").stat().st_size for name in ("half", "whole"))
    assert half < 0.6 * whole
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "half", dtype="auto")
    assert model.dtype == getattr(torch, dtype)


def test_the_card_tells_budget_data_and_limits(distilled, tmp_path):
    export_student(distilled, tmp_path / "merged")
    card = (tmp_path / "merged" / "README.md").read_text()
    audit = json.loads((distilled / "adapter.json").read_text())
    assert f"{audit['trained_parameters']:,} of {audit['base_parameters']:,} parameters" in card
    assert "24 traces" in card
    assert "worked (24)" in card
    assert "restrict what its outputs may train" in card


def test_names_from_outside_are_text_in_the_card(distilled, tmp_path):
    record = json.loads((distilled / TRAINING_RECORD).read_text())
    record["teacher"] = {"<script>|x": 1}
    export_student(distilled, tmp_path / "copy", "peft")
    (tmp_path / "copy" / TRAINING_RECORD).write_text(json.dumps(record))
    export_student(tmp_path / "copy", tmp_path / "merged")
    card = (tmp_path / "merged" / "README.md").read_text()
    assert "<script>" not in card
    assert "&#60;script&#62;&#124;x (1)" in card


def test_an_adapter_is_copied_whole(distilled, tmp_path):
    export_student(distilled, tmp_path / "adapter", "peft")
    for file in (path for path in distilled.rglob("*") if path.is_file() and not path.name.startswith(".")):
        assert (tmp_path / "adapter" / file.relative_to(distilled)).read_bytes() == file.read_bytes()
    assert answers_here(tmp_path / "adapter") == answers_here(distilled)


def test_a_base_student_is_exported_as_it_is_and_has_no_adapter(tiny_folder, tmp_path):
    export_student(tiny_folder, tmp_path / "base")
    assert answers_elsewhere(tmp_path / "base", tiny_folder) == answers_here(tiny_folder)
    with pytest.raises(StudentError, match="has no adapter to copy; export it as merged"):
        export_student(tiny_folder, tmp_path / "adapter", "peft")
    assert not (tmp_path / "adapter").exists()


def test_nothing_is_overwritten(distilled, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "precious").write_text("mine")
    for out in (tmp_path / "full", distilled, tmp_path / "full" / "precious"):
        with pytest.raises(InputError, match="is not empty"):
            export_student(distilled, out)
    with pytest.raises(InputError, match="formats are merged and peft"):
        export_student(distilled, tmp_path / "x", "onnx")
    with pytest.raises(StudentError, match="no student"):
        export_student("nobody", tmp_path / "x")
    assert (tmp_path / "full" / "precious").read_text() == "mine"


def test_a_student_is_not_examined_on_what_it_was_taught(distilled, tmp_path):
    from dataclasses import replace

    from workbench.pool import embedded_problems
    from workbench.taught import untaught

    taught = [trace.problem for trace in embedded_pool(24, seed=3)]
    fresh = embedded_problems("dev", 1, seed=99)
    disguised = replace(taught[0], id="other", question=f"  {taught[0].question.upper()} ")
    export_student(distilled, tmp_path / "merged")
    for folder in (distilled, tmp_path / "merged"):
        student = load_student(folder)
        assert untaught(student, [*taught, disguised, *fresh]) == fresh
        with pytest.raises(InputError, match=r"was taught all 25 problems.*collect --holdout"):
            untaught(student, [*taught, disguised])
    said: list[str] = []
    left = workflow.untaught_problems(load_student(distilled), [*taught, *fresh], said.append)
    assert (left, said[0].startswith("24 of ")) == (fresh, True)
