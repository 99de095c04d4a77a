"""Our side of `curation`, a process of its own that loads no more than curation needs."""

from __future__ import annotations

import sys

from workbench.curation import CurationConfig, curate
from workbench.grading import grade_answer
from workbench.pool.writing import SMALL, usual_workers
from workbench.records import Problem, read_records

if __name__ == "__main__":
    source, problems, out, size = sys.argv[1:]
    curate(
        source, out, CurationConfig(size=int(size), max_tokens=4_096), held_out=read_records(problems, Problem),
        grade_answer=grade_answer, workers=usual_workers(SMALL),
    )  # fmt: skip
