"""The questions that must not be learnt, indexed so that every pool row can be held against all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count

import numpy as np
from numpy.typing import NDArray

from workbench.curation.describe import question_hash
from workbench.curation.text import question_text, words
from workbench.curation.tokens import NUMBER, QUOTED, Tokens, encode
from workbench.records import Problem

Ints = NDArray[np.int64]

GRAM = 8
LONG_GRAM = 13
"""Word n-grams that are looked for: 8 as s1 does (arXiv 2501.19393), 13 as GPT-3 did (arXiv 2005.14165, appendix C)."""
WHOLE_BELOW = 28
"""Held-out questions of fewer words must stand whole in the pool's question, or be it in other words."""
SHORTEST = 4
"""Held-out questions of fewer words are compared for equality alone."""
_TRIPLE = 3
_USUAL_GRAM = 20
"""Held-out questions that may share an 8-gram by which a long one is found."""
_USUAL_TRIPLE = 20
"""Held-out questions that may share a word triple by which a question without numbers is found."""
_LEAST_OVERLAP = 0.5
"""Different words of a held-out question that a pool question must have to be looked at more closely."""
_FACTORS = np.array([pow(0x9E3779B97F4A7C15, place + 1, 1 << 64) for place in range(LONG_GRAM)], dtype=np.uint64)


