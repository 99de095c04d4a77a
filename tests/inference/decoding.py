"""What the engine is held against: a decoder that keeps nothing and shares nothing."""

from __future__ import annotations

import random

import torch

from workbench.inference import Engine, Request

WORDS = ["add", "1", "2", "the", "sum", "numbers"]


def questions(count: int, seed: int = 0) -> list[str]:
    rng = random.Random(seed)
    return [" ".join(rng.choices(WORDS, k=rng.randint(1, 12))) for _ in range(count)]


def requests(count: int, seed: int = 0, **options) -> list[Request]:
    rng = random.Random(seed)
    return [
        Request(problem_id=str(index), question=question, **{"max_tokens": rng.randint(1, 24), **options})
        for index, question in enumerate(questions(count, seed))
    ]


def prompt_of(student, request: Request) -> list[int]:
    return list(request.prompt_ids or student.prompter.question_ids(request.question))


@torch.no_grad()
def next_logits(student, ids: list[int]) -> torch.Tensor:
    return student.model(torch.tensor([ids]), use_cache=False).logits[0, -1]


def one_by_one(student, ids: list[int], limit: int, choose=None) -> list[int]:
    """The whole sequence is recomputed for every token; ``choose`` takes logits and position."""
    written: list[int] = []
    while len(written) < limit:
        logits = next_logits(student, [*ids, *written])
        token = int(logits.argmax()) if choose is None else choose(logits, len(written))
        if token in student.end_ids:
            break
        written.append(token)
    return written


def answers(student, wanted, **options) -> dict[str, tuple[int, ...]]:
    return {c.problem_id: c.token_ids for c in Engine(student, **options).run(wanted)}
