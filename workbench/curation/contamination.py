"""Pool questions that are held-out questions in disguise (ours).

Questions from one template share most of their 8-grams and are not copies of each other. Three things
tell them from copies: numbers are words like any other, an 8-gram counts the less the more pool questions
have it, and a copy has the numbers of its original.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from workbench.curation.text import is_number, question_words
from workbench.files import text_hash
from workbench.records import Problem

GRAM = 8
SHORTEST = 4
"""Held-out questions of fewer words are compared for equality alone."""
WHOLE_BELOW = 28
"""Held-out questions of fewer words must stand whole in the pool's question."""
RARE = 5
"""Pool questions that may share an n-gram before its weight falls, as one over their number."""


@dataclass(frozen=True, slots=True)
class Grams:
    """The held-out n-grams that a pool question contains, by number, and what tells siblings apart."""

    gram_ids: tuple[int, ...]
    numbers: tuple[str, ...]
    word_count: int


@dataclass(frozen=True, slots=True)
class _Original:
    id: str
    word_count: int
    numbers: Counter[str]
    gram_ids: frozenset[int]


@dataclass(slots=True)
class HeldOut:
    """The questions that must not enter the curated set."""

    equal: dict[bytes, str] = field(default_factory=dict)
    """Hash of the normalised question, and the problem's id."""
    originals: list[_Original] = field(default_factory=list)
    _ids: dict[tuple[str, ...], int] = field(default_factory=dict)
    _sizes: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, problems: Iterable[Problem]) -> HeldOut:
        """Returns the index of the problems' questions."""
        held_out = cls()
        for problem in problems:
            question = question_words(problem)
            key = bytes.fromhex(text_hash(*question))[:16]
            if key not in held_out.equal:
                held_out.equal[key] = problem.id
                held_out._add(problem.id, question)
        return held_out

    def _add(self, name: str, question: Sequence[str]) -> None:
        if len(question) < SHORTEST:
            return
        size = min(GRAM, len(question))
        self._sizes.add(size)
        grams = frozenset(self._ids.setdefault(gram, len(self._ids)) for gram in _grams(question, size))
        numbers = Counter(word for word in question if is_number(word))
        self.originals.append(_Original(name, len(question), numbers, grams))

    def grams(self, question: Sequence[str]) -> Grams | None:
        """Returns what a pool question's words share with the held-out ones; ``None`` where that is nothing."""
        found = {gram for size in self._sizes for gram in _grams(question, size) if gram in self._ids}
        if not found:
            return None
        numbers = tuple(word for word in question if is_number(word))
        return Grams(tuple(sorted(self._ids[gram] for gram in found)), numbers, len(question))

    def copies(self, rows: Mapping[int, Grams], share: float) -> dict[int, tuple[str, float]]:
        """Returns, by the row's index, the held-out id that a row copies and the share of it that it covers."""
        weights = self._weights(rows)
        by_gram = self._rarest(weights, share)
        found: dict[int, tuple[str, float]] = {}
        for index, row in rows.items():
            places = sorted({place for gram in row.gram_ids for place in by_gram.get(gram, ())})
            grams = frozenset(row.gram_ids)
            covered = [(_covered(self.originals[place], row, grams, weights), place) for place in places]
            best = max(covered, key=lambda item: (item[0], -item[1]), default=(0.0, 0))
            if best[0] >= share:
                found[index] = (self.originals[best[1]].id, round(best[0], 4))
        return found

    def _weights(self, rows: Mapping[int, Grams]) -> list[float]:
        counts = Counter(gram for row in rows.values() for gram in row.gram_ids)
        return [min(1.0, RARE / max(counts[gram], 1)) for gram in range(len(self._ids))]

    def _rarest(self, weights: list[float], share: float) -> dict[int, list[int]]:
        """For each original its rarest n-grams, of which a copy must have one: nothing else is compared."""
        by_gram: dict[int, list[int]] = defaultdict(list)
        for place, original in enumerate(self.originals):
            spare = (1 - share) * sum(weights[gram] for gram in original.gram_ids)
            for gram in sorted(original.gram_ids, key=lambda gram: (-weights[gram], gram)):
                by_gram[gram].append(place)
                spare -= weights[gram]
                if spare < -1e-9:
                    break
        return by_gram


def _grams(question: Sequence[str], size: int) -> Iterable[tuple[str, ...]]:
    return zip(*(islice(question, start, None) for start in range(size)), strict=False)


def _covered(original: _Original, row: Grams, grams: frozenset[int], weights: list[float]) -> float:
    """The share of the original that the row has, weighed by rarity; 0 where the numbers tell them apart."""
    shared = original.gram_ids & grams
    numbers = Counter(row.numbers)
    if original.word_count < WHOLE_BELOW:
        longest = original.word_count + max(4, original.word_count // 2)
        whole = shared == original.gram_ids and numbers == original.numbers and row.word_count <= longest
        return 1.0 if whole else 0.0
    if original.numbers - numbers:
        return 0.0
    total = sum(weights[gram] for gram in sorted(original.gram_ids))
    return sum(weights[gram] for gram in sorted(shared)) / total
