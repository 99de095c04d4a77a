"""Tokens that are likely to come next, guessed so that the model can confirm several in one pass.

A step of few tokens takes as long as reading the weights, whether one token is fed or eight. So, where few
rows run, each is fed its newest token and a guess at those that follow; the model's own choices, which are
drawn at every place as always, confirm as much of the guess as is right (speculative decoding: Leviathan et
al., arXiv 2211.17192). The guess is what most recently followed the same tokens, in this row or any other
(compare prompt lookup and arXiv 2304.04487, 2311.08252; one memory for prompts and answers of all rows is
ours). Since noise belongs to a place and not to a pass, sampled answers are confirmed like greedy ones, and
no answer depends on what was guessed, but for the last bits of sums, which 8-bit weights can turn into words.
"""

from __future__ import annotations

from collections.abc import Sequence

ORDERS = (4, 3, 2)
"""Lengths of context that are looked up, the longest first. A single token tells too little: where it costs
the step more than it gains."""
MOST = 7
"""Tokens of a guess: eight in a row cost 8-bit weights a tenth to a third more than one (`make bench`, `step`)."""
FULL = 16
"""Tokens of a step beyond which arithmetic, and no longer reading the weights, sets its time."""
FEW_ROWS = 4
"""Rows with a guess attend one by one, which must stay rare."""
REMEMBERED = 1 << 18
"""Contexts that are kept, about 30 MB; then all are forgotten, and learnt anew."""


def guess_length(rows: int) -> int:
    """Returns how many tokens to guess for each of so many rows.

    >>> [guess_length(rows) for rows in (1, 2, 3, 4, 5)]
    [7, 7, 4, 3, 0]
    """
    return min(MOST, FULL // rows - 1) if rows <= FEW_ROWS else 0


class Drafts:
    """What followed each few tokens most recently.

    >>> drafts = Drafts()
    >>> drafts.learn([5, 6, 7, 8, 9], 0)
    >>> drafts.guess([1, 6, 7], 2)
    [8, 9]
    """

    def __init__(self) -> None:
        self._next: dict[tuple[int, ...], int] = {}

    def learn(self, ids: Sequence[int], start: int) -> None:
        """Remembers every token from index ``start`` on, with those before it."""
        if len(self._next) > REMEMBERED:
            self._next.clear()
        for place in range(start, len(ids)):
            for order in ORDERS:
                if place >= order:
                    self._next[tuple(ids[place - order : place])] = ids[place]

    def guess(self, ids: Sequence[int], most: int) -> list[int]:
        """Returns up to ``most`` tokens that may follow; none where nothing like the end of ``ids`` was seen."""
        context = list(ids[-ORDERS[0] :])
        known = len(context)
        while len(context) - known < most and (token := self._following(context)) is not None:
            context.append(token)
        return context[known:]

    def _following(self, context: Sequence[int]) -> int | None:
        found = (self._next.get(tuple(context[-order:])) for order in ORDERS if len(context) >= order)
        return next((token for token in found if token is not None), None)
