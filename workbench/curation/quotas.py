"""How many rows each domain and each source within it may give."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

import numpy as np

from workbench.curation.columns import Columns
from workbench.files import text_hash

Quota = tuple[str, str]
"""A domain and one of its sources."""


def quotas(rows: Columns, size: int, seed: int) -> dict[Quota, int]:
    """Spreads ``size`` evenly over the domains, and each domain's part evenly over its sources.

    What a short domain or source cannot fill goes to the others; the sum is always
    ``min(size, len(rows))``.
    """
    sources: dict[str, Counter[str]] = defaultdict(Counter)
    pairs = np.stack([rows.domain.codes, rows.source.codes], axis=1)
    for (domain, source), count in zip(*np.unique(pairs, axis=0, return_counts=True), strict=True):
        sources[rows.domain.names[domain]][rows.source.names[source]] = int(count)
    by_domain = even_parts({domain: counts.total() for domain, counts in sources.items()}, size, seed)
    return {
        (domain, source): part
        for domain in sorted(sources)
        for source, part in even_parts(sources[domain], by_domain[domain], seed).items()
    }


def even_parts(capacities: Mapping[str, int], size: int, seed: int = 0) -> dict[str, int]:
    """Fills all names alike until each is full or ``size`` is spent; a seeded hash places the remainder.

    >>> even_parts({"a": 1, "b": 10, "c": 10}, 9)
    {'a': 1, 'b': 4, 'c': 4}
    """
    parts = dict.fromkeys(sorted(capacities), 0)
    left = min(size, sum(capacities.values()))
    while left:
        open_names = [name for name in parts if parts[name] < capacities[name]]
        share = left // len(open_names)
        if share == 0:
            open_names = sorted(open_names, key=lambda name: text_hash(seed, name))[:left]
            share = 1
        for name in open_names:
            given = min(share, capacities[name] - parts[name])
            parts[name] += given
            left -= given
    return parts


def band_targets(size: int, mix: Sequence[float]) -> list[int]:
    """Returns whole numbers in the mix's proportions that sum to ``size`` (largest remainder).

    >>> band_targets(10, (0.5, 0.25, 0.25))
    [5, 3, 2]
    """
    exact = [size * share for share in mix]
    parts = [int(part + 1e-9) for part in exact]
    order = sorted(range(len(mix)), key=lambda place: (-round(exact[place] - parts[place], 9), place))
    for place in order[: size - sum(parts)]:
        parts[place] += 1
    return parts
