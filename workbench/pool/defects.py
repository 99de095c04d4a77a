"""Defects that are planted in the pool, so that curation can be measured against labels it never sees (ours)."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Literal, get_args

from workbench.pool.family import Family
from workbench.pool.mistakes import mistaken
from workbench.records import Problem, Step, Trace

Kind = Literal[
    "wrong answer",
    "cut off",
    "looping",
    "exact duplicate",
    "near duplicate",
    "held-out paraphrase",
    "control token",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
COPIES: tuple[Kind, ...] = ("exact duplicate", "near duplicate", "held-out paraphrase")
"""Made from another problem than the row's own."""

_TOKENS = ("<|im_end|>", "<|im_start|>", "<|endoftext|>", "<think>", "</think>", "</s>", "[/INST]", "<end_of_turn>",
           "<|eot_id|>", "<tool_call>")  # fmt: skip
_LOOPS = ("Wait, let me check this again.", "So we go on in the same way.", "Hmm, that is the same as before, I think.")
_FRAMES = (
    "{}",
    "Here is a task for you. {}",
    "Please solve this: {}",
    "{} Explain how you got there.",
    "I could not do this one, can you? {}",
)
_SYNONYMS = (
    (r"\bWhat is\b", ("Work out", "Tell me")),
    (r"\bHow many\b", ("What number of", "Count how many")),
    (r"\b(?:State|Give|Name) the (?:final )?answer\b", ("Say the result", "Tell the result")),
    (r"\b(?:Calculate|Compute|Evaluate|Determine|Find)\b", ("Work out", "Get")),
    (r"\bSolve (?:for )?", ("Find ", "Work out ")),
    (r"\bWrite\b", ("Put down", "Note down")),
    (r"\bIf you have\b", ("Suppose you own", "Imagine you have")),
    (r"\bhow much time\b|\bHow long\b", ("for what time", "What length of time")),
    (r"\bprobability\b", ("chance",)),
    (r"\bodds\b", ("chances",)),
    (r"\bseparated by\b", ("set apart by",)),
    (r"\bconvert\b", ("turn",)),
    (r"\bfollowing\b", ("given",)),
)
_EDITS: tuple[Callable[[str], str], ...] = (
    lambda text: f"{text} ",
    lambda text: text.replace(" ", "  ", 3),
    lambda text: text.replace("?", " ?").replace(".", " .", 1),
    lambda text: f"Question: {text}",
    lambda text: text[0].swapcase() + text[1:] + ".",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """What is wrong with one trace of a pool, as a line of ``STEM.labels.jsonl``; sound traces have no line."""

    schema: Literal["workbench.label/1"] = "workbench.label/1"
    id: str
    """The trace's."""
    kind: Kind
    of: str = ""
    """The id of the trace or held-out problem that it was made from."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Original:
    """What a defect is made from."""

    family: Family
    problem: Problem
    trace: Trace
    """The worked trace of ``problem``."""


def plant(kind: Kind, row: Trace, original: Original, rng: Random) -> tuple[Trace, Label] | None:
    """Returns a trace with a defect, under the ids of its row, and its label.

    Args:
        kind: of the defect.
        row: the sound trace whose place it takes.
        original: what it is made from: the row itself, or another problem for the kinds in `COPIES`.
        rng: decides where and how.

    Returns:
        ``None`` where the defect cannot be made from this trace.
    """
    made = _PLANTERS[kind](original, rng)
    if made is None:
        return None
    trace, detail = made
    problem = replace(trace.problem, id=row.problem.id)
    of = original.trace.id if original.problem.id != row.problem.id else ""
    of = original.problem.id if kind == "held-out paraphrase" else of
    return replace(trace, id=row.id, problem=problem), Label(id=row.id, kind=kind, of=of, detail=detail)


Made = tuple[Trace, str] | None


def _wrong(original: Original, rng: Random) -> Made:
    """A wrong answer; for every other trace the last step leads to it as well."""
    trace, right = original.trace, original.trace.answer or ""
    wrong = mistaken(original.family, original.problem, right, rng)
    if wrong is None:
        return None
    steps = trace.steps
    if rng.random() < 0.5:
        places = [place for place, step in enumerate(steps) if step.role == "tactic" and step.text.endswith(right)]
        steps = tuple(
            replace(step, text=step.text.removesuffix(right) + wrong) if place in places[-2:] else step
            for place, step in enumerate(steps)
        )
    return replace(trace, steps=steps, answer=wrong), f"{wrong}, right is {right}"


def _cut_off(original: Original, rng: Random) -> Made:
    """Ends in the middle of a step; every other time the teacher does not say so."""
    trace = original.trace
    left = int(sum(len(step.text) for step in trace.steps) * rng.uniform(0.15, 0.85))
    steps: list[Step] = []
    for step in trace.steps:
        if left <= 0:
            break
        steps.append(replace(step, text=step.text[:left].rstrip() or step.text[:1]))
        left -= len(step.text)
    reason = rng.choice(("length", "stop"))
    return replace(trace, steps=tuple(steps), answer=None, finish_reason=reason), f"finish_reason {reason}"


def _looping(original: Original, rng: Random) -> Made:
    """One sentence, or one step, again and again."""
    trace, times = original.trace, rng.randint(12, 40)
    place = rng.choice([place for place, step in enumerate(trace.steps) if step.role == "tactic"])
    step = trace.steps[place]
    if rng.random() < 0.5:
        loop: tuple[Step, ...] = (replace(step, text=f"{step.text}\n" + " ".join([rng.choice(_LOOPS)] * times)),)
    else:
        loop = tuple(replace(step, text=f"{step.text}, so we go on") for _ in range(times))
    return replace(trace, steps=(*trace.steps[:place], *loop, *trace.steps[place + 1 :])), f"{times} times"


def _exact(original: Original, rng: Random) -> Made:
    return original.trace, ""


def _near(original: Original, rng: Random) -> Made:
    """The same problem with small edits of blanks, marks or one word."""
    question = original.problem.question
    place = rng.choice([n for n, edit in enumerate(_EDITS) if edit(question) != question])
    return _asked(original.trace, _EDITS[place](question)), f"edit {place}"


def _asked(trace: Trace, question: str) -> Trace:
    return replace(trace, problem=replace(trace.problem, question=question))


def paraphrased(question: str, rng: Random) -> str:
    """Returns a question in other words, with the same numbers and names.

    >>> paraphrased("What is 3 + 4?", Random(1)) != "What is 3 + 4?"
    True
    """
    changed = question
    for pattern, others in _SYNONYMS:
        changed = re.sub(pattern, rng.choice(others), changed)
    frames = _FRAMES if changed != question else _FRAMES[1:]
    return rng.choice(frames).format(changed)


def _paraphrase(original: Original, rng: Random) -> Made:
    question = paraphrased(original.problem.question, rng)
    return _asked(original.trace, question), f"held out: {original.problem.question}"


def _control(original: Original, rng: Random) -> Made:
    """A marker of some chat template in the question, a step or the answer."""
    trace, token = original.trace, rng.choice(_TOKENS)
    where = rng.choice(("question", "step", "answer"))
    if where == "question":
        return _asked(trace, f"{trace.problem.question} {token}"), f"{token} in the question"
    if where == "answer":
        return replace(trace, answer=f"{trace.answer}{token}"), f"{token} in the answer"
    place = rng.randrange(len(trace.steps))
    text = trace.steps[place].text
    cut = rng.randrange(len(text) + 1)
    changed = replace(trace.steps[place], text=f"{text[:cut]}{token}{text[cut:]}")
    return replace(trace, steps=(*trace.steps[:place], changed, *trace.steps[place + 1 :])), f"{token} in a step"


_PLANTERS: dict[Kind, Callable[[Original, Random], Any]] = {
    "wrong answer": _wrong,
    "cut off": _cut_off,
    "looping": _looping,
    "exact duplicate": _exact,
    "near duplicate": _near,
    "held-out paraphrase": _paraphrase,
    "control token": _control,
}
