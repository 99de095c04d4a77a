"""`make bench`: each figure beside what a user would pick instead, both sides in one run.

A ratio holds on a noisy machine, a time does not; nothing else should run meanwhile. Some of them, or
another workload: ``python -m tests.benchmarks engine memory --seed 3 --cap 100``.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

from tests.benchmarks import decoding, pool
from tests.benchmarks.attention import attention
from tests.benchmarks.collecting import collect
from tests.benchmarks.curation import curation, curation_growth
from tests.benchmarks.defects import defects
from tests.benchmarks.embedding import embedding
from tests.benchmarks.filters import filters
from tests.benchmarks.ladder import ladder
from tests.benchmarks.segmenter import segmenter
from tests.benchmarks.selecting import reselect
from tests.benchmarks.steps import step
from tests.benchmarks.strategies import selection
from tests.benchmarks.training import training
from workbench.curation import STRATEGIES
from workbench.pool import POOL_SIZE
from workbench.students import DEFAULT_STUDENT

Options = argparse.Namespace


def decode(work: Callable[[decoding.Workload], None], options: Options) -> None:
    work(decoding.Workload(problems=options.problems, seed=options.seed, cap=options.cap, runs=options.runs))


def draw(work: Callable[[int, int, int], None], options: Options) -> None:
    work(options.rows, options.seed, options.runs)


def compare_selections(options: Options) -> None:
    selection(
        options.strategies.split(","),
        [int(size) for size in options.sizes.split(",")],
        rows=options.rows,
        seed=options.seed,
        per_family=options.per_family,
        epochs=options.epochs,
        score=options.score,
        student=options.student,
    )


HEAVY = {"selection"}
"""Runs only where it is named: hours."""
BENCHMARKS: dict[str, Callable[[Options], None]] = {
    "pool": partial(draw, pool.pool),
    "pool_million": partial(draw, pool.pool_million),
    "curation": partial(draw, curation),
    "curation_growth": partial(draw, curation_growth),
    "defects": partial(draw, defects),
    "filters": partial(draw, filters),
    "embedding": lambda options: embedding(options.seed),
    "selection": compare_selections,
    "reselect": lambda options: reselect(options.rows, options.seed),
    "ladder": lambda options: ladder(options.seed),
    "segmenter": lambda options: segmenter(),
    "collect": lambda options: collect(),
    "attention": lambda options: attention(),
    "step": lambda options: step(),
    "training": lambda options: training(options.runs),
    "engine": partial(decode, decoding.engine),
    "equal_lengths": partial(decode, decoding.equal_lengths),
    "single_stream": partial(decode, decoding.single_stream),
    "accuracy": partial(decode, decoding.accuracy),
    "budget_forcing": partial(decode, decoding.budget_forcing),
    "memory": partial(decode, decoding.memory),
}


def main() -> None:
    usual = decoding.Workload()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"by default all: {', '.join(BENCHMARKS)}")
    parser.add_argument("--problems", type=int, default=usual.problems)
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the problems")
    parser.add_argument("--cap", type=int, default=usual.cap, help="tokens of an answer")
    parser.add_argument("--runs", type=int, default=usual.runs)
    parser.add_argument("--rows", type=int, default=POOL_SIZE, help="of the pool")
    parser.add_argument("--strategies", default=",".join(STRATEGIES), help="of selection, between commas")
    parser.add_argument("--sizes", default="100,300", help="of selection, between commas")
    parser.add_argument("--per-family", type=int, default=20, help="problems of selection")
    parser.add_argument("--epochs", type=int, default=2, help="of selection")
    parser.add_argument("--student", default=DEFAULT_STUDENT, help="of selection")
    parser.add_argument("--score", choices=["none", "sample", "all"], default="none", help="of selection")
    options = parser.parse_args()
    if unknown := set(options.names) - BENCHMARKS.keys():
        parser.error(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    for name in options.names or [name for name in BENCHMARKS if name not in HEAVY]:
        BENCHMARKS[name](options)


if __name__ == "__main__":
    main()
