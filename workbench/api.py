"""What a notebook types: the bridge's verbs on Python values, with files where they should stay."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from workbench import comparison, workflow
from workbench.comparison import Comparison
from workbench.curation import CurationConfig, CurationReport, Filters
from workbench.distillation import DistillConfig
from workbench.evaluation import DecodingConfig
from workbench.files import text_hash
from workbench.interventions import Guidance
from workbench.pool import POOL_SIZE, PoolConfig
from workbench.pool import embedded_pool as generate_pool
from workbench.profiles import profile as find_profile
from workbench.records import Completion, Problem, Trace, read_records, to_json, write_records
from workbench.shipped import SAMPLE, shipped
from workbench.students import DEFAULT_STUDENT, Student, load_student

RUNS = Path("runs/notebook")
"""Where stages write when no folder is named."""


def embedded_pool(size: int = POOL_SIZE, seed: int = 0, **settings: Any) -> list[Trace]:
    """Returns the embedded pool: generated problems with worked, verified solutions.

    Args:
        size: traces.
        seed: other seeds give other problems.
        **settings: fields of `workbench.pool.PoolConfig`, such as ``long_share=0.4`` or ``families="core"``.
    """
    return list(generate_pool(size, seed, PoolConfig(**settings)))


def sample() -> list[Trace]:
    """Returns the curated sample that comes with the workbench: a few hundred worked, verified traces."""
    return list(read_records(shipped(SAMPLE), Trace))


def curate(
    pool: Path | str | Iterable[Trace],
    size: int = 1_000,
    seed: int = 0,
    *,
    student: str = DEFAULT_STUDENT,
    score: workflow.Score = "none",
    tries: int = 0,
    profile: str = "cpu",
    held_out: Sequence[Path | str] = (),
    filters: Filters | dict[str, str] | None = None,
    semantic: workflow.Semantic = "auto",
    out: Path | str = RUNS / "curate",
    **settings: Any,
) -> CurationReport:
    """Chooses ``size`` traces of a pool; the embedded benchmarks of the same seed are kept out.

    Args:
        pool: a file of traces, or the traces.
        size: traces to keep.
        seed: of the selection.
        student: whose tokens count, and who reads the traces where ``score`` asks for it.
        score: which survivors the student reads, so that suitability counts: a sample (minutes), or all.
        tries: its answers to each problem that it reads, for a pass rate.
        profile: the kind of machine it reads on.
        held_out: files, folders and ``hf:ID`` to keep out as well; known benchmarks are where the Hub's cache has them.
        filters: how strict they are, such as ``{"language": "off"}``; see `workbench.curation.Filters`.
        semantic: whether questions in other words are looked for by meaning; ``auto`` where the sentence embedder is
            on this computer, ``on`` fetches it.
        out: the folder to write.
        **settings: other fields of `workbench.curation.CurationConfig`, such as ``strategy="random"``.
    """
    out = Path(out)
    if not isinstance(pool, str | Path):
        write_records(out / "pool.parquet", pool)
        pool = out / "pool.parquet"
    usual = {"max_tokens": DistillConfig().max_tokens, "student_sample": workflow.student_sample(score)}
    config = CurationConfig(size=size, seed=seed, filters=Filters.of(filters or {}), **{**usual, **settings})
    return workflow.curate_pool(
        Path(pool), out, config, student=student, held_out=workflow.held_out_sets(seed, held_out),
        read_traces=workflow.student_reader(score, student, profile, print, tries=tries),
        embed=workflow.sentence_embedder(semantic),
    )  # fmt: skip


def distill(
    curated: CurationReport | Path | str,
    student: Student | str = DEFAULT_STUDENT,
    budget: float = 0.003,
    *,
    profile: str = "cpu",
    out: Path | str = RUNS / "distill",
    **settings: Any,
) -> Student:
    """Distils curated traces into a student, and returns it with its adapter on.

    Args:
        curated: what `curate` returned, or a file or folder of traces.
        student: a base student, or its name.
        budget: trained parameters, as a fraction of the base model's.
        profile: the kind of machine, where the student is given by name; see `workbench.profiles`.
        out: the folder of the distilled student.
        **settings: other fields of `workbench.distillation.DistillConfig`.
    """
    traces = curated.curated_path if isinstance(curated, CurationReport) else Path(curated)
    machine = find_profile(profile)
    config = DistillConfig(budget=budget, **{"batch_size": machine.batch_size, **settings})
    loaded = student if isinstance(student, Student) else workflow.trainable(student, machine, print)
    made = workflow.distill_traces(traces, loaded, Path(out), config, print).student
    # What Unsloth trained is read again in the form that answers.
    return made if made.backend == "transformers" else load_student(out, **machine.loading)


def solve(
    question: str, student: Student | str = DEFAULT_STUDENT, guidance: Guidance | None = None, max_tokens: int = 256
) -> Completion:
    """Answers one question, greedily; the completion's ``events`` tell what guidance did."""
    loaded = student if isinstance(student, Student) else load_student(student)
    return workflow.answer(question, loaded, guidance, max_tokens=max_tokens)


def compare(
    question: Problem | str, student: Student, guidance: Guidance | None = None, max_tokens: int = 200
) -> list[Completion]:
    """Answers one question as the base, as the student and, with guidance, as the guided student, greedily.

    Args:
        question: a problem, or a text.
        student: shared by all arms; without an adapter it is a base alone.
        guidance: of the guided arm.
        max_tokens: of each answer, at most.
    """
    (drafts,) = deque(comparison.compare(question, student, guidance, max_tokens=max_tokens), maxlen=1)
    return [draft.completion for draft in drafts if draft.completion]


def measure(comparisons: Sequence[Comparison], seed: int = 0) -> dict[str, Any]:
    """Grades recorded comparisons and returns the same as `evaluate`.

    Args:
        comparisons: from `workbench.comparison.read_comparisons`, with the same arms for each problem.
        seed: of the bootstrap.
    """
    arms = list(comparisons[0].completions)
    answers = {arm: [each.completions[arm] for each in comparisons] for arm in arms}
    return workflow.evaluation(workflow.graded([each.problem for each in comparisons], answers), arms, seed)


def evaluate(
    student: Student | str,
    benchmark: str = "embedded-dev",
    guidance: Guidance | None = None,
    *,
    per_family: int = 20,
    seed: int = 0,
    out: Path | str | None = None,
) -> dict[str, Any]:
    """Measures a student against its base on a benchmark; see `workbench.workflow.evaluation`.

    Args:
        student: with its adapter, or a folder or name.
        benchmark: ``embedded-dev`` to choose on, ``embedded`` to report on, or a file of problems.
        guidance: adds a guided arm.
        per_family: problems of each family of an embedded benchmark.
        seed: of the problems and the bootstrap.
        out: the folder to write; by default one of its own for these arguments.
    """
    loaded = student if isinstance(student, Student) else load_student(student)
    arms = workflow.arms(loaded, guidance)
    problems = workflow.untaught_problems(loaded, workflow.benchmark(benchmark, seed, per_family), print)
    key = text_hash(loaded.name, json.dumps(guidance.to_dict() if guidance else None), *map(to_json, problems))[:8]
    folder = Path(out) if out else RUNS / f"evaluate-{key}"
    workflow.evaluate_arms(loaded, problems, arms, DecodingConfig(seed=seed), folder, print)
    return dict(json.loads((folder / "evaluation.json").read_text(encoding="utf-8")))
