"""Pool questions that are held-out questions in disguise (ours).

Questions from one template share most of their 8-grams and are not copies of each other. What tells them from
copies: numbers are words like any other and a copy has those of its original; an 8-gram counts the less the
more pool questions have it; and where two questions part, the pool shows whether a slot was filled otherwise or a
wording was changed (see `workbench.curation.templates`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.curation.differences import Comparison, compare, exact, fillers, reworded
from workbench.curation.held_out import WHOLE_BELOW, HeldOut, Original, Suspect
from workbench.curation.templates import Neighbours
from workbench.curation.text import words
from workbench.curation.tokens import NUMBER, QUOTED, SYMBOL, Tokens, encode

RARE = 5
"""Pool questions that may share an n-gram before its weight falls, as one over their number."""
SPAN = 500
"""Characters of the matched words that are kept of either side."""
_FRAME = 12
"""Words that a paraphrase may have around those of its original, at least."""
_LEAST_OVERLAP = 0.25
"""Of the words of both, in order, that a question of a template shares with its copy."""
_FREE_OVERLAP = 0.65
"""Of the words of a question without a template, weighed by rarity, that make one with its numbers a copy."""
_BACK_OVERLAP = 0.5
"""Of the copy's words that must be the original's, likewise."""


@dataclass(frozen=True, slots=True)
class Copy:
    """Why a pool row counts as a held-out question."""

    reason: str
    original: str
    """The held-out problem's id."""
    share: float
    """Of the original that the row covers, from 0 to 1, as its reason measures it."""
    matched: str
    """The row's words that the two share; ``[…]`` where they part."""
    matched_original: str
    """The original's, likewise; what it has and the row has not stands in brackets."""


