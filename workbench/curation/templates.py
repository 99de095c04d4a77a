"""Which words of a question its template says, and which fill a slot (ours).

Questions of one template differ in a name or a number and are different questions; a copy in other words
differs in what does not matter. The pool tells them apart: where a slot is, many rows have other words between
the same neighbours; where a wording was changed, one variant is the norm and the other an oddity.

Neighbours are counted as word pairs and triples with numbers masked, in sketches of a fixed size (count-min,
Cormode and Muthukrishnan 2005, two rows): memory does not grow with the pool.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.curation.tokens import NUMBER, QUOTED, Tokens

BITS = 22
"""Buckets of a sketch's row are 2 to this: 16 MB."""
USUAL = 5
"""Rows with a word triple from which it counts as one that a template says."""
ODD = 0.05
"""A wording is an oddity where it is rarer than this share of the norm, or stands in a row or two and the norm in
ten times as many."""
NORM = 0.4
"""A wording is the norm where it has this share of its context."""
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_OTHER = np.uint64(0xC2B2AE3D27D4EB4F)
_MASK = (1 << 64) - 1
_LOW = (1 << BITS) - 1
_START = np.uint32(1)
"""Stands before the first and after the last word."""

Hashes = NDArray[np.uint64]
Counts = tuple[Hashes, NDArray[np.uint32]]
"""Hashes, and how often each was met."""


class _Sketch:
    """How often each hash was met: the smaller of two buckets' counts, which is rarely too large."""

    def __init__(self) -> None:
        self._rows = np.zeros((2, 1 << BITS), dtype=np.uint32)

    def add(self, hashes: Hashes, times: NDArray[np.uint32]) -> None:
        for row, buckets in zip(self._rows, _buckets(hashes), strict=True):
            np.add.at(row, buckets, times)

    def __getitem__(self, hashes: Hashes) -> NDArray[np.uint32]:
        high, low = _buckets(hashes)
        counts: NDArray[np.uint32] = np.minimum(self._rows[0][high], self._rows[1][low])
        return counts

    def one(self, hashed: int) -> int:
        return min(int(self._rows[0][hashed >> (64 - BITS)]), int(self._rows[1][hashed & _LOW]))


