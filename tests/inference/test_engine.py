"""The engine against transformers' own `generate`, row by row, and against itself under other schedules."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
import torch

from workbench.errors import StudentError
from workbench.inference import Engine, Inject, Request, Sampling, View
from workbench.records import Event

ARCHITECTURES = ("llama", "qwen2", "qwen3", "mistral")


def questions(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [
        " ".join(rng.choices(["add", "1", "2", "the", "sum", "numbers"], k=rng.randint(1, 12))) for _ in range(count)
    ]


def requests(student, count: int, seed: int = 0, **options) -> list[Request]:
    rng = random.Random(seed)
    return [
        Request(
            problem_id=str(index),
            prompt_ids=tuple(student.prompter.question_ids(question)),
            max_tokens=rng.randint(1, 24),
            **options,
        )
        for index, question in enumerate(questions(count, seed))
    ]


def one_by_one(student, request: Request) -> list[int]:
    """An independent decoding: the whole sequence is recomputed for every token."""
    ids = list(request.prompt_ids)
    written: list[int] = []
    with torch.no_grad():
        while len(written) < request.max_tokens:
            token = int(student.model(torch.tensor([ids + written])).logits[0, -1].argmax())
            if token in student.end_ids:
                break
            written.append(token)
    return written


def answers(student, wanted, **options) -> dict[str, tuple[int, ...]]:
    return {c.problem_id: c.token_ids for c in Engine(student, **options).run(wanted)}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batched_equals_one_by_one(make_student, architecture):
    student = make_student(architecture)
    wanted = requests(student, 12)
    expected = {request.problem_id: tuple(one_by_one(student, request)) for request in wanted}
    assert answers(student, wanted, slots=5) == expected
    assert len({len(ids) for ids in expected.values()}) > 1


@pytest.mark.parametrize("slots", [1, 2, 3, 7, 30])
def test_refilled_equals_unrefilled(make_student, slots):
    student = make_student()
    wanted = requests(student, 20, seed=1)
    assert answers(student, wanted, slots=slots) == answers(student, wanted, slots=64)


@dataclass(frozen=True)
class InjectAt:
    """Injects a text once, when a number of tokens is written."""

    at: int
    text: str

    def controller(self, encode):
        fired = []

        def control(view: View):
            if len(view.token_ids) >= self.at and not fired:
                fired.append(True)
                event = Event(intervention="InjectAt", position=len(view.token_ids), reason="test", action="inject")
                return Inject(tuple(encode(self.text)), event)
            return None

        return control


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_injecting_with_the_cache_kept_equals_recomputing(make_student, architecture):
    student = make_student(architecture)
    steered = requests(student, 8, seed=2, steering=InjectAt(3, " Check: 1 + 1"))
    injected = student.prompter.text_ids(" Check: 1 + 1")
    got = answers(student, steered, slots=3)
    for request in steered:
        plain = one_by_one(student, request)
        expected = plain[:3]
        if len(expected) < request.max_tokens:
            expected = [*expected, *injected]
            prompt = (*request.prompt_ids, *expected)
            left = request.max_tokens - len(expected)
            if left > 0:
                expected += one_by_one(student, Request(problem_id="", prompt_ids=prompt, max_tokens=left))
        assert got[request.problem_id] == tuple(expected[: request.max_tokens])


def test_an_injection_in_one_row_changes_no_other(make_student):
    student = make_student()
    plain = requests(student, 6, seed=4)
    mixed = [plain[0], *requests(student, 6, seed=4, steering=InjectAt(2, "Wait"))[1:2], *plain[2:]]
    before, after = answers(student, plain, slots=6), answers(student, mixed, slots=6)
    assert {k: v for k, v in before.items() if k != "1"} == {k: v for k, v in after.items() if k != "1"}
    assert before["1"] != after["1"]


def test_sampling_noise_belongs_to_the_position_not_the_batch(make_student):
    student = make_student()
    wanted = requests(student, 10, seed=5)
    sampling = Sampling(temperature=1.0, seed=7)
    drawn = answers(student, wanted, slots=2, sampling=sampling)
    assert drawn == answers(student, wanted[::-1], slots=64, sampling=sampling)
    assert drawn != answers(student, wanted, slots=2, sampling=Sampling(temperature=1.0, seed=8))
    assert drawn != answers(student, wanted, slots=2)


def test_every_completion_says_how_it_ended(make_student):
    student = make_student()
    for completion in Engine(student, slots=4).run(requests(student, 12, seed=6)):
        limit = {r.problem_id: r.max_tokens for r in requests(student, 12, seed=6)}[completion.problem_id]
        assert completion.finish_reason in {"stop", "length"}
        assert (len(completion.token_ids) == limit) == (completion.finish_reason == "length")
        assert not set(completion.token_ids) & student.end_ids


def test_a_model_with_sliding_windows_is_refused_with_the_reason(make_student):
    student = make_student()
    student.model.config.layer_types = ["sliding_attention", "full_attention"] * 2
    with pytest.raises(StudentError, match="sliding_attention"):
        Engine(student)


def test_no_requests_give_no_completions(make_student):
    assert list(Engine(make_student()).run([])) == []