UNNAMED = "given problems"
"""The set of problems that were given without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOutSet:
    """A benchmark whose questions must not be learnt, or one that could not be had."""

    name: str
    problems: Sequence[Problem] = ()
    missing: str = ""
    """Why it is not checked, and the fix, where it is not here."""
    unread: int = 0
    """Its rows that could not be read: they are not checked."""


@dataclass(frozen=True, slots=True)
class Original:
    """A held-out question."""

    id: str
    text: str
    tokens: Tokens
    numbers: Counter[int]
    """Codes of its numbers."""
    number_set: frozenset[int]
    word_set: frozenset[int]
    """Codes of all its words."""
    gram_ids: frozenset[int]
    """Its 8-grams, or the whole of it where it is shorter."""
    long_ids: frozenset[int]


@dataclass(frozen=True, slots=True)
class Suspect:
    """A pool row that may be a copy, and of which held-out questions."""

    text: str
    originals: tuple[int, ...]
    gram_ids: frozenset[int]
    """The held-out n-grams that it has."""


@dataclass(slots=True)
class HeldOut:
    """An index of held-out questions; the same in every process, whatever its hash seed."""

    equal: dict[bytes, str] = field(default_factory=dict)
    """Hash of the normalised question, and the problem's id."""
    answers: dict[str, str] = field(default_factory=dict)
    """Reference answers by the problem's id, where it has one."""
    originals: list[Original] = field(default_factory=list)
    _grams: dict[int, NDArray[np.uint64]] = field(default_factory=dict)
    """Sorted hashes of n-grams by n; a gram's id is its place in the joined tables."""
    _by_numbers: dict[tuple[int, ...], list[int]] = field(default_factory=dict)
    """By all numbers of a question, sorted."""
    _by_gram: dict[int, list[int]] = field(default_factory=dict)
    """Long questions by the 8-grams that few of them have: they may stand in a row with further numbers."""
    _by_triple: dict[int, list[int]] = field(default_factory=dict)

    sets: list[HeldOutSet] = field(default_factory=list)
    """What was asked for, without the problems."""
    questions: dict[str, int] = field(default_factory=dict)
    """How many were given, by set."""
    set_of: dict[str, str] = field(default_factory=dict)
    """The set of each different question, by the name that ``equal`` and ``originals`` give it."""
    texts: dict[str, str] = field(default_factory=dict)
    """Likewise, the question and its choices."""

    @classmethod
    def of(cls, given: Iterable[Problem | HeldOutSet]) -> HeldOut:
        """Returns the index of the problems' questions; one that stands in several sets belongs to the first."""
        held_out = cls()
        for each in given:
            if isinstance(each, Problem):
                held_out._add(each, UNNAMED)
                continue
            held_out.sets.append(replace(each, problems=()))
            for problem in each.problems:
                held_out._add(problem, each.name)
        long = [(name, text) for name, text in held_out.texts.items() if len(words(text)) >= SHORTEST]
        held_out._index(long)
        return held_out

    def _add(self, problem: Problem, set_name: str) -> None:
        self.questions[set_name] = self.questions.get(set_name, 0) + 1
        text = question_text(problem)
        key = question_hash(words(text))
        if key in self.equal:
            return
        # Ids of two sets may clash, and so may those of careless files: no question is lost for that.
        names = chain((problem.id, f"{set_name}/{problem.id}"), (f"{set_name}/{problem.id}#{n}" for n in count(2)))
        name = self.equal[key] = next(name for name in names if name not in self.texts)
        self.set_of[name], self.texts[name] = set_name, text
        if problem.answer:
            self.answers[name] = problem.answer

    def _index(self, questions: Sequence[tuple[str, str]]) -> None:
        coded = [encode(text) for _, text in questions]
        hashes: dict[int, list[NDArray[np.uint64]]] = defaultdict(list)
        for tokens in coded:
            for size in {min(GRAM, len(tokens)), LONG_GRAM}:
                hashes[size].append(gram_hashes(tokens, size))
        self._grams = {size: np.unique(np.concatenate(parts)) for size, parts in sorted(hashes.items())}
        self.originals = [self._original(*named, tokens) for named, tokens in zip(questions, coded, strict=True)]
        self._index_numbers()
        self._index_triples()

    def _original(self, name: str, text: str, tokens: Tokens) -> Original:
        plain = tokens & ~QUOTED
        numbers = Counter(plain[(plain & NUMBER) > 0].tolist())
        size = min(GRAM, len(tokens))
        return Original(
            name, text, tokens, numbers, frozenset(numbers), frozenset(plain.tolist()),
            frozenset(self._ids(tokens, size)), frozenset(self._ids(tokens, LONG_GRAM)),
        )  # fmt: skip

    def _ids(self, tokens: Tokens, size: int) -> list[int]:
        found, ids = self._look_up(gram_hashes(tokens, size), size)
        return [int(each) for each in ids[found]]

    def _look_up(self, hashes: NDArray[np.uint64], size: int) -> tuple[NDArray[np.bool_], Ints]:
        table = self._grams.get(size, np.zeros(0, dtype=np.uint64))
        if not len(table):
            return np.zeros(len(hashes), dtype=np.bool_), np.zeros(len(hashes), dtype=np.int64)
        places = np.minimum(np.searchsorted(table, hashes), len(table) - 1)
        offset = sum(len(other) for known, other in self._grams.items() if known < size)
        return table[places] == hashes, places + offset

    @property
    def gram_count(self) -> int:
        """How many different n-grams the held-out questions have."""
        return sum(map(len, self._grams.values()))

    def _index_numbers(self) -> None:
        by_numbers: dict[tuple[int, ...], list[int]] = defaultdict(list)
        by_gram: dict[int, list[int]] = defaultdict(list)
        for place, original in enumerate(self.originals):
            if original.number_set:
                by_numbers[tuple(sorted(original.numbers.elements()))].append(place)
            for gram in original.gram_ids if len(original.tokens) >= WHOLE_BELOW else ():
                by_gram[gram].append(place)
        self._by_numbers = dict(by_numbers)
        self._by_gram = {gram: places for gram, places in by_gram.items() if len(places) <= _USUAL_GRAM}

    def _index_triples(self) -> None:
        by_triple: dict[int, list[int]] = defaultdict(list)
        for place, original in enumerate(self.originals):
            if not original.number_set:
                for triple in set(gram_hashes(original.tokens, _TRIPLE).tolist()):
                    by_triple[triple].append(place)
        self._by_triple = {triple: places for triple, places in by_triple.items() if len(places) <= _USUAL_TRIPLE}

    def scan(self, questions: Sequence[str], coded: Sequence[Tokens]) -> tuple[Ints, dict[int, Suspect]]:
        """Holds some pool questions against all held-out ones.

        Args:
            questions: their texts.
            coded: their codes.

        Returns:
            The ids of all held-out n-grams that were met, once per question, and the suspects by the question's place.
        """
        suspects: dict[int, Suspect] = {}
        if not self.originals or not len(questions):
            return np.zeros(0, dtype=np.int64), suspects
        owners, grams = self._grams_of(coded)
        cuts = np.searchsorted(owners, np.arange(len(coded) + 1))
        for place, (text, tokens) in enumerate(zip(questions, coded, strict=True)):
            found = frozenset(grams[cuts[place] : cuts[place + 1]].tolist())
            if originals := self._candidates(tokens, found):
                suspects[place] = Suspect(text, originals, found)
        return grams, suspects

    def _grams_of(self, coded: Sequence[Tokens]) -> tuple[Ints, Ints]:
        """The held-out n-grams of all questions, once per question: whose each is, and its id, in order of both."""
        owners, ids = [], []
        for size in self._grams:
            whose, hashes = windows(coded, size)
            found, places = self._look_up(hashes, size)
            owners.append(whose[found])
            ids.append(places[found])
        pairs = np.unique(np.stack([np.concatenate(owners), np.concatenate(ids)], axis=1), axis=0)
        return pairs[:, 0], pairs[:, 1]

    def _candidates(self, tokens: Tokens, grams: frozenset[int]) -> tuple[int, ...]:
        plain = tokens & ~QUOTED
        words = frozenset(plain.tolist())
        numbers = frozenset(plain[(plain & NUMBER) > 0].tolist())
        near = set(self._by_numbers.get(tuple(sorted(plain[(plain & NUMBER) > 0].tolist())), ()))
        distinct = {place for gram in grams for place in self._by_gram.get(gram, ())}
        near |= {place for place in distinct if self.originals[place].number_set <= numbers}
        if self._by_triple:
            for triple in set(gram_hashes(tokens, _TRIPLE).tolist()):
                near.update(self._by_triple.get(triple, ()))
        return tuple(sorted(place for place in near if self._overlaps(self.originals[place].word_set, words)))

    def _overlaps(self, original: frozenset[int], words: frozenset[int]) -> bool:
        return len(original & words) >= _LEAST_OVERLAP * len(original)


