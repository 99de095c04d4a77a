"""Questions that are another one with small edits: found by MinHash, then compared word by word.

MinHash (Broder 1997) with banding (Leskovec, Rajaraman and Ullman, ch. 3) proposes pairs; ours are three things.
Only word triples that few rows have are hashed, since those of a template make all its questions alike. A band's
key holds the numbers as well, so that questions with other numbers never meet. And a pair counts only if what
tells the two apart does not matter (see `workbench.curation.templates`): the proposals may be generous.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.curation.columns import Columns
from workbench.curation.differences import Comparison, compare, exact, fillers, reworded
from workbench.curation.duplicates import drop_worse, ranks
from workbench.curation.held_out import windows
from workbench.curation.templates import Neighbours
from workbench.curation.tokens import NUMBER, QUOTED, SYMBOL, Tokens, TokenTable
from workbench.curation.verdicts import Verdicts

Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

PERMUTATIONS = 32
BAND = 2
"""Minima in a band: 16 bands of 2 propose pairs from a Jaccard index of about 0.25 on."""
SHINGLE = 3
RARE = 32
"""Rows that may share a word triple for it to be hashed."""
FREE_OVERLAP = 0.85
"""Words that two questions share at least where the pool knows no template of theirs."""
EDGE = 8
"""Words at either end that, with the numbers, propose pairs as well: a short question has few triples."""
MOST = 64
"""Rows with one key, at most; more of them say nothing about each other."""
_ALL_PAIRS = 12
_BITS = 24
_BLOCK = 20_000
_SHORTEST = 4


def drop_near(
    rows: Columns, table: TokenTable, places: Ints, neighbours: Neighbours, verdicts: Verdicts, overlap: float
) -> None:
    """Of questions that differ in small edits, drops all but the best.

    Args:
        rows: that are still in.
        table: the questions' codes.
        places: where each of the rows stands in the table.
        neighbours: of the whole pool.
        verdicts: receive the dropped rows.
        overlap: shared words over all words of both, from which two questions may be one.
    """
    rank = ranks(rows)
    alike = (
        (left, right, share)
        for left, right in _pairs(table, places, rank)
        if (share := _alike(table, int(places[left]), int(places[right]), neighbours, overlap))
    )

    def drop(worse: int, better: int, share: float) -> None:
        verdicts.drop(int(rows.index[worse]), "duplicates", "near duplicate", f"{share:.0%} ")
        verdicts.note(int(rows.index[worse]), int(rows.index[better]))

    drop_worse(rank, alike, drop)


def _alike(table: TokenTable, left: int, right: int, neighbours: Neighbours, overlap: float) -> float:
    """The overlap of two questions that ask the same, else 0."""
    one, other = table[left], table[right]
    sets = frozenset(one.tolist()), frozenset(other.tolist())
    if len(sets[0] & sets[1]) < overlap * len(sets[0] | sets[1]) or exact(one) != exact(other):
        return 0.0
    if not (neighbours.is_template(one) or neighbours.is_template(other)):
        comparison: Comparison | None = compare(one, other)
        overlap = max(overlap, FREE_OVERLAP)
    else:
        comparison = _reworded(one, other, sets, neighbours)
    return comparison.overlap if comparison and comparison.overlap >= overlap else 0.0


def _reworded(
    one: Tokens, other: Tokens, sets: tuple[frozenset[int], frozenset[int]], neighbours: Neighbours
) -> Comparison | None:
    """Either may be the other in other words; what neither template says, both must have."""
    for left, right, words in ((one, other, sets[1]), (other, one, sets[0])):
        if fillers(left, neighbours) <= words and (found := reworded(left, right, neighbours)):
            return found
    return None


def _pairs(table: TokenTable, places: Ints, rank: Ints) -> Iterator[tuple[int, int]]:
    """Different pairs of rows that share a key, by their places among the rows."""
    seen: set[int] = set()
    for keys in _keys(table, places):
        for group in _groups(keys, rank):
            for left, right in _within(group):
                pair = left * len(places) + right if left < right else right * len(places) + left
                if pair not in seen:
                    seen.add(pair)
                    yield left, right


def _within(group: list[int]) -> Iterator[tuple[int, int]]:
    """All pairs of a small group; of a larger one each row with the best and with its neighbour."""
    if len(group) <= _ALL_PAIRS:
        yield from combinations(group, 2)
        return
    for before, place in pairwise(group):
        yield before, place
        if before != group[0]:
            yield group[0], place


def _groups(keys: Hashes, rank: Ints) -> Iterator[list[int]]:
    """The rows that share a key, the best first; key 0 is none."""
    order = np.lexsort((rank, keys))
    order = order[keys[order] > 0]
    cuts = np.flatnonzero(np.diff(keys[order])) + 1
    starts, ends = np.concatenate([[0], cuts]), np.concatenate([cuts, [len(order)]])
    sizes = ends - starts
    for place in np.flatnonzero((sizes > 1) & (sizes <= MOST)):
        yield order[starts[place] : ends[place]].tolist()


def _keys(table: TokenTable, places: Ints) -> Iterator[Hashes]:
    """One column of keys after the other: the bands', then those of either end."""
    empty = np.zeros((0, PERMUTATIONS // BAND + 2), dtype=np.uint64)
    blocks = [places[start : start + _BLOCK] for start in range(0, len(places), _BLOCK)]
    usual = np.zeros(1 << _BITS, dtype=np.uint32)
    for block in blocks:
        _, hashes = windows([table[place] for place in block.tolist()], SHINGLE)
        np.add.at(usual, _bucket(hashes), 1)
    keys = [_block_keys([table[place] for place in block.tolist()], usual) for block in blocks]
    yield from np.concatenate([empty, *keys]).T


def _block_keys(coded: list[Tokens], usual: NDArray[np.uint32]) -> Hashes:
    """Rows × keys; 0 where a row has none of a kind."""
    numbers = np.array([_number_key(tokens) for tokens in coded], dtype=np.uint64)[:, None]
    ends = np.array([[_edge_key(tokens[:EDGE]), _edge_key(tokens[-EDGE:])] for tokens in coded], dtype=np.uint64)
    keys = np.concatenate([_band_keys(coded, usual), ends], axis=1)
    return np.where(keys > 0, _mixed(keys + numbers + np.arange(keys.shape[1], dtype=np.uint64)), np.uint64(0))


def _number_key(tokens: Tokens) -> int:
    exactly = tokens[(tokens & (NUMBER | SYMBOL)) > 0]
    return zlib.crc32(exactly.tobytes()) + len(exactly)


def _edge_key(tokens: Tokens) -> int:
    return zlib.crc32((tokens & ~QUOTED).tobytes()) + 1 if len(tokens) >= _SHORTEST else 0


def _band_keys(coded: list[Tokens], usual: NDArray[np.uint32]) -> Hashes:
    """Rows × bands; 0 where a row has no rare triple."""
    owners, hashes = windows(coded, SHINGLE)
    is_rare = usual[_bucket(hashes)] <= RARE
    owners, hashes = owners[is_rare], hashes[is_rare]
    minima = np.zeros((len(coded), PERMUTATIONS), dtype=np.uint64)
    rows, starts = np.unique(owners, return_index=True)
    factors, offsets = _permutations()
    for place in range(PERMUTATIONS if len(rows) else 0):
        minima[rows, place] = np.minimum.reduceat(_mixed(hashes * factors[place] + offsets[place]), starts)
    bands: Hashes = minima.reshape(len(coded), -1, BAND)
    keys = np.maximum(_mixed(bands[:, :, 0] * factors[0] + bands[:, :, 1]), 1)
    return np.where(np.isin(np.arange(len(coded)), rows)[:, None], keys, np.uint64(0))


def _bucket(hashes: Hashes) -> Ints:
    return (_mixed(hashes) >> np.uint64(64 - _BITS)).astype(np.int64)


def _permutations() -> tuple[Hashes, Hashes]:
    drawn = np.random.default_rng(0).integers(0, 1 << 63, size=(2, PERMUTATIONS), dtype=np.uint64)
    return drawn[0] | np.uint64(1), drawn[1]


def _mixed(hashes: NDArray[Any]) -> Hashes:
    """Spreads every bit of a hash over all others (the finaliser of SplitMix64)."""
    hashes = (hashes ^ (hashes >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    hashes = (hashes ^ (hashes >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: Hashes = hashes ^ (hashes >> np.uint64(31))
    return mixed
