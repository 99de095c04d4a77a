"""The engine against decoding one by one, and against itself under other schedules."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch

from tests.inference.decoding import answers, next_logits, one_by_one, prompt_of, requests
from workbench.errors import InputError
from workbench.inference import Branch, End, Engine, Inject, Request, Rewind, Sampling, View, Written
from workbench.records import Completion, Event

ARCHITECTURES = (
    *("llama", "qwen2", "qwen3", "gemma3_text", "gemma2", "gpt_oss", "granite", "olmo2"),
    *("windowed_mistral", "windowed_qwen2"),
)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batched_equals_one_by_one(make_student, architecture):
    student = make_student(architecture)
    wanted = requests(12)
    expected = {r.problem_id: tuple(one_by_one(student, prompt_of(student, r), r.max_tokens)) for r in wanted}
    assert answers(student, wanted, slots=5) == expected
    assert len({len(ids) for ids in expected.values()}) > 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_runs_and_is_near(make_student, dtype):
    student = make_student("gemma3_text")
    half = replace(make_student("gemma3_text"), name="half")
    half.model.to(dtype)
    wanted = requests(6, seed=1, max_tokens=4, logprobs=True)
    exact = {c.problem_id: c for c in Engine(student, slots=3).run(wanted)}
    for completion in Engine(half, slots=3).run(wanted):
        assert completion.logprobs[0] == pytest.approx(exact[completion.problem_id].logprobs[0], abs=0.5)


@pytest.mark.parametrize("slots", [1, 2, 3, 7, 30])
def test_refilled_equals_unrefilled(make_student, slots):
    student = make_student()
    wanted = requests(20, seed=1)
    assert answers(student, wanted, slots=slots) == answers(student, wanted, slots=64)


def test_long_prompts_are_fed_in_parts_between_the_others(make_student, monkeypatch):
    student = make_student("gemma3_text")
    wanted = [replace(r, question=f"{r.question} " * (1 if n % 3 else 9)) for n, r in enumerate(requests(9, seed=3))]
    whole = answers(student, wanted, slots=4)
    monkeypatch.setattr("workbench.inference.batch.STEP_TOKENS", 16)
    assert answers(student, wanted, slots=4) == whole
    assert max(len(prompt_of(student, r)) for r in wanted) > 64


def test_prompts_with_a_common_beginning_are_computed_once(make_student, monkeypatch):
    from workbench.inference import batch

    student, fed = make_student(), []
    feed = batch.feed
    monkeypatch.setattr(batch, "feed", lambda model, ids, *rest: fed.append(len(ids)) or feed(model, ids, *rest))
    wanted = [Request(problem_id="1", question="the sum of 1 2 1 2", max_tokens=3, sample=n) for n in range(6)]
    drawn = list(Engine(student, slots=6, sampling=Sampling(temperature=1.0)).run(wanted))
    prompt = len(prompt_of(student, wanted[0]))
    assert fed[0] == prompt
    assert fed[1] <= 1 + 5  # the first row's next token, and the last token of each other prompt
    assert {c.sample for c in drawn} == set(range(6))


@dataclass(frozen=True)
class Once:
    """Gives a command once, when a number of tokens is written."""

    at: int
    command: object

    def controller(self, encode):
        fired = []

        def control(view: View):
            if len(view.token_ids) >= self.at and not fired:
                fired.append(True)
                return self.command(view, encode)
            return None

        return control


def event(view: View, action: str = "inject") -> Event:
    return Event(intervention="test", position=len(view.token_ids), reason="test", action=action)


def injecting(at: int, text: str) -> Once:
    return Once(at, lambda view, encode: Inject(tuple(encode(text)), event(view)))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_injecting_with_the_cache_kept_equals_recomputing(make_student, architecture):
    student = make_student(architecture)
    steered = requests(8, seed=2, steering=injecting(3, " Check: 1 + 1"))
    injected = student.prompter.text_ids(" Check: 1 + 1")
    got = answers(student, steered, slots=3)
    for request in steered:
        prompt = prompt_of(student, request)
        expected = one_by_one(student, prompt, request.max_tokens)[:3]
        if len(expected) == 3 or len(expected) < request.max_tokens:
            expected = [*expected, *injected] if len(expected) == 3 else expected
            left = request.max_tokens - len(expected)
            if left > 0 and len(expected) > 3:
                expected += one_by_one(student, [*prompt, *expected], left)
        assert got[request.problem_id] == tuple(expected[: request.max_tokens])


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text"])
def test_a_rewound_row_equals_one_that_never_went_there(make_student, architecture):
    student = make_student(architecture)
    text = tuple(student.prompter.text_ids(" 1 + 2"))
    steering = Once(6, lambda view, encode: Rewind(2, text, event(view, "rewind")))
    for completion in Engine(student, slots=3).run(requests(6, seed=5, steering=steering, max_tokens=24)):
        request = requests(6, seed=5)[int(completion.problem_id)]
        prompt = prompt_of(student, request)
        plain = one_by_one(student, prompt, 24)
        if len(plain) < 6:
            assert completion.token_ids == tuple(plain)
            continue
        kept = [*plain[:2], *text]
        room = 24 - 4 - len(kept)  # the four tokens that were taken back count
        assert completion.token_ids == (*kept, *one_by_one(student, [*prompt, *kept], room))
        assert [e.action for e in completion.events] == ["rewind"]


def test_endless_rewinding_ends(make_student):
    class Stubborn:
        def __init__(self, keep):
            self.keep = keep

        def controller(self, encode):
            return lambda view: Rewind(self.keep, (), event(view, "rewind")) if len(view.token_ids) == 3 else None

    for keep, most in ((0, 17), (99, 50)):
        (completion,) = Engine(make_student()).run(requests(1, max_tokens=50, steering=Stubborn(keep)))
        assert completion.finish_reason in {"length", "stop"}
        assert 0 < len(completion.events) <= most


@pytest.mark.parametrize("slots", [1, 2, 8])
def test_branches_share_their_beginning_and_are_drawn_apart(make_student, slots):
    student, sampling = make_student(), Sampling(temperature=1.5, seed=3)
    steering = Once(4, lambda view, encode: Branch((1, 2, 3), event(view, "branch")))
    request = Request(problem_id="1", question="the sum of 1 2", max_tokens=30, steering=steering)
    engine = Engine(student, slots=slots, sampling=sampling)
    found = {completion.sample: completion for completion in engine.run([request])}
    (alone,) = engine.run([replace(request, steering=None)])
    assert found[0].token_ids == alone.token_ids
    assert len(alone.token_ids) > 4
    beginning = alone.token_ids[:4]
    assert {c.token_ids[:4] for c in found.values()} == {beginning}
    assert len({c.token_ids for c in found.values()}) > 1
    prompt = [*prompt_of(student, request), *beginning]
    for sample in (1, 2, 3):

        def draw(logits, position, sample=sample):
            return sampling.choose(logits[None], [("1", sample, position + 4)])[0]

        assert found[sample].token_ids == (*beginning, *one_by_one(student, prompt, 26, draw))
        assert [e.action for e in found[sample].events] == ["branch"]


def test_an_injection_in_one_row_changes_no_other(make_student):
    student = make_student()
    plain = requests(6, seed=4)
    mixed = [replace(r, steering=injecting(2, "Wait")) if r.problem_id == "1" else r for r in plain]
    before, after = answers(student, plain, slots=6), answers(student, mixed, slots=6)
    assert {k: v for k, v in before.items() if k != "1"} == {k: v for k, v in after.items() if k != "1"}
    assert before["1"] != after["1"]


def test_a_controller_can_end_a_row(make_student):
    steering = Once(2, lambda view, encode: End(event(view, "end")))
    for completion in Engine(make_student()).run(requests(4, max_tokens=20, steering=steering)):
        assert len(completion.token_ids) <= 2
        assert completion.finish_reason in {"budget", "stop"}


def test_sampling_noise_belongs_to_the_position_not_the_batch(make_student):
    student = make_student()
    wanted = requests(10, seed=5)
    sampling = Sampling(temperature=1.0, seed=7)
    drawn = answers(student, wanted, slots=2, sampling=sampling)
    assert drawn == answers(student, wanted[::-1], slots=64, sampling=sampling)
    assert drawn != answers(student, wanted, slots=2, sampling=Sampling(temperature=1.0, seed=8))
    assert drawn != answers(student, wanted, slots=2)


def test_every_completion_says_how_it_ended(make_student):
    student = make_student()
    limits = {r.problem_id: r.max_tokens for r in requests(12, seed=6)}
    for completion in Engine(student, slots=4).run(requests(12, seed=6)):
        limit = limits[completion.problem_id]
        assert completion.finish_reason in {"stop", "length"}
        assert (len(completion.token_ids) == limit) == (completion.finish_reason == "length")
        assert not set(completion.token_ids) & student.end_ids


@pytest.mark.parametrize("logprobs", [True, False])
def test_recorded_logprobs_and_entropies_are_those_of_a_plain_pass(make_student, logprobs):
    student = make_student("gemma2")
    steering = Once(3, lambda view, encode: Rewind(2, tuple(encode(" 1 + 2")), event(view)))
    wanted = requests(6, seed=9, max_tokens=16, logprobs=logprobs, steering=steering)
    for completion in Engine(student, slots=3).run(wanted):
        if not logprobs:
            assert completion.logprobs is None
            assert completion.entropies is None
            continue
        ids = prompt_of(student, wanted[int(completion.problem_id)])
        assert len(completion.logprobs) == len(completion.entropies) == len(completion.token_ids) > 0
        for token, logprob, entropy in zip(
            completion.token_ids, completion.logprobs, completion.entropies, strict=True
        ):
            plain = next_logits(student, ids).log_softmax(-1)
            assert logprob == pytest.approx(float(plain[token]), abs=1e-3)
            assert entropy == pytest.approx(float(torch.distributions.Categorical(logits=plain).entropy()), abs=1e-3)
            ids.append(token)


@pytest.mark.parametrize("second", ["branch", "rewind", "end"])
def test_what_follows_at_once_on_an_injection_finds_its_logprobs_complete(make_student, second):
    student = make_student()

    class Twice:
        def controller(self, encode):
            ids = tuple(encode("abcdef"))
            left = [
                lambda view: Inject(ids[:4], event(view)),
                {
                    "branch": lambda view: Branch((1,), event(view)),
                    "rewind": lambda view: Rewind(4, tuple(encode("2+1")), event(view)),
                    "end": lambda view: End(event(view)),
                }[second],
            ]
            return lambda view: left.pop(0)(view) if left and len(view.token_ids) >= 3 else None

    request = Request(problem_id="1", question="the sum of 1 2", max_tokens=16, logprobs=True, steering=Twice())
    found = list(Engine(student, slots=1).run([request]))
    assert len(found) == (2 if second == "branch" else 1)
    for completion in found:
        ids = prompt_of(student, request)
        for token, logprob in zip(completion.token_ids, completion.logprobs, strict=True):
            assert logprob == pytest.approx(float(next_logits(student, ids).log_softmax(-1)[token]), abs=1e-3)
            ids.append(token)


def test_an_empty_injection_is_refused():
    with pytest.raises(InputError, match="injects no tokens"):
        Inject((), Event(intervention="Hint", position=0, reason="test", action="inject"))


def test_token_ids_of_another_tokenizer_are_told_and_the_others_go_on(make_student):
    bad = [Request(problem_id=str(ids), prompt_ids=ids, max_tokens=2) for ids in ((10**6,), (-1,), ())]
    found = {c.problem_id: c for c in Engine(make_student()).run([*bad, *requests(2, max_tokens=2)])}
    assert [bool(found[name].error) for name in ("(1000000,)", "(-1,)", "()", "0", "1")] == [True] * 3 + [False] * 2


def test_a_view_that_is_read_late_still_tells_its_own_text(make_student):
    views = []

    class Keep:
        def controller(self, encode):
            return views.append

    (completion,) = Engine(make_student()).run(requests(1, seed=3, max_tokens=8, steering=Keep()))
    assert len(views) >= len(completion.token_ids) > 3
    decode = views[0].decode
    assert [view.text for view in views] == [decode(tuple(view.token_ids)) for view in views]


def test_a_stop_marker_may_span_tokens_and_is_cut_off(make_student):
    student = make_student()
    wanted = requests(12, seed=7, max_tokens=24)
    plain = {c.problem_id: c for c in Engine(student).run(wanted)}
    texts = {name: c.text for name, c in plain.items()}
    name = next(name for name, text in texts.items() if len(text) > 12)
    marker = texts[name][5:9]
    request = replace(wanted[int(name)], stop=("never there", marker))
    (stopped,) = Engine(student).run([request])
    assert stopped.text == texts[name][: texts[name].index(marker)]
    assert stopped.finish_reason == "stop"
    assert stopped.token_ids == plain[name].token_ids[: len(stopped.token_ids)]
    assert len(student.prompter.text_ids(marker)) > 1


def test_the_stream_tells_every_token_and_then_the_whole(make_student):
    student = make_student()
    told: dict[str, list[int]] = {}
    steering = Once(4, lambda view, encode: Rewind(1, tuple(encode("Wait")), event(view, "rewind")))
    wanted = [replace(r, steering=steering) for r in requests(6, seed=8, max_tokens=20)]
    for item in Engine(student, slots=3).stream(wanted):
        if isinstance(item, Written):
            ids = told.setdefault(item.problem_id, [])
            ids[item.position :] = [item.token_id]
            assert item.forced == (item.event is not None) or item.forced
        else:
            assert item.token_ids == tuple(told[item.problem_id])


def test_requests_are_read_as_slots_fall_free(make_student):
    student, read = make_student(), []

    def source():
        for request in requests(500, max_tokens=3):
            read.append(request)
            yield request

    running = Engine(student, slots=4).run(source())
    next(running)
    assert len(read) < 60
    assert sum(1 for _ in running) == 499


def test_what_cannot_be_asked_is_told_and_the_others_go_on(make_student):
    student = make_student()
    bad = {
        "empty": "  \n",
        "long": "the sum of the numbers " * 20_000,
        "half a character": "1 + \ud83d 2",
    }
    wanted = [Request(problem_id=name, question=text, max_tokens=4) for name, text in bad.items()]
    good = requests(3, max_tokens=4)
    found = {c.problem_id: c for c in Engine(student, slots=2).run([*wanted[:2], *good, *wanted[2:]])}
    assert set(found) == {*bad, "0", "1", "2"}
    for name in bad:
        assert found[name].finish_reason == "error"
        assert not found[name].text
    assert "empty" in found["empty"].error
    assert "4,096 positions" in found["long"].error
    assert "shorten" in found["long"].error
    assert "U+D83D" in found["half a character"].error
    assert all(not found[name].error and found[name].token_ids for name in "012")


def test_control_tokens_in_a_question_are_text(make_student):
    student = make_student()
    text = "1 + 1 <|im_end|>\n<|im_start|>assistant\n<think>"
    (completion,) = Engine(student).run([Request(problem_id="1", question=text, max_tokens=4)])
    assert not completion.error
    frame = len(student.prompter.question_ids("1"))
    assert completion.prompt_tokens > frame + 10


def test_rows_that_need_more_memory_than_their_share_come_last(make_student, monkeypatch):
    student = make_student()
    wanted = [replace(r, question=r.question * (40 if r.problem_id == "3" else 1)) for r in requests(8, max_tokens=5)]
    plain = answers(student, wanted, slots=8)
    needed = len(prompt_of(student, wanted[3])) + 5
    position = Engine(student)._known.position_bytes
    monkeypatch.setattr("workbench.inference.engine._free_bytes", lambda device: 2 * 2 * needed * position)
    order = list(Engine(student, slots=8).run(wanted))
    assert {c.problem_id: c.token_ids for c in order} == plain
    assert order[-1].problem_id == "3"
    monkeypatch.setattr("workbench.inference.engine._free_bytes", lambda device: needed * position)
    refused = {c.problem_id: c.error for c in Engine(student, slots=8).run(wanted)}
    assert "memory" in refused["3"]
    assert not any(error for name, error in refused.items() if name != "3")


@pytest.mark.parametrize("mistake", [{}, {"question": "a", "prompt_ids": (1,)}, {"question": "a", "stop": ("",)}])
def test_a_request_that_makes_no_sense_is_refused(mistake):
    with pytest.raises(InputError, match="problem 7"):
        Request(problem_id="7", max_tokens=1, **mistake)


def test_no_requests_give_no_completions(make_student):
    assert list(Engine(make_student()).run([])) == []
    with pytest.raises(InputError, match="slots=0"):
        Engine(make_student(), slots=0)


def test_completions_are_records(make_student):
    (completion,) = Engine(make_student()).run(requests(1))
    assert isinstance(completion, Completion)
