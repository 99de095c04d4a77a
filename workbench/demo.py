"""The whole bridge on the embedded default: pool, curate, distil, evaluate, report."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from workbench.benchmarks import known_sets
from workbench.curation import CurationConfig
from workbench.distillation import DistillConfig
from workbench.errors import InputError
from workbench.evaluation import BASE, STUDENT, Arm, DecodingConfig, Outcome
from workbench.files import write_text
from workbench.interventions import standard_guidance
from workbench.pool import POOL_SIZE, PoolConfig
from workbench.pooling import write_pool
from workbench.profiles import profile
from workbench.progress import duration
from workbench.records import Completion, Problem, read_records
from workbench.runs import Run, Stage, open_run
from workbench.students import StudentSource, load_student, resolve_student
from workbench.views.demo_report import report_data
from workbench.views.report import write_report
from workbench.workflow import (
    Say,
    benchmark,
    curate_pool,
    distill_traces,
    evaluate_arms,
    graded,
    held_out_sets,
    trainable,
)

SMALL_STUDENT_MIX = (0.4, 0.35, 0.25)
"""Easy, medium, hard: small students get worse on the hardest traces, which suit a student of 32B."""
DEMO_POOL = PoolConfig(families="core")
"""Few families in one plain wording: a small student learns a form from fewer traces when it does not vary."""
STAGES = ("pool", "curate", "distill", "evaluate")


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConfig:
    """What the demo does; the defaults suit two CPU cores."""

    out: Path = Path("runs/demo")
    """The run's folder."""
    seed: int = 0
    """Of everything that is drawn: problems, selection, initial values, batches."""
    profile: str = "cpu"
    """The kind of machine: cpu, t4, l4, a100, h100."""
    student: str | None = None
    """A student's name, folder or Hub id; by default the profile's."""
    pool_size: int = POOL_SIZE
    """Traces in the pool."""
    size: int = 1_000
    """Traces to curate."""
    per_family: int = 20
    """Problems of each family in the benchmark."""
    split: Literal["test", "dev"] = "test"
    """The benchmark: choose on dev, report on test."""
    max_tokens: int = 200
    """Tokens of an answer, at most."""
    distill: DistillConfig = field(default_factory=DistillConfig)
    """How the student learns; `tests/benchmarks/recipes.py` compares others on development problems."""

    def __post_init__(self) -> None:
        for name in ("pool_size", "size", "per_family", "max_tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}={getattr(self, name)} must be at least 1")


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo's results are."""

    folder: Path
    summary: dict[str, Any]

    @property
    def report(self) -> Path:
        """The report's HTML file."""
        return self.folder / "report.html"


def run_demo(config: DemoConfig, say: Say = print) -> Demo:
    """Runs the bridge end to end; finished stages are reused, an interrupted one goes on.

    Args:
        config: see its fields.
        say: takes one line for people.
    """
    name = config.student or profile(config.profile).student
    with open_run(config.out, arguments=_arguments(config)) as run:
        source = resolve_student(name)
        say(source.origin)
        pool = _stage(run, say, "pool", {"size": config.pool_size, "seed": config.seed}, lambda out: _pool(config, out))
        curated = _curate(run, config, say, name, pool)
        distilled = _distill(run, config, say, name, curated)
        evaluated = _evaluate(run, config, say, distilled)
        return _report(run, config, source, (pool, curated, distilled, evaluated))


def _arguments(config: DemoConfig) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(config), default=str))
    return values


def _stage(run: Run, say: Say, name: str, inputs: dict[str, Any], work: Callable[[Path], None]) -> Stage:
    say(f"{STAGES.index(name) + 1}/{len(STAGES)} {name}")
    stage = run.stage(name, inputs, work)
    say(f"    {'reused, first done in' if stage.reused else 'done in'} {duration(stage.seconds)}: {stage.folder}")
    return stage


def _pool(config: DemoConfig, out: Path) -> None:
    write_pool(out / "pool.parquet", config.pool_size, config.seed, DEMO_POOL)


def _curate(run: Run, config: DemoConfig, say: Say, student: str, pool: Stage) -> Stage:
    curation = CurationConfig(
        size=config.size, seed=config.seed, max_tokens=config.distill.max_tokens, difficulty_mix=SMALL_STUDENT_MIX
    )
    questions = {each.name: len(each.problems) for each in known_sets() if each.problems}
    inputs = {"pool": pool.fingerprint, "student": student, "held_out": questions, **asdict(curation)}

    def work(out: Path) -> None:
        held_out = held_out_sets(config.seed)
        report = curate_pool(pool.folder / "pool.parquet", out, curation, student=student, held_out=held_out)
        for line in report.lines():
            say(f"    {line}")

    return _stage(run, say, "curate", inputs, work)