class Judgement:
    """Decides on suspects once the whole pool was read."""

    def __init__(self, held_out: HeldOut, gram_counts: NDArray[np.int64], neighbours: Neighbours, share: float) -> None:
        """Prepares the weights.

        Args:
            held_out: the index.
            gram_counts: pool questions per held-out n-gram.
            neighbours: of the whole pool.
            share: distinctive 8-grams of an original that make a row its copy.
        """
        self._held_out, self._neighbours, self._share = held_out, neighbours, share
        self._weights = np.minimum(1.0, RARE / np.maximum(gram_counts, 1))
        self._totals: dict[int, float] = {}
        self._templates: dict[int, bool] = {}
        self._fillers: dict[int, frozenset[int]] = {}
        self._usual = Counter(word & ~int(QUOTED) for original in held_out.originals for word in original.word_set)

    def copies(self, suspects: Mapping[int, Suspect]) -> dict[int, Copy]:
        """Returns what the rows copy, by their index."""
        found = {}
        for index, suspect in suspects.items():
            row = _Row(suspect, encode(suspect.text))
            judged = [self._copy(place, row) for place in suspect.originals]
            if best := max((copy for copy in judged if copy), key=lambda copy: copy.share, default=None):
                found[index] = best
        return found

    def _copy(self, place: int, row: _Row) -> Copy | None:
        original = self._held_out.originals[place]
        covered = self._covered(place, row)
        if covered >= self._share:
            return _found("held-out overlap", covered, original, row, compare(original.tokens, row.tokens))
        # A paraphrase is neither much longer nor has it other numbers.
        if row.numbers != original.numbers or len(row.tokens) > len(original.tokens) + max(
            _FRAME, len(original.tokens) // 2
        ):
            return None
        if self._is_template(place) or row.is_template(self._neighbours):
            return self._reworded(place, row)
        return self._rewritten(original, row)

    def _is_template(self, place: int) -> bool:
        if place not in self._templates:
            self._templates[place] = self._neighbours.is_template(self._held_out.originals[place].tokens)
        return self._templates[place]

    def _reworded(self, place: int, row: _Row) -> Copy | None:
        """Within a template: the same numbers and fillers in the same places, other words around them."""
        original = self._held_out.originals[place]
        if place not in self._fillers:
            self._fillers[place] = fillers(original.tokens, self._neighbours)
        if not self._fillers[place] <= row.words or exact(original.tokens) != row.exact:
            return None
        comparison = reworded(original.tokens, row.tokens, self._neighbours)
        if comparison is None or comparison.overlap < _LEAST_OVERLAP:
            return None
        return _found("held-out paraphrase", comparison.overlap, original, row, comparison)

    def _rewritten(self, original: Original, row: _Row) -> Copy | None:
        """Free text: the same numbers, and a long run or most of the words that are rare."""
        # Formulas may be written with or without dollars: here they count as words.
        same_order = exact(original.tokens & ~QUOTED) == exact(row.tokens & ~QUOTED)
        if not same_order and len(original.tokens) < WHOLE_BELOW:
            return None
        shared = self._shared_weight(original.tokens, row.tokens)
        has_run = any(self._weights[gram] == 1.0 for gram in original.long_ids & row.suspect.gram_ids)
        if has_run:
            return _found("held-out 13-gram", shared, original, row, compare(original.tokens, row.tokens))
        if shared < _FREE_OVERLAP or self._shared_weight(row.tokens, original.tokens) < _BACK_OVERLAP:
            return None
        return _found("held-out paraphrase", shared, original, row, compare(original.tokens, row.tokens))

    def _covered(self, place: int, row: _Row) -> float:
        """The share of the original's 8-grams that the row has, weighed; 0 where the numbers tell them apart."""
        original = self._held_out.originals[place]
        count = len(original.tokens)
        if count < WHOLE_BELOW:
            is_short = len(row.tokens) <= count + max(4, count // 2)
            return float(is_short and original.gram_ids <= row.suspect.gram_ids and row.numbers == original.numbers)
        shared = original.gram_ids & row.suspect.gram_ids
        if not shared or original.numbers - row.numbers:
            return 0.0
        # A sibling can have an original's numbers and one more thing to count; free text has them around it.
        if row.numbers != original.numbers and self._is_template(place):
            return 0.0
        if place not in self._totals:
            self._totals[place] = float(self._weights[sorted(original.gram_ids)].sum())
        return float(self._weights[sorted(shared)].sum()) / self._totals[place]

    def _shared_weight(self, one: Tokens, other: Tokens) -> float:
        """The different words of one that the other has, weighed by how few held-out questions have them."""
        one, other = one & ~QUOTED, other & ~QUOTED
        words = sorted({word for word in one.tolist() if not word & int(NUMBER | SYMBOL)})
        if not words:
            return 1.0
        total = len(self._held_out.originals)
        weights = np.array([np.log((total + 1) / max(self._usual[word], 1)) for word in words])
        has = np.isin(np.array(words, dtype=np.uint32), other)
        return float(weights[has].sum() / weights.sum())


class _Row:
    """A suspect, and what is asked of it again and again."""

    def __init__(self, suspect: Suspect, tokens: Tokens) -> None:
        self.suspect, self.tokens = suspect, tokens
        self.words = frozenset(tokens.tolist())
        self.numbers = Counter((tokens[(tokens & NUMBER) > 0] & ~QUOTED).tolist())
        self.exact = exact(tokens)
        self._is_template: bool | None = None

    def is_template(self, neighbours: Neighbours) -> bool:
        """See `workbench.curation.templates.Neighbours.is_template`."""
        if self._is_template is None:
            self._is_template = neighbours.is_template(self.tokens)
        return self._is_template


def _found(reason: str, share: float, original: Original, row: _Row, comparison: Comparison) -> Copy:
    return Copy(reason, original.id, round(share, 4), *matched_words(comparison, row.suspect.text, original.text))


def matched_words(comparison: Comparison, text: str, original: str) -> tuple[str, str]:
    """Returns the words of a text and of its original, those in brackets that the other does not have.

    Args:
        comparison: the original on the left.
        text: on the right.
        original: on the left.
    """
    left = [(shared[0], True) for shared in comparison.shared]
    left += [(each.left, False) for each in comparison.differences]
    right = [(shared[1], True) for shared in comparison.shared]
    right += [(each.right, False) for each in comparison.differences]
    return _spans(text, right), _spans(original, left)


def _spans(text: str, parts: list[tuple[slice, bool]]) -> str:
    """The words with those in brackets that the other side does not have."""
    split, texts = words(text), []
    for part, is_shared in sorted(parts, key=lambda item: item[0].start):
        found = " ".join(split[part])
        texts.append(found if is_shared else f"[{found}]" if found else "")
    return " ".join(filter(None, texts))[:SPAN]
