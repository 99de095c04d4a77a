"""Random schedules: whatever arrives, is injected, rewound, branched or ended when, each row is as if it ran alone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.inference.decoding import WORDS, one_by_one
from workbench.inference import Branch, End, Engine, Inject, Request, Rewind, Sampling, View
from workbench.records import Event

TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=10).map(" ".join)
KEEPS = st.none() | st.integers(0, 12)
MOVES = st.tuples(st.integers(0, 12), st.one_of(KEEPS, KEEPS, st.sampled_from(["branch", "end"])), TEXTS)
"""When to step in, how many tokens to keep (``None`` for all) or what else to do, and what to write."""
COPY = 7
"""Sample number of a branch."""


@dataclass(frozen=True)
class Wish:
    question: str
    max_tokens: int
    sample: int
    moves: tuple
    stop: tuple

    def controller(self, encode):
        left = list(self.moves)

        def control(view: View):
            if not left or len(view.token_ids) < left[0][0]:
                return None
            _, keep, text = left.pop(0)
            event = Event(intervention="move", position=len(view.token_ids), reason="test", action="move")
            if keep == "end":
                return End(event)
            if keep == "branch":
                return Branch((COPY,), event)
            ids = tuple(encode(text))
            return Inject(ids, event) if keep is None else Rewind(min(keep, len(view.token_ids)), ids, event)

        return control


WISHES = st.builds(
    Wish,
    question=TEXTS,
    max_tokens=st.integers(1, 20),
    sample=st.integers(0, 3),
    # One branch at most: copies of one number would be one answer told twice.
    moves=st.lists(MOVES, max_size=3).filter(lambda moves: sum(move[1] == "branch" for move in moves) < 2).map(tuple),
    stop=st.lists(st.sampled_from(["1", " sum", "the", "2 2"]), max_size=2).map(tuple),
)


@cache
def student_of(architecture: str):
    from tests.conftest import tiny_student

    return tiny_student(architecture)


def alone(student, wish: Wish, name: str, sampling: Sampling) -> dict[int, tuple[int, ...]]:
    """The same wish without a cache, a batch, or a chunk: the answer by its sample number, a branch's beside it."""
    answers, rows = {}, [(wish.sample, [], wish.max_tokens, list(wish.moves))]
    while rows:
        sample, written, limit, moves = rows.pop()
        answers[sample] = continued(student, wish, name, sampling, sample, written, limit, moves, rows)
    return answers


def continued(student, wish, name, sampling, sample, written, limit, moves, rows) -> tuple[int, ...]:
    def choose(position, logits, _):
        return sampling.choose(logits[None], [(name, sample, position)])[0]

    prompt = student.prompter.question_ids(wish.question)
    while len(written) < limit:
        proposed = one_by_one(student, [*prompt, *written], 1, partial(choose, len(written)))
        if moves and len(written) >= moves[0][0]:
            _, keep, text = moves.pop(0)
            if keep == "end":
                break
            if keep == "branch":
                rows.append((COPY, [*written], limit, []))
                if not proposed:
                    break
                written = written + proposed
                text = ""
            elif keep is not None:
                keep = min(keep, len(written))
                limit -= len(written) - keep
                written = written[:keep]
            written = (written + student.prompter.text_ids(text))[:limit]
        elif proposed:
            written += proposed
        else:
            break
        if any(marker in student.prompter.decode(written) for marker in wish.stop):
            break
    return tuple(written)


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text", "qwen3"])
@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    wishes=st.lists(WISHES, min_size=1, max_size=7),
    slots=st.integers(1, 5),
    step_tokens=st.sampled_from([4, 32, 1024]),
    temperature=st.sampled_from([0.0, 1.0]),
)
def test_every_row_is_as_if_it_ran_alone(architecture, wishes, slots, step_tokens, temperature):
    from workbench.inference import batch

    student, sampling = student_of(architecture), Sampling(temperature=temperature, seed=5)
    wanted = [
        Request(
            problem_id=str(n),
            question=wish.question,
            max_tokens=wish.max_tokens,
            sample=wish.sample,
            stop=wish.stop,
            steering=wish,
            logprobs=n % 2 == 0,
        )
        for n, wish in enumerate(wishes)
    ]
    usual, batch.STEP_TOKENS = batch.STEP_TOKENS, step_tokens
    try:
        found = {(c.problem_id, c.sample): c for c in Engine(student, slots=slots, sampling=sampling).run(wanted)}
    finally:
        batch.STEP_TOKENS = usual
    expected = {
        (str(n), sample): answer
        for n, wish in enumerate(wishes)
        for sample, answer in alone(student, wish, str(n), sampling).items()
    }
    assert {key: completion.token_ids for key, completion in found.items()} == expected
    for completion in found.values():
        if completion.logprobs is not None:
            assert len(completion.logprobs) == len(completion.token_ids)
