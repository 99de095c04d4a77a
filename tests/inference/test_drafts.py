"""Guesses may save passes; what is written must not depend on them."""

from __future__ import annotations

import pytest

from tests.inference.decoding import answers, requests
from workbench.inference import Engine, Sampling, batch
from workbench.inference.drafts import REMEMBERED, Drafts


@pytest.mark.parametrize("architecture", ["llama", "gemma3_text", "qwen2"])
@pytest.mark.parametrize("temperature", [0.0, 0.7])
@pytest.mark.parametrize("slots", [1, 3])
def test_guesses_save_passes_and_change_no_answer(make_student, monkeypatch, architecture, temperature, slots):
    student, passes, feed = make_student(architecture), [], batch.feed
    monkeypatch.setattr(batch, "feed", lambda model, ids, *rest: passes.append(ids) or feed(model, ids, *rest))
    wanted = requests(8, seed=4, max_tokens=40)
    options = {"slots": slots, "sampling": Sampling(temperature=temperature, seed=3)}
    plain, engine = answers(student, wanted, drafts=False, **options), Engine(student, **options)
    needed = len(passes)
    for _ in range(2):  # what was written in the first round is known in the second
        passes.clear()
        assert {c.problem_id: c.token_ids for c in engine.run(wanted)} == plain
    assert len(passes) < needed * (0.5 if slots == 1 else 0.8)


def test_a_guess_follows_the_longest_context_that_was_seen_and_the_newest_of_those():
    drafts = Drafts()
    drafts.learn([1, 2, 3, 9, 2, 3, 7, 8], 1)
    assert drafts.guess([2, 3], 2) == [7, 8]
    assert drafts.guess([1, 2, 3], 1) == [9]
    assert drafts.guess([3], 2) == []
    assert drafts.guess([2, 3], 0) == []


def test_what_is_remembered_stays_bounded():
    drafts = Drafts()
    for start in range(0, 3 * REMEMBERED, 1_000):
        drafts.learn(list(range(start, start + 1_000)), 1)
    assert len(drafts._next) <= REMEMBERED + 4_000
    assert drafts.guess([start + 500, start + 501], 1) == [start + 502]
