"""`make bench`: each figure beside what a user would pick instead, both sides in one run.

A ratio holds on a noisy machine, a time does not; nothing else should run meanwhile. Some of them, or
another workload: ``python -m tests.benchmarks engine memory --seed 3 --cap 100``.
"""

from __future__ import annotations

import argparse

from tests.benchmarks import decoding, pool
from tests.benchmarks.attention import attention
from workbench.pool import POOL_SIZE

DECODING = {
    "engine": decoding.engine,
    "equal_lengths": decoding.equal_lengths,
    "single_stream": decoding.single_stream,
    "accuracy": decoding.accuracy,
    "budget_forcing": decoding.budget_forcing,
    "memory": decoding.memory,
}
POOL = {"pool": pool.pool, "pool_million": pool.pool_million}
NAMES = ["attention", *DECODING, *POOL]


def main() -> None:
    usual = decoding.Workload()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], help="by default all")
    parser.add_argument("--problems", type=int, default=usual.problems)
    parser.add_argument("--seed", type=int, default=usual.seed, help="of the problems")
    parser.add_argument("--cap", type=int, default=usual.cap, help="tokens of an answer")
    parser.add_argument("--runs", type=int, default=usual.runs)
    parser.add_argument("--rows", type=int, default=POOL_SIZE, help="of the pool")
    options = vars(parser.parse_args())
    names, rows = options.pop("names") or NAMES, options.pop("rows")
    for name in names:
        if name in POOL:
            POOL[name](rows, options["seed"], options["runs"])
        else:
            attention() if name == "attention" else DECODING[name](decoding.Workload(**options))


if __name__ == "__main__":
    main()
