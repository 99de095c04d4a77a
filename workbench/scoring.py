"""A student reads what may be taught to it: the measures that curation asks for, kept so that nothing is read twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.curation import STUDENT_MEASURES
from workbench.errors import InputError
from workbench.estimates import decode_seconds, reading_seconds
from workbench.files import storage_errors, text_hash
from workbench.grading import grade
from workbench.inference import Engine, Request, Sampling
from workbench.progress import Track, duration
from workbench.records import Problem, Trace, rendered_text
from workbench.students import Student, cache_folder
from workbench.students.surprisal import DEFINITION, passage, read_passages

_TRY = Sampling(temperature=0.7, top_p=0.95)
"""How the student tries a problem, several times."""


@dataclass(frozen=True, slots=True)
class StudentReader:
    """Called with traces, returns their `STUDENT_MEASURES` [R, M]; what was read before comes from a file.

    Args:
        student: whose judgement it is; as it is, with its adapter if it has one.
        say: is told what will be done and how long it will take.
        track: progress.
        tries: answers to each problem, for its pass rate; 0 leaves that unknown.
        max_tokens: of such an answer, at most.
        folder: of the file, by default in the workbench's cache.
    """

    student: Student
    say: Callable[[str], None]
    track: Track
    tries: int = 0
    max_tokens: int = 256
    folder: Path | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.tries <= 64:
            raise InputError(f"tries={self.tries} must be from 0 to 64; 4 tell easy from hard")

    def __call__(self, traces: Sequence[Trace]) -> NDArray[np.float64]:
        """Reads the traces, and tries their problems where that is asked for."""
        read = {key: values for key, values in self._kept() if len(values) == len(STUDENT_MEASURES) - 1}
        keys = [text_hash(DEFINITION, trace.problem.question, rendered_text(trace)) for trace in traces]
        self._read({key: trace for key, trace in zip(keys, traces, strict=True) if key not in read}, read)
        rates = self._pass_rates([trace.problem for trace in traces]) if self.tries else [float("nan")] * len(traces)
        measures = [[*read[key], rate] for key, rate in zip(keys, rates, strict=True)]
        return np.array(measures, dtype=np.float64).reshape(-1, len(STUDENT_MEASURES))

    @property
    def _file(self) -> Path:
        folder = self.folder or cache_folder() / "readings"
        return folder / f"{self.student.fingerprint()[:16]}.jsonl"

    def _kept(self) -> Iterator[tuple[str, list[float]]]:
        """What stands in the file; a last line that was cut off is passed over."""
        if not self._file.exists():
            return
        for line in self._file.read_text(encoding="utf-8").splitlines():
            try:
                key, values = json.loads(line)
            except ValueError:
                continue
            yield key, values

    def _keep(self, results: Iterator[tuple[str, list[float]]]) -> Iterator[tuple[str, list[float]]]:
        """Writes each result as it comes."""
        with storage_errors(self._file):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("ab") as stream:
                # On a line of its own, whatever an interrupted run left.
                stream.write(b"\n" if stream.tell() else b"")
                for key, values in results:
                    stream.write(json.dumps([key, values]).encode() + b"\n")
                    stream.flush()
                    yield key, values

    def _read(self, missing: dict[str, Trace], read: dict[str, list[float]]) -> None:
        if not missing:
            return
        keys = list(missing)
        passages = [passage(trace, self.student) for trace in missing.values()]
        self.say(f"{len(keys):,} traces to read: about {duration(reading_seconds(self.student, passages))}")
        readings = self.track(read_passages(self.student, passages), len(keys), "student reads")
        found = ((keys[place], [each.surprisal, each.rank_surprisal, each.local_surprisal]) for place, each in readings)
        read.update(self._keep(found))

    def _pass_rates(self, problems: Sequence[Problem]) -> list[float]:
        known = {key: values[0] for key, values in self._kept() if len(values) == 1}
        keys = [text_hash("tries/1", self.tries, self.max_tokens, each.question, each.answer) for each in problems]
        missing = {key: each for key, each in zip(keys, problems, strict=True) if key not in known}
        known |= {key: values[0] for key, values in self._keep(self._tried(missing))}
        return [known[key] for key in keys]

    def _tried(self, missing: dict[str, Problem]) -> Iterator[tuple[str, list[float]]]:
        """Each problem's pass rate as soon as its last answer is there; NaN where nothing can be graded."""
        if missing:
            expected = decode_seconds(self.student, list(missing.values()), self.tries)
            self.say(f"{len(missing):,} problems to try {self.tries} times: about {duration(expected)}")
        requests = [
            Request(problem_id=key, question=problem.question, max_tokens=self.max_tokens, sample=sample)
            for key, problem in missing.items()
            for sample in range(self.tries)
        ]
        grades: dict[str, list[bool | None]] = {key: [] for key in missing}
        answers = Engine(self.student, sampling=_TRY).run(requests) if requests else ()
        for completion in self.track(answers, len(requests), "student tries"):
            verdict = grade(missing[completion.problem_id], completion.text)
            mine = grades[completion.problem_id]
            mine.append(None if verdict.verdict == "ungraded" else verdict.is_correct)
            if len(mine) == self.tries:
                judged = [right for right in mine if right is not None]
                yield completion.problem_id, [sum(judged) / len(judged) if judged else float("nan")]
