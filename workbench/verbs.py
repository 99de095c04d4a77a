"""What each verb of the command line does: a few calls to the API, and a few printed lines."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from functools import partial
from typing import Any

from workbench import cli, workflow
from workbench.demo import DemoConfig, run_demo
from workbench.distillation import DistillConfig
from workbench.errors import InputError
from workbench.evaluation import DecodingConfig
from workbench.files import text_hash
from workbench.inference import Sampling
from workbench.interventions import standard_guidance
from workbench.profiles import profile
from workbench.progress import duration
from workbench.records import to_dict, to_json
from workbench.runs import open_run
from workbench.students import export_student, load_student
from workbench.views.theme import arm_label


def distill(options: cli.Distill) -> None:
    """Distils curated traces into a student."""
    machine = profile(options.profile)
    student = workflow.trainable(options.student, machine, cli.tell)
    cli.tell(student.source.origin)
    config = DistillConfig(
        budget=options.budget,
        epochs=options.epochs,
        batch_size=machine.batch_size,
        learning_rate=options.learning_rate,
        first_layer=options.first_layer,
        max_tokens=options.max_tokens,
        seed=options.seed,
    )
    made = workflow.distill_traces(options.traces, student, options.out, config, cli.tell)
    share = made.audit["trained_fraction"]
    line = f"{made.folder}: {made.audit['trained_parameters']:,} parameters trained, {share:.3%} of the base's"
    cli.show({**made.audit, "out": options.out}, as_json=options.json, lines=[line])


def solve(options: cli.Solve) -> None:
    """Answers one question."""
    if not options.question.strip():
        raise InputError("the question is empty; put it in quotes after the verb")
    student = load_student(options.student)
    cli.tell(student.source.origin)
    sampling = Sampling(temperature=options.temperature, top_p=options.top_p, min_p=options.min_p, seed=options.seed)
    completion = workflow.answer(
        options.question,
        student.quantized() if options.fast else student,
        standard_guidance(options.max_tokens) if options.guided else None,
        max_tokens=options.max_tokens,
        sampling=sampling,
        watch=None if options.json else partial(print, end="", flush=True),
    )
    marks = [f"[{e.intervention} at token {e.position}: {e.reason}]" for e in completion.events]
    footer = (
        f"[{len(completion.token_ids)} tokens, {duration(completion.seconds)}, ended by {completion.finish_reason}]"
    )
    cli.show(to_dict(completion), as_json=options.json, lines=["", *marks, footer])


def evaluate(options: cli.Evaluate) -> None:
    """Measures a student, its base beside it where there is one."""
    student = load_student(options.student)
    cli.tell(student.source.origin)
    asked = workflow.benchmark(options.benchmark, options.seed, options.per_family)
    problems = workflow.untaught_problems(student, asked, cli.tell)
    decoding = DecodingConfig(max_tokens=options.max_tokens, seed=options.seed, fast=options.fast)
    inputs = {
        "student": student.fingerprint(),
        "problems": text_hash(*map(to_json, problems)),
        "decoding": asdict(decoding),
        "guided": options.guided,
    }
    with open_run(options.out, arguments=json.loads(json.dumps(asdict(options), default=str))) as run:
        arms = workflow.arms(student, standard_guidance(options.max_tokens) if options.guided else None)
        stage = run.stage(
            "evaluate",
            inputs,
            lambda out: _discard(workflow.evaluate_arms(student, problems, arms, decoding, out, cli.tell)),
        )
    measured = json.loads((stage.folder / "evaluation.json").read_text(encoding="utf-8"))
    measured["left_out_as_taught"] = len(asked) - len(problems)
    cli.show(measured, as_json=options.json, lines=_measured_lines(measured))


def export(options: cli.Export) -> None:
    """Writes a student as others load it."""
    made = export_student(options.student, options.out, options.format, options.dtype)
    line = f"{made.folder}: {made.format}, {made.bytes / 1e6:,.1f} MB in {len(made.files)} files"
    cli.show(asdict(made), as_json=options.json, lines=[line])


def _discard(_: Any) -> None:
    """The stage's results are its files."""


def _measured_lines(measured: dict[str, Any]) -> list[str]:
    lines = []
    for name, group in measured["groups"].items():
        if name == "seen" and "unseen" not in measured["groups"]:
            continue  # the same again
        lines.append(f"{name} ({group['problems']} problems)")
        for arm, value in group["accuracy"].items():
            gain = group["gain"].get(arm)
            against = f"  {100 * gain['value']:+.1f} points, p = {gain['p_value']:.2g}" if gain else ""
            lines.append(f"  {arm_label(arm):<16} {_percent(value)}{against}")
    return lines


def _percent(value: dict[str, float]) -> str:
    return f"{100 * value['value']:5.1f} %  [{100 * value['low']:.1f}, {100 * value['high']:.1f}]"


def demo(options: cli.DemoVerb) -> None:
    """Runs the bridge end to end and prints a small table."""
    config = DemoConfig(
        out=options.out,
        seed=options.seed,
        profile=options.profile,
        student=options.student,
        pool_size=options.pool_size,
        size=options.size,
        per_family=options.per_family,
        split=options.split,
        distill=DistillConfig(
            epochs=options.epochs,
            first_layer=options.first_layer,
            batch_size=options.batch_size or profile(options.profile).batch_size,
        ),
    )
    made = run_demo(config, lambda line: print(line, file=sys.stderr if options.json else sys.stdout, flush=True))
    table = [*demo_lines(made.summary), f"report:  {made.report}", f"summary: {made.folder / 'summary.json'}"]
    cli.show(made.summary, as_json=options.json, lines=["", *table])


def demo_lines(summary: dict[str, Any]) -> list[str]:
    """Returns the demo's results as a small table."""
    unseen = summary["unseen_families"]
    low, high = summary["interval95"]["gain"]
    lines = [f"{'':<18}{'seen families':>14}{'unseen':>9}"]
    for arm, accuracy in summary["accuracy"].items():
        apart = f"{100 * unseen[arm]:7.1f} %" if arm in unseen else " " * 9
        lines.append(f"{arm_label(arm):<18}{100 * accuracy:12.1f} %{apart}")
    return [
        *lines,
        f"gain on {summary['seen_problems']} seen problems: {100 * summary['gain']:+.1f} points, "
        f"95 % interval [{100 * low:+.1f}, {100 * high:+.1f}], p = {summary['p_value']:.2g}",
        *_unseen_line(unseen),
        f"trained: {summary['trained_parameters']:,} of {summary['base_parameters']:,} parameters "
        f"({summary['trained_fraction']:.3%}); {summary['student_note'] or summary['student']}",
    ]


def _unseen_line(unseen: dict[str, Any]) -> list[str]:
    if not unseen:
        return []
    low, high = unseen["interval95"]["gain"]
    return [
        f"gain on {unseen['problems']} unseen problems: {100 * unseen['gain']:+.1f} points, "
        f"95 % interval [{100 * low:+.1f}, {100 * high:+.1f}], p = {unseen['p_value']:.2g}"
    ]
