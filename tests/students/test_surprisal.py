"""How a student takes a trace: the three measures, against whole logits of one sequence at a time."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from workbench.errors import StudentError
from workbench.students.surprisal import RANK_LIMIT, Passage, passage, read_passages


def plain(student, prompt, text):
    """Surprisal and rank of each token of a text, from whole logits of this sequence alone."""
    ids = torch.tensor([[*prompt, *text]])
    logits = student.model(input_ids=ids).logits[0, len(prompt) - 1 : -1]
    own = logits.log_softmax(-1)[range(len(text)), list(text)]
    ranks = [int((row > row[token]).sum()) + 1 for row, token in zip(logits, text, strict=True)]
    return -own, torch.tensor(ranks, dtype=torch.float32).clamp(max=RANK_LIMIT)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "windowed_mistral"])
def test_measures_are_those_of_whole_logits(make_student, architecture, traces) -> None:
    student = make_student(architecture)
    passages = [passage(trace, student) for trace in traces[:40]]
    readings = dict(read_passages(student, passages))
    assert sorted(readings) == list(range(40))
    for place in range(0, 40, 7):
        prompt, steps = passages[place].prompt, passages[place].steps
        nats, ranks = plain(student, prompt, [token for step in steps for token in step])
        assert readings[place].tokens == len(nats)
        assert readings[place].surprisal == pytest.approx(float(nats.mean()), rel=1e-4)
        assert readings[place].rank_surprisal == pytest.approx(float(ranks.sum() / nats.sum()), rel=1e-3)


def test_local_surprisal_sees_one_step_back_and_no_further(make_student) -> None:
    student = make_student()
    steps = ((65, 66, 67), (70, 71), (72, 73, 74, 75), (80, 81))
    ((_, reading),) = read_passages(student, [Passage((1, 60, 61, 2), steps)])
    means = [float(plain(student, before, step)[0].mean()) for before, step in pairwise(steps)]
    assert reading.local_surprisal == pytest.approx(sum(means) / 3, rel=1e-4)
    changed = ((90, 91, 92), *steps[1:2], *steps[2:])
    ((_, other),) = read_passages(student, [Passage((1, 60, 61, 2), changed)])
    assert other.surprisal != reading.surprisal
    alone = read_passages(student, [Passage((1, 60), steps[:1])])
    assert next(alone)[1].local_surprisal == pytest.approx(float(plain(student, (1, 60), steps[0])[0].mean()), rel=1e-4)


def test_what_a_student_wrote_itself_surprises_it_less(make_student) -> None:
    student = make_student()
    prompt = student.prompter.question_ids("What is 1 + 1?")
    own = student.model.generate(torch.tensor([prompt]), max_new_tokens=12, do_sample=False)[0, len(prompt) :].tolist()
    passages = [Passage(tuple(prompt), (tuple(answer),)) for answer in (own, [99, 50, 7])]
    readings = dict(read_passages(student, passages))
    assert readings[0].surprisal < readings[1].surprisal
    assert readings[0].rank_surprisal < readings[1].rank_surprisal


def test_scaled_logits_are_refused(make_student) -> None:
    with pytest.raises(StudentError, match="'granite' scale their logits"):
        list(read_passages(make_student("granite"), [Passage((1, 2), ((3, 4),))]))