def _buckets(hashes: Hashes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return (hashes >> np.uint64(64 - BITS)).astype(np.int64), (hashes & np.uint64(_LOW)).astype(np.int64)


class Neighbours:
    """How often each pair and each triple of words stands in the pool's questions."""

    def __init__(self) -> None:
        self._pairs, self._triples = _Sketch(), _Sketch()

    def add(self, counts: tuple[Counts, Counts]) -> None:
        """Adds the pairs and triples of some questions, as `neighbour_counts` gives them."""
        for sketch, (hashes, times) in zip((self._pairs, self._triples), counts, strict=True):
            sketch.add(hashes, times)

    def triples(self, tokens: Tokens) -> NDArray[np.uint32]:
        """Returns how often each triple of a question stands in the pool, its own included."""
        return self._triples[_triple_hashes(padded(tokens))[:-2]]

    def is_template(self, tokens: Tokens) -> bool:
        """True where most of a question's triples are usual: then other rows of its template are in the pool."""
        counts = self.triples(tokens)
        return len(counts) > 0 and float(np.mean(counts >= USUAL)) >= 0.5

    def fillers(self, tokens: Tokens) -> frozenset[int]:
        """Returns the words of a question that its template does not say: a copy has all of them."""
        edged = padded(tokens)
        triples, pairs = self._triples[_triple_hashes(edged)], self._pairs[_pair_hashes(edged)]
        count = len(tokens)
        after, before = triples[:count], triples[2 : count + 2]
        is_said = (after >= USUAL) & (after >= NORM * pairs[:count])
        is_said |= (before >= USUAL) & (before >= NORM * pairs[3 : count + 3])
        return frozenset(tokens[~is_said].tolist())

    def is_odd_choice(self, norm: Variant, other: Variant) -> bool:
        """True where the first wording is the norm in its place, and the other one an oddity."""
        places = (self._starting(norm), self._starting(other)), (self._ending(norm), self._ending(other))
        return any(usual >= NORM * context and _is_odd(usual, rare) for (usual, context), (rare, _) in places)

    def is_odd_opening(self, norm: Variant, other: Variant) -> bool:
        """True where the other opening hardly ever stands before the words that follow both."""
        return _is_odd(self._ending(norm)[0], self._ending(other)[0])

    def is_odd_closing(self, norm: Variant, other: Variant) -> bool:
        """True where the other closing hardly ever follows, or is a phrase that the pool has in other places.

        The second is asked where the pool knows nothing of the words before it.
        """
        (usual, context), (rare, _) = self._starting(norm), self._starting(other)
        return _is_odd(usual, rare) or (context < USUAL and self.is_phrase(other.padded[other.start : other.stop]))

    def is_phrase(self, words: Sequence[int]) -> bool:
        """True for three words or more whose triples are all usual."""
        return len(words) >= 3 and all(
            self._triples.one(_triple(*words[place : place + 3])) >= USUAL for place in range(len(words) - 2)
        )

    def _starting(self, variant: Variant) -> tuple[int, int]:
        """How often the wording's first word follows the two words before it, and how often anything does."""
        tokens, place = variant.padded, variant.start
        return self._counted(tokens[place - 2], tokens[place - 1], tokens[place], tokens[place - 2 : place])

    def _ending(self, variant: Variant) -> tuple[int, int]:
        """How often the wording's last word stands before the two words after it, and how often anything does."""
        tokens, place = variant.padded, variant.stop
        return self._counted(tokens[place - 1], tokens[place], tokens[place + 1], tokens[place : place + 2])

    def _counted(self, first: int, second: int, third: int, pair: list[int]) -> tuple[int, int]:
        context = _mixed(pair[0] * int(_FACTOR) + pair[1] * int(_OTHER))
        return self._triples.one(_triple(first, second, third)), self._pairs.one(context)


@dataclass(frozen=True, slots=True)
class Variant:
    """One wording of a place where two questions part; it may be empty."""

    padded: list[int]
    """The question's codes, from `padded`."""
    start: int
    """Of the wording, in ``padded``."""
    stop: int


def _is_odd(norm: int, other: int) -> bool:
    return norm >= USUAL and (other < ODD * norm or (other <= 2 and norm >= 10 * other))


def _triple(first: int, second: int, third: int) -> int:
    return _mixed((first * int(_FACTOR) + second) * int(_OTHER) + third * int(_FACTOR))


def masked(tokens: Tokens) -> Tokens:
    """Returns the codes with one code for all numbers, quoted or not."""
    return np.where(tokens & NUMBER, NUMBER, tokens & ~QUOTED)


def padded(tokens: Tokens) -> Tokens:
    """Returns the masked codes between two marks at either end."""
    edge = np.full(2, _START, dtype=np.uint32)
    return np.concatenate([edge, masked(tokens), edge])


def neighbour_counts(questions: list[Tokens]) -> tuple[Counts, Counts]:
    """Returns how often each pair and each triple is met, by their hashes in these questions."""
    joined = np.concatenate([np.zeros(2, dtype=np.uint32), *(padded(question) for question in questions)])
    pairs, triples = _pair_hashes(joined), _triple_hashes(joined)
    return _counted(pairs), _counted(triples)


def _counted(hashes: Hashes) -> Counts:
    found, times = np.unique(hashes, return_counts=True)
    return found, times.astype(np.uint32)


def _pair_hashes(tokens: Tokens) -> Hashes:
    wide = tokens.astype(np.uint64)
    return _mix(wide[:-1] * _FACTOR + wide[1:] * _OTHER)


def _triple_hashes(tokens: Tokens) -> Hashes:
    wide = tokens.astype(np.uint64)
    return _mix((wide[:-2] * _FACTOR + wide[1:-1]) * _OTHER + wide[2:] * _FACTOR)


def _mix(hashes: Hashes) -> Hashes:
    return (hashes ^ (hashes >> np.uint64(29))) * _OTHER


def _mixed(hashed: int) -> int:
    """`_mix` for a single hash: plain integers are much faster than arrays of one."""
    hashed &= _MASK
    return (hashed ^ (hashed >> 29)) * int(_OTHER) & _MASK
