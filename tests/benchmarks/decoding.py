"""The engine against `model.generate`: natural stops, equal lengths, 8 bits, a single stream, min and max budgets."""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import psutil
import torch
from scipy.stats import binomtest

from tests.benchmarks.measuring import machine_limit, report, seconds
from workbench.grading import grade
from workbench.inference import Engine, Request, agreement
from workbench.inference.drafts import MOST
from workbench.interventions import Budget, Guidance
from workbench.pool import embedded_problems
from workbench.records import HEADINGS, Completion, Problem
from workbench.students import Student, load_student

BASE, DISTILLED = "smollm2-135m", "smollm2-135m-reason1k"
NEVER = 2**30
"""The id of an end token that no model writes."""
WIDTHS = (16, 32, 64)
"""Of their static batches; the best one counts, by a third of the workload."""


@dataclass(frozen=True)
class Workload:
    """Problems to answer; other seeds and caps give other workloads of the same kind."""

    problems: int = 256
    seed: int = 11
    cap: int = 160
    runs: int = 3

    @cached_property
    def drawn(self) -> list[Problem]:
        """Problems of all families, the longest first, in favour of static batches."""
        families = embedded_problems("dev", 100, self.seed)
        chosen = random.Random(self.seed).sample(families, self.problems)
        return sorted(chosen, key=lambda problem: -len(problem.question))

    @cached_property
    def requests(self) -> list[Request]:
        """One for each problem."""
        return [Request(problem_id=p.id, question=p.question, max_tokens=self.cap) for p in self.drawn]


def prompts(student: Student, requests: Sequence[Request]) -> dict[str, list[int]]:
    return {r.problem_id: list(r.prompt_ids or student.prompter.question_ids(r.question or "")) for r in requests}


def static_batches(
    student: Student, asked: dict[str, list[int]], width: int, cap: int, **options: Any
) -> dict[str, list[int]]:
    """What a user would write: batches of one width, padded on the left, each as long as its longest answer."""
    answers, names = {}, list(asked)
    for start in range(0, len(names), width):
        group = [asked[name] for name in names[start : start + width]]
        longest = max(map(len, group))
        ids = torch.tensor([[0] * (longest - len(row)) + row for row in group])
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in group])
        out = student.model.generate(ids, attention_mask=mask, max_new_tokens=cap, do_sample=False, **options)
        for name, row in zip(names[start:], out, strict=False):
            ids = row[longest:].tolist()
            answers[name] = ids if "eos_token_id" in options else cut(ids, student)
    return answers


def cut(ids: list[int], student: Student) -> list[int]:
    return ids[: next((n for n, token in enumerate(ids) if token in student.end_ids), len(ids))]


def plain_student(name: str = BASE) -> Student:
    """As a user has it: transformers' own attention."""
    student = load_student(name)
    student.model.set_attn_implementation("sdpa")
    return student


def answered(student: Student, requests: Sequence[Request], slots: int = 0) -> dict[str, Completion]:
    engine = Engine(student, slots=slots) if slots else Engine(student)
    return {completion.problem_id: completion for completion in engine.run(requests)}


def answers_of(student: Student, requests: Sequence[Request], drafts: bool = True) -> dict[str, list[int]]:
    engine = Engine(student, slots=1, drafts=drafts)
    return {completion.problem_id: list(completion.token_ids) for completion in engine.run(requests)}


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    return round(statistics.median(own / other for own, other in zip(ours, theirs, strict=True)), 2)


def timed(work: Callable[[], dict[str, Any]], runs: int) -> tuple[list[float], dict[str, Any]]:
    found: dict[str, Any] = {}
    return [seconds(lambda: found.update(work())) for _ in range(runs)], found


def useful_flops(student: Student, asked: dict[str, list[int]], answers: dict[str, Sequence[int]]) -> float:
    """Of every token that must be fed once: the shared opening once, prompts, answers; and of the attention."""
    model, config = student.model, student.model.config
    output = model.get_output_embeddings().weight.numel()
    body = sum(parameter.numel() for parameter in model.parameters()) - output
    opening = len(student.prompter.opening)
    heads = config.num_hidden_layers * config.num_attention_heads * config.head_dim
    total = 2.0 * opening * body
    for name, ids in answers.items():
        end = len(asked[name]) + len(ids)
        total += 2.0 * (end - opening) * body + 2.0 * (len(ids) + 1) * output
        total += 4.0 * heads * (end * (end + 1) / 2 - opening * (opening + 1) / 2)
    return total


