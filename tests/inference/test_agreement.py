from __future__ import annotations

import torch

from tests.inference.decoding import next_logits, one_by_one
from workbench.inference import Agreement, agreement


def test_answers_are_the_same_tied_or_different(make_student):
    student = make_student()
    prompt = student.prompter.question_ids("the sum of 1 2")
    ours = one_by_one(student, prompt, 12)
    assert len(ours) == 12
    other = [*ours[:6], (ours[6] + 1) % 200, *ours[7:]]
    found = agreement(student, [(prompt, ours, ours), (prompt, ours, other), (prompt, ours, ours[:5])])
    assert found == Agreement(same=1, near_ties=0, different=2)
    assert not found.exact
    assert Agreement(same=4, near_ties=2).exact


def test_a_near_tie_is_told_from_a_difference(make_student):
    student = make_student()
    prompt = student.prompter.question_ids("the sum of 1 2")
    best, second = next_logits(student, prompt).topk(2).indices.tolist()
    head, shift = student.model.lm_head, {}
    head.register_forward_hook(lambda _, given, logits: logits.index_add(-1, torch.tensor([second]), shift["by"]))
    gap = float(torch.diff(_scores(student, prompt, best, second, shift)))
    for closer, expected in ((5e-4, "near_ties"), (5e-3, "different")):
        shift["by"] = torch.full((1, len(prompt), 1), -gap - closer)
        found = agreement(student, [(prompt, [best], [second])])
        assert getattr(found, expected) == 1


def _scores(student, prompt, best, second, shift):
    shift["by"] = torch.zeros(1, len(prompt), 1)
    return next_logits(student, prompt)[[best, second]]