def windows(coded: Sequence[Tokens], size: int) -> tuple[Ints, NDArray[np.uint64]]:
    """Returns the `gram_hashes` of many questions at once, each with the place of its question before it."""
    lengths = np.array([len(tokens) for tokens in coded], dtype=np.int64)
    joined = np.concatenate([np.zeros(0, dtype=np.uint32), *coded])
    hashes = gram_hashes(joined, size)
    owners = np.repeat(np.arange(len(coded)), lengths)[: len(hashes)]
    ends = np.repeat(np.cumsum(lengths), lengths)[: len(hashes)]
    is_whole = np.arange(len(hashes)) + size <= ends
    return owners[is_whole], hashes[is_whole]


def gram_hashes(tokens: Tokens, size: int) -> NDArray[np.uint64]:
    """Returns a 64-bit hash of every run of ``size`` words, quoted or not, in order; none for a shorter question."""
    if len(tokens) < size:
        return np.zeros(0, dtype=np.uint64)
    plain, count = (tokens & ~QUOTED).astype(np.uint64), len(tokens) - size + 1
    # Shifted sums, not a view of windows: that takes longer to make than a question takes to hash.
    mixed: NDArray[np.uint64] = plain[:count] * _FACTORS[0]
    for place in range(1, size):
        mixed += plain[place : place + count] * _FACTORS[place]
    return mixed ^ (mixed >> np.uint64(31))