def their_best(work: Workload) -> tuple[float, int, dict[str, list[int]]]:
    """Problems/s, width and answers of `generate` at the best of `WIDTHS`."""
    student, found = plain_student(), {}
    asked = prompts(student, work.requests)
    third = dict(list(asked.items())[::3])
    for width in WIDTHS:
        took, _ = timed(lambda width=width: static_batches(student, third, width, work.cap), 1)
        found[width] = len(third) / took[0]
        print(f"generate, static batches of {width}: {found[width]:.2f} problems/s of a third", flush=True)
    best = max(found, key=found.__getitem__)
    took, answers = timed(lambda: static_batches(student, asked, best, work.cap), 1)
    return len(asked) / took[0], best, answers


def engine(work: Workload) -> None:
    """fp32 and 8 bits on natural stops, fp32 on rows of equal length, and the share of the FLOP limit."""
    theirs, width, their_answers = their_best(work)
    student = load_student(BASE)
    asked = prompts(student, work.requests)
    took, found = timed(lambda: answered(student, work.requests), work.runs)
    answers = {name: list(completion.token_ids) for name, completion in found.items()}
    agreed = agreement(student, [(asked[name], answers[name], their_answers[name]) for name in asked])
    rate = machine_limit()
    flops = useful_flops(student, asked, answers)
    against = f"transformers generate, static batches of {width} (the best of {WIDTHS}), prompts sorted by length"
    report(
        "engine",
        against,
        "problems/s",
        [len(asked) / own for own in took],
        [theirs],
        same_output=agreed.exact,
        answers={"same": agreed.same, "near_ties": agreed.near_ties, "different": agreed.different},
        limit_fraction=round(flops / min(took) / rate, 3),
        matrix_gflops=round(rate / 1e9),
    )
    fast = student.quantized()
    took, found = timed(lambda: answered(fast, work.requests), work.runs)
    report(
        "engine_int8",
        against,
        "problems/s",
        [len(asked) / own for own in took],
        [theirs],
        same_tokens=round(sum(list(found[n].token_ids) == answers[n] for n in asked) / len(asked), 3),
    )


def equal_lengths(work: Workload) -> None:
    """One batch of prompts of one length, without an early stop: neither refill nor width helps."""
    width, plain, ours = 64, plain_student(), load_student(BASE)
    rng = random.Random(work.seed)
    asked = {str(n): [rng.randrange(1_000, 40_000) for _ in range(64)] for n in range(width)}
    their_took, theirs = timed(lambda: static_batches(plain, asked, width, work.cap, eos_token_id=NEVER), 1)
    ours.model.generation_config.eos_token_id = ours.tokenizer.eos_token_id = NEVER
    requests = [Request(problem_id=n, prompt_ids=tuple(ids), max_tokens=work.cap) for n, ids in asked.items()]
    took, found = timed(lambda: answered(ours, requests, slots=width), work.runs)
    rate = machine_limit()
    flops = useful_flops(ours, asked, {n: found[n].token_ids for n in asked})
    agreed = sum(list(found[n].token_ids) == theirs[n] for n in asked)
    report(
        "engine_equal_lengths",
        f"transformers generate, one batch of {width}",
        "problems/s",
        [width / own for own in took],
        [width / their_took[0]],
        same_output=agreed / width,
        limit_fraction=round(flops / min(took) / rate, 3),
        matrix_gflops=round(rate / 1e9),
    )


