"""Two questions word by word: what they share, and whether what tells them apart matters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from workbench.curation.templates import Neighbours, Variant, padded
from workbench.curation.tokens import NUMBER, QUOTED, SYMBOL, Tokens, code

_ASKING = "what which who how find compute calculate determine evaluate solve get work tell say give state name write"
_ASKING_VERBS = frozenset(code(word) for word in f"{_ASKING} answer respond provide return show explain please".split())
_BESIDE = frozenset(code(word) for word in ("out", "is", "are", "the", "a", "an", "to", "me", "for", "of"))
"""Small words beside one that asks; alone they may be part of a quotation."""

_CLOSING = 3
"""Words from which what is added at the end can be a remark, and no part of a quotation."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two questions part: words from and to, on either side."""

    left: slice
    right: slice


@dataclass(frozen=True, slots=True)
class Comparison:
    """The shared runs of two questions and their differences."""

    left: Tokens
    right: Tokens
    shared: tuple[tuple[slice, slice], ...]
    differences: tuple[Difference, ...]

    @property
    def deleted(self) -> Tokens:
        """The left question's words that the right one does not have in that order."""
        parts = [self.left[each.left] for each in self.differences]
        return np.concatenate([self.left[:0], *parts])

    @property
    def inserted(self) -> Tokens:
        """The right question's words that the left one does not have in that order."""
        parts = [self.right[each.right] for each in self.differences]
        return np.concatenate([self.right[:0], *parts])

    @property
    def overlap(self) -> float:
        """Shared words over all words of both: the Jaccard index of the two as ordered bags."""
        shared = len(self.left) - len(self.deleted)
        return shared / max(1, len(self.left) + len(self.inserted))


def compare(left: Tokens, right: Tokens) -> Comparison:
    """Aligns two questions: what they begin and end with, then their longest shared runs (Ratcliff, Obershelp 1988).

    Small words that happen to be shared within a difference belong to it.
    """
    head, tail = _common(left, right)
    middle = left[head : len(left) - tail].tolist(), right[head : len(right) - tail].tolist()
    runs = [
        (a + head, b + head, size)
        for a, b, size in SequenceMatcher(None, *middle, autojunk=False).get_matching_blocks()
    ]
    runs = [(0, 0, head), *runs, (len(left) - tail, len(right) - tail, tail)]
    runs = [run for run in runs if run[2] and not (run[2] <= 2 and _is_small(left[run[0] : run[0] + run[2]]))]
    shared = tuple((slice(a, a + size), slice(b, b + size)) for a, b, size in _opened(runs, left, right))
    return Comparison(left, right, shared, tuple(_between(shared, len(left), len(right))))


def _opened(runs: list[tuple[int, int, int]], left: Tokens, right: Tokens) -> list[tuple[int, int, int]]:
    """Moves what only the right one has to its beginning, where the words allow it: ``I ... I have`` opens with it."""
    if len(runs) < 2 or runs[0][:2] != (0, 0) or runs[1][0] != runs[0][2]:
        return runs
    size, end = runs[0][2], runs[1][1]
    if end - size >= 1 and (left[:size] == right[end - size : end]).all():
        return [(0, end - size, size + runs[1][2]), *runs[2:]]
    return runs


def _between(shared: Sequence[tuple[slice, slice]], left: int, right: int) -> Iterator[Difference]:
    a = b = 0
    for one, other in (*shared, (slice(left, left), slice(right, right))):
        if one.start > a or other.start > b:
            yield Difference(slice(a, one.start), slice(b, other.start))
        a, b = one.stop, other.stop


def _is_small(words: Tokens) -> bool:
    return all(word in _BESIDE for word in words.tolist())


def _common(left: Tokens, right: Tokens) -> tuple[int, int]:
    """How many words both begin with, and how many of the others both end with."""
    size = min(len(left), len(right))
    differ = np.flatnonzero(left[:size] != right[:size])
    head = int(differ[0]) if len(differ) else size
    rest = size - head
    differ = np.flatnonzero(left[len(left) - rest :][::-1] != right[len(right) - rest :][::-1])
    return head, int(differ[0]) if len(differ) else rest


def reworded(left: Tokens, right: Tokens, neighbours: Neighbours) -> Comparison | None:
    """Returns how two questions of one template differ where the right one is the left one in other words."""
    comparison = compare(left, right)
    if exact(comparison.deleted) or exact(comparison.inserted) or matters(comparison, neighbours):
        return None
    return comparison


def only_asking_differs(comparison: Comparison) -> bool:
    """True where two questions differ in how they ask, and else only one of them has words that the other has not."""
    alone = [0, 0]
    for each in comparison.differences:
        parts = comparison.left[each.left].tolist(), comparison.right[each.right].tolist()
        if all(parts):
            if not all(any(word in _ASKING_VERBS for word in part) for part in parts):
                return False
        else:
            alone[0 if parts[0] else 1] += 1
    return not all(alone)


def fillers(tokens: Tokens, neighbours: Neighbours) -> frozenset[int]:
    """Returns the words of a question that each of its copies must have: neither its template's nor merely asking."""
    return neighbours.fillers(tokens) - _ASKING_VERBS - _BESIDE


def exact(tokens: Tokens) -> list[int]:
    """Returns a question's numbers, symbols and quoted words, in order: a copy within a template has the same."""
    found: list[int] = tokens[(tokens & (NUMBER | SYMBOL | QUOTED)) > 0].tolist()
    return found


def matters(comparison: Comparison, neighbours: Neighbours) -> bool:
    """True where a difference makes the right question another one than the left, as far as the pool can tell.

    The left one's wording is the norm; what is odd must be the right one's.
    """
    left, right = padded(comparison.left).tolist(), padded(comparison.right).tolist()
    return any(_matters(each, comparison, left, right, neighbours) for each in comparison.differences)


def _matters(each: Difference, whole: Comparison, left: list[int], right: list[int], neighbours: Neighbours) -> bool:
    parts = whole.left[each.left].tolist(), whole.right[each.right].tolist()
    if all(_only_asks(part) for part in parts):
        return False
    norm = Variant(left, each.left.start + 2, each.left.stop + 2)
    other = Variant(right, each.right.start + 2, each.right.stop + 2)
    if neighbours.is_odd_choice(norm, other):
        return False
    if each.left.start == each.right.start == 0 and _only_asks(parts[0]):
        return not (_is_remark(parts[1], neighbours) or neighbours.is_odd_opening(norm, other))
    is_closing = each.left.stop == len(whole.left) and each.right.stop == len(whole.right)
    if is_closing and not parts[0] and len(parts[1]) >= _CLOSING:
        return not neighbours.is_odd_closing(norm, other)
    return True


def _only_asks(words: list[int]) -> bool:
    """Words that ask and do not say what for, or none."""
    asks = any(word in _ASKING_VERBS for word in words)
    return not words or (asks and all(word in _ASKING_VERBS | _BESIDE for word in words))


def _is_remark(words: list[int], neighbours: Neighbours) -> bool:
    """A phrase that the pool knows, and after it words that ask or none."""
    size = next((size for size in range(len(words), 0, -1) if words[size - 1] not in _ASKING_VERBS | _BESIDE), 0)
    return neighbours.is_phrase(words[:size])