def _distill(run: Run, config: DemoConfig, say: Say, student: str, curated: Stage) -> Stage:
    # The demo's seed also moves what is drawn while learning.
    settings = {**asdict(config.distill), "seed": config.seed}
    learning = DistillConfig(**{**settings, "weights": config.distill.weights})

    def tell(line: str) -> None:
        say(f"    {line}")

    def work(out: Path) -> None:
        base = trainable(student, profile(config.profile), tell)
        distill_traces(curated.folder, base, out, learning, tell)

    return _stage(run, say, "distill", {"curated": curated.fingerprint, "student": student, **settings}, work)


def _evaluate(run: Run, config: DemoConfig, say: Say, distilled: Stage) -> Stage:
    arms, machine = _arms(config), profile(config.profile)
    decoding = DecodingConfig(max_tokens=config.max_tokens, slots=machine.slots, seed=config.seed)
    inputs = {
        "student": distilled.fingerprint,
        "split": config.split,
        "per_family": config.per_family,
        "seed": config.seed,
        "decoding": asdict(decoding),
        "arms": {arm.name: arm.guidance.to_dict() if arm.guidance else None for arm in arms},
    }

    def work(out: Path) -> None:
        loaded = load_student(distilled.folder, **machine.loading)
        evaluate_arms(loaded, _benchmark(config), arms, decoding, out, lambda line: say(f"    {line}"))

    return _stage(run, say, "evaluate", inputs, work)


def _arms(config: DemoConfig) -> tuple[Arm, ...]:
    return BASE, STUDENT, Arm("student_guided", adapter=True, guidance=standard_guidance(config.max_tokens))


def _benchmark(config: DemoConfig) -> list[Problem]:
    return benchmark("embedded" if config.split == "test" else "embedded-dev", config.seed, config.per_family)


def _report(run: Run, config: DemoConfig, source: StudentSource, stages: tuple[Stage, ...]) -> Demo:
    folders = {stage.name: stage.folder for stage in stages}
    audit = _json(folders["distill"] / "adapter.json")
    funnel = _json(folders["curate"] / "funnel.json")
    measured = _json(folders["evaluate"] / "evaluation.json")
    seconds = {stage.name: stage.seconds for stage in stages}
    summary = summarise(config, source, audit, funnel, measured, seconds)
    write_text(run.folder / "summary.json", json.dumps(summary, indent=1))
    metrics = [json.loads(line) for line in (folders["distill"] / "metrics.jsonl").read_text().splitlines()]
    data = report_data(summary, funnel, metrics, audit, measured, _outcomes(folders["evaluate"]), source.note)
    write_report(run.folder / "report.html", data)
    return Demo(run.folder, summary)


def _json(path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return value


def _outcomes(folder: Path) -> list[Outcome]:
    problems = list(read_records(folder / "problems.jsonl", Problem))
    arms = {
        arm: list(read_records(folder / f"{arm}.jsonl", Completion)) for arm in ("base", "student", "student_guided")
    }
    return graded(problems, arms)


def summarise(
    config: DemoConfig,
    source: StudentSource,
    audit: Mapping[str, Any],
    funnel: Mapping[str, Any],
    measured: Mapping[str, Any],
    seconds: Mapping[str, float],
) -> dict[str, Any]:
    """Returns ``summary.json``: accuracies, gain and interval are fractions, over the seen families.

    ``gain`` and ``p_value`` compare student with base, both unguided; the wholly unseen families stand
    apart under ``unseen_families``.
    """
    seen, unseen = measured["groups"]["seen"], measured["groups"].get("unseen")
    gain = seen["gain"]["student"]
    return {
        "schema": "workbench.summary/1",
        "pool": funnel["read"],
        "curated": funnel["kept"],
        "student": source.name,
        "student_note": source.note,
        "seed": config.seed,
        "split": config.split,
        **{name: audit[name] for name in ("base_parameters", "trained_parameters", "trained_fraction")},
        "problems": measured["groups"]["all"]["problems"],
        "seen_problems": seen["problems"],
        "accuracy": {**{arm: value["value"] for arm, value in seen["accuracy"].items()}, "teacher": seen["teacher"]},
        "gain": gain["value"],
        "interval95": {
            "gain": [gain["low"], gain["high"]],
            **{arm: [value["low"], value["high"]] for arm, value in seen["accuracy"].items()},
        },
        "p_value": gain["p_value"],
        "gap_closed": seen["gap_closed"]["student"],
        "guided_gain": seen["gain"]["student_guided"]["value"],
        "format": seen["format"],
        "unseen_families": _unseen(unseen) if unseen else {},
        "seconds": dict(seconds),
    }


def _unseen(group: Mapping[str, Any]) -> dict[str, Any]:
    gain = group["gain"]["student"]
    return {
        **{arm: value["value"] for arm, value in group["accuracy"].items()},
        "problems": group["problems"],
        "gain": gain["value"],
        "interval95": {"gain": [gain["low"], gain["high"]]},
        "p_value": gain["p_value"],
    }