def single_stream(work: Workload) -> None:
    """One question at a time, in 8 bits and in fp32; theirs also with the guesses that transformers offers."""
    plain, exact = plain_student(), load_student(BASE)
    fast = exact.quantized()
    requests = work.requests[:: max(1, work.problems // 6)]
    asked = prompts(exact, requests)
    sides = {
        "fast": lambda: answers_of(fast, requests),
        "exact": lambda: answers_of(exact, requests),
        "fast_undrafted": lambda: answers_of(fast, requests, drafts=False),
        "exact_undrafted": lambda: answers_of(exact, requests, drafts=False),
        "generate": lambda: static_batches(plain, asked, 1, work.cap),
        "generate_lookup": lambda: static_batches(plain, asked, 1, work.cap, prompt_lookup_num_tokens=MOST),
    }
    rates, told = {name: list[float]() for name in sides}, {}
    for _ in range(work.runs):
        for name, side in sides.items():
            took, told[name] = timed(side, 1)
            rates[name].append(sum(map(len, told[name].values())) / took[0])
    for ours, figure in (("fast", "single_stream_int8"), ("exact", "single_stream")):
        report(
            figure,
            "transformers generate, one question at a time",
            "tokens/s",
            rates[ours],
            rates["generate"],
            ratio_without_drafts=ratio(rates[f"{ours}_undrafted"], rates["generate"]),
            ratio_to_generate_with_prompt_lookup=ratio(rates[ours], rates["generate_lookup"]),
            same_as_without_drafts=sum(told[ours][n] == told[f"{ours}_undrafted"][n] for n in asked),
            answers=len(asked),
        )


def accuracy(work: Workload) -> None:
    """The distilled student's answers in 8 bits against fp32, pair by pair."""
    work = replace(work, problems=max(work.problems * 2, 512))
    student = load_student(DISTILLED)
    with student.merged():
        exact = answered(student, work.requests)
        fast = answered(student.quantized(), work.requests)
    right = [(grade(p, exact[p.id].text).is_correct, grade(p, fast[p.id].text).is_correct) for p in work.drawn]
    lost, gained = right.count((True, False)), right.count((False, True))
    p_value = float(binomtest(lost, lost + gained).pvalue) if lost + gained else 1.0
    shares = [sum(side) / len(right) for side in zip(*right, strict=True)]
    report(
        "int8_accuracy",
        "the same student in fp32",
        "fraction right",
        [shares[1]],
        [shares[0]],
        problems=len(right),
        only_fp32_right=lost,
        only_int8_right=gained,
        mcnemar_p=round(p_value, 3),
    )


def budget_forcing(work: Workload) -> None:
    """A least and a greatest length, inside the batch or by stop, rebuild, resend."""
    student, least = load_student(BASE), work.cap // 2
    requests = work.requests[: work.problems // 2]
    budget = Budget(max_tokens=work.cap, min_tokens=least, answer_tokens=24, continues=2, limit=4)
    steered = [replace(request, steering=Guidance([budget])) for request in requests]
    took, found = timed(lambda: answered(student, steered), work.runs)
    theirs, told = timed(lambda: resent(student, requests, budget, work.cap), 1)
    asked = prompts(student, requests)
    answers = [(asked[name], completion.token_ids, told[name]) for name, completion in found.items()]
    agreed = agreement(student, answers)
    report(
        "budget_forcing",
        "the same engine, each answer stopped, rebuilt with the continue word and sent again",
        "problems/s",
        [len(requests) / own for own in took],
        [len(requests) / theirs[0]],
        same_output=agreed.exact,
        answers={"same": agreed.same, "near_ties": agreed.near_ties, "different": agreed.different},
    )


def resent(student: Student, requests: Sequence[Request], budget: Budget, cap: int) -> dict[str, list[int]]:
    """Budget forcing as it is done where nobody can step into a batch (Muennighoff et al., arXiv 2501.19393)."""
    prompts_of, written = prompts(student, requests), {request.problem_id: list[int]() for request in requests}
    encode = student.prompter.text_ids
    wait, heading = encode("\n" + budget.text), encode("\n" + HEADINGS["answer"])
    waits = dict.fromkeys(written, 0)
    open_rows = set(written)
    while open_rows:
        again = [
            Request(
                problem_id=name,
                prompt_ids=(*prompts_of[name], *written[name]),
                max_tokens=max(1, cap - budget.answer_tokens - len(written[name])),
            )
            for name in sorted(open_rows)
        ]
        for completion in Engine(student).run(again):
            ids = written[completion.problem_id]
            ids += completion.token_ids
            ended = completion.finish_reason == "stop"
            if ended and len(ids) < budget.min_tokens and waits[completion.problem_id] < budget.continues:
                waits[completion.problem_id] += 1
                ids += wait
            else:
                open_rows.discard(completion.problem_id)
    late = [
        name
        for name, ids in written.items()
        if len(ids) >= cap - budget.answer_tokens and HEADINGS["answer"] not in student.prompter.decode(ids)
    ]
    for name in late:
        written[name] = [*written[name], *heading]
    final = [
        Request(problem_id=name, prompt_ids=(*prompts_of[name], *written[name]), max_tokens=cap - len(written[name]))
        for name, ids in written.items()
        if cap - budget.answer_tokens <= len(ids) < cap
    ]
    for completion in Engine(student).run(final):
        written[completion.problem_id] = [*written[completion.problem_id], *completion.token_ids]
    return {name: ids[:cap] for name, ids in written.items()}


def memory(work: Workload) -> None:
    """Resident memory over 10,000 problems, which must not grow."""
    student, process, sizes = load_student(BASE).quantized(), psutil.Process(), list[float]()
    total = 10_000
    source = (replace(work.requests[n % work.problems], problem_id=str(n), max_tokens=2) for n in range(total))
    for done, _ in enumerate(Engine(student).run(source), 1):
        if done % 1_000 == 0:
            gc.collect()
            sizes.append(process.memory_info().rss / 2**20)
            print(f"{done:,} problems: {sizes[-1]:,.0f} MiB", flush=True)
    report(
        "engine_memory", "itself after 2,000 problems", "MiB", [sizes[-1]], [sizes[1]], mib=[round(s) for s in sizes]
    )
