"""The steps of curation as one writes them with datasketch and Python's loops; what `curation` is measured against.

The filters, the grader and the words of a question are ours on both sides, so that what differs is how rows
are read, compared and chosen: row by row in one process, MinHash by datasketch, n-grams in sets, and a greedy
choice with a heap.
"""

from __future__ import annotations

import heapq
import sys
from collections import Counter, defaultdict
from pathlib import Path

from datasketch import MinHash, MinHashLSH

from workbench.curation import CurationConfig
from workbench.curation.describe import describe
from workbench.curation.filters import judge
from workbench.curation.text import question_words
from workbench.grading import grade_answer
from workbench.records import Problem, Trace, read_records, write_records

PERMUTATIONS, THRESHOLD, GRAM, RUN, LONG = 128, 0.8, 3, 8, 13


def grams(words: list[str], size: int) -> set[str]:
    return {" ".join(words[start : start + size]) for start in range(max(1, len(words) - size + 1))}


def plain_curation(pool: Path, held_out: list[Problem], out: Path, config: CurationConfig) -> int:
    """Writes the chosen traces and returns how many."""
    seen: dict[tuple[str, ...], str] = {}
    banned_questions = {tuple(question_words(problem)) for problem in held_out}
    banned = {gram for words in banned_questions for size in (RUN, LONG) for gram in grams(list(words), size)}
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    left: list[tuple[Trace, tuple[str, ...], str]] = []
    for trace in read_records(pool, Trace):
        judgement = judge(trace, config, None, grade_answer)
        words = question_words(trace.problem)
        if judgement.defect or tuple(words) in seen or tuple(words) in banned_questions:
            continue
        seen[tuple(words)] = trace.id
        signature = MinHash(num_perm=PERMUTATIONS)
        for gram in grams(words, GRAM):
            signature.update(gram.encode())
        is_near = bool(index.query(signature))
        index.insert(trace.id, signature)
        hits = sum(gram in banned for size in (RUN, LONG) for gram in grams(words, size))
        if not is_near and hits < len(words):
            left.append((trace, describe(trace, words, judgement.is_verified).features, trace.problem.source))
    return write_records(out, [left[place][0] for place in chosen(left, config.size)])


def chosen(rows: list[tuple[Trace, tuple[str, ...], str]], size: int) -> list[int]:
    """Greedy by new features under even quotas per source, stale gains first (Minoux 1978)."""
    counts: Counter[str] = Counter()
    taken: dict[str, int] = defaultdict(int)
    quota = -(-size // len({source for _, _, source in rows}))

    def gain(place: int) -> float:
        return sum((counts[feature] + 1) ** 0.5 - counts[feature] ** 0.5 for feature in rows[place][1])

    heap = [(-gain(place), place) for place in range(len(rows))]
    heapq.heapify(heap)
    picked: list[int] = []
    while heap and len(picked) < size:
        _, place = heapq.heappop(heap)
        if taken[rows[place][2]] >= quota:
            continue
        fresh = -gain(place)
        if heap and fresh > heap[0][0]:
            heapq.heappush(heap, (fresh, place))
            continue
        picked.append(place)
        taken[rows[place][2]] += 1
        counts.update(rows[place][1])
    return sorted(picked)


if __name__ == "__main__":
    source, problems, target, size = sys.argv[1:]
    benchmark = list(read_records(problems, Problem))
    plain_curation(Path(source), benchmark, Path(target), CurationConfig(size=int(size), max_tokens=4_096))
