"""Questions that are another one in other words, found by what they mean (ours).

Sentence embeddings propose, and do not decide: "5 days before" and "5 days after" lie closer together than most
paraphrases. Two questions count as one only if numbers, symbols, quoted words and the reference answer agree as well;
in a template, where siblings can share all of these, only the way of asking may differ. A question without an answer
is never judged. This is meant to be right where it speaks: the lexical stages before it find most copies.

Shape suffixes: N rows, M held-out questions, D dimensions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import Columns
from workbench.curation.contamination import matched_words
from workbench.curation.differences import compare, exact, fillers, only_asking_differs
from workbench.curation.duplicates import drop_worse, ranks
from workbench.curation.held_out import SHORTEST, HeldOut
from workbench.curation.templates import Neighbours
from workbench.curation.tokens import Tokens, encode
from workbench.curation.verdicts import Verdicts
from workbench.errors import InputError

Vectors = NDArray[np.float32]
Embed = Callable[[Sequence[str]], Vectors]
"""Returns texts' vectors [N, D], of length 1 or so."""

SIMILARITY = 0.85
"""Cosine from which two questions may be one. Chosen by hand on a generated pool of seed 11, where planted paraphrases
began at 0.88, and on GSM8K, MATH, MAWPS and TAL-SCQ5K; what it does is reported on another pool (docs/SELECTION.md)."""
_BLOCK = 1_024


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as this stage compares it."""

    id: str
    text: str
    tokens: Tokens
    key: tuple[int, ...] | None
    """What must agree: numbers, symbols and quoted words, then the answer; ``None`` where it cannot be judged."""

    @classmethod
    def of(cls, name: str, text: str, answer: str | None) -> Asked:
        """Returns the question with its codes."""
        tokens = encode(text)
        is_judged = len(tokens) >= SHORTEST and answer
        # No code is 0: it parts the two lists.
        key = (*exact(tokens), 0, *encode(answer).tolist()) if is_judged and answer else None
        return cls(name, text, tokens, key)


def same_question(one: Asked, other: Asked, neighbours: Neighbours) -> bool:
    """True where two questions of like meaning ask the same.

    Args:
        one: a question.
        other: another.
        neighbours: of the whole pool.
    """
    if one.key is None or one.key != other.key:
        return False
    if not (neighbours.is_template(one.tokens) or neighbours.is_template(other.tokens)):
        return True
    words = frozenset(one.tokens.tolist()), frozenset(other.tokens.tolist())
    has_slots = fillers(one.tokens, neighbours) <= words[1] or fillers(other.tokens, neighbours) <= words[0]
    return has_slots and only_asking_differs(compare(one.tokens, other.tokens))


def drop_copies(
    rows: Columns, asked: Sequence[Asked], vectors_ND: Vectors, held_out: HeldOut, embed: Embed,
    neighbours: Neighbours, verdicts: Verdicts,
) -> int:  # fmt: skip
    """Drops the rows that ask a held-out question in other words.

    Of the held-out questions only those are embedded that have some row's numbers, quoted words and answer.

    Args:
        rows: that are looked at.
        asked: their questions.
        vectors_ND: of these.
        held_out: the index.
        embed: gives the held-out questions' vectors.
        neighbours: of the whole pool.
        verdicts: receive the dropped rows.

    Returns:
        How many held-out questions were embedded.
    """
    keys = {each.key for each in asked} - {None}
    originals = (Asked.of(each.id, each.text, held_out.answers.get(each.id)) for each in held_out.originals)
    near = [each for each in originals if each.key in keys]
    if not near:
        return 0
    best: dict[int, tuple[float, int]] = {}
    for row, place, similarity in _alike(asked, vectors_ND, near, vectors(embed, [each.text for each in near])):
        if similarity > best.get(row, (0.0, 0))[0] and same_question(near[place], asked[row], neighbours):
            best[row] = similarity, place
    for row, (similarity, place) in sorted(best.items()):
        index, original = int(rows.index[row]), near[place]
        detail = f"similarity {similarity:.3f} to {original.id}"
        verdicts.drop(index, "semantic", "semantic copy of a held-out question", detail)
        verdicts.match(index, *_matched(asked[row], original), original.id)
    return len(near)


def drop_duplicates(
    rows: Columns, asked: Sequence[Asked], vectors_ND: Vectors, neighbours: Neighbours, verdicts: Verdicts
) -> None:
    """Of rows that ask the same in other words, drops all but the best; arguments as of `drop_copies`."""

    def drop(worse: int, better: int, similarity: float) -> None:
        index = int(rows.index[worse])
        verdicts.drop(index, "semantic", "semantic duplicate", f"similarity {similarity:.3f} ")
        verdicts.note(index, int(rows.index[better]))
        verdicts.match(index, *_matched(asked[worse], asked[better]))

    is_left = verdicts.left(rows.index)
    pairs = (
        (one, other, similarity)
        for one, other, similarity in _alike(asked, vectors_ND, asked, vectors_ND)
        if one < other and is_left[one] and is_left[other] and same_question(asked[one], asked[other], neighbours)
    )
    drop_worse(ranks(rows), pairs, drop)


def _matched(row: Asked, original: Asked) -> tuple[str, str]:
    return matched_words(compare(original.tokens, row.tokens), row.text, original.text)


def vectors(embed: Embed, texts: Sequence[str]) -> Vectors:
    """Calls ``embed``.

    Raises:
        InputError: where it does not return one finite vector per text.
    """
    found = np.asarray(embed(texts), dtype=np.float32)
    if found.ndim != 2 or len(found) != len(texts) or not np.isfinite(found).all():
        raise InputError(
            f"embed gave an array of shape {found.shape} for {len(texts):,} texts: give a row of numbers each"
        )
    return found


def _alike(
    left: Sequence[Asked], left_ND: Vectors, right: Sequence[Asked], right_MD: Vectors
) -> Iterator[tuple[int, int, float]]:
    """Pairs of places with one key that point the same way, and their cosine to three digits."""
    others = _by_key(right)
    for key, places in _by_key(left).items():
        beside = np.array(others.get(key, ()), dtype=np.int64)
        for start in range(0, len(places) if len(beside) else 0, _BLOCK):
            block = np.array(places[start : start + _BLOCK])
            cosines = np.round(left_ND[block] @ right_MD[beside].T, 3)
            for row, column in np.argwhere(cosines >= SIMILARITY):
                yield int(block[row]), int(beside[column]), float(cosines[row, column])


def _by_key(asked: Iterable[Asked]) -> dict[tuple[int, ...], list[int]]:
    found: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for place, each in enumerate(asked):
        if each.key is not None:
            found[each.key].append(place)
    return found
