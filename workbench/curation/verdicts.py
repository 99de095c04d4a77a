"""Which stage dropped which row, and why: two small numbers a row, texts only where a row has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

STAGES = ("filters", "duplicates", "contamination", "semantic", "selection")


class Verdicts:
    """The outcome of every row of the pool, by its index."""

    def __init__(self) -> None:
        self._stage = np.zeros(0, dtype=np.int8)
        self._reason = np.zeros(0, dtype=np.int16)
        self._reasons: dict[str, int] = {"": 0}
        self._details: dict[int, str] = {}
        self._matched: dict[int, tuple[str, str]] = {}
        self._originals: dict[int, str] = {}
        self._of = np.zeros(0, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._stage)

    def extend(self, reasons: Sequence[str]) -> None:
        """Adds rows at the end: those with a reason were dropped by the filters."""
        codes = np.array([self._code(reason) for reason in reasons], dtype=np.int16)
        self._reason = np.concatenate([self._reason, codes])
        self._stage = np.concatenate([self._stage, (codes > 0).astype(np.int8)])
        self._of = np.concatenate([self._of, np.full(len(codes), -1, dtype=np.int32)])

    def drop(self, index: int, stage: str, reason: str, detail: str = "") -> None:
        """Notes which stage dropped a row, and why."""
        self._stage[index], self._reason[index] = STAGES.index(stage) + 1, self._code(reason)
        if detail:
            self._details[index] = detail

    def note(self, index: int, of: int) -> None:
        """Notes which row stayed in a dropped row's place."""
        self._of[index] = of

    def match(self, index: int, row: str, original: str, name: str = "") -> None:
        """Notes what a dropped row's words and the held-out question's have in common, and the question's name."""
        self._matched[index] = row, original
        self._originals[index] = name

    def original(self, index: int) -> str:
        """Returns the name of the held-out question for which a row was dropped; empty where there is none."""
        return self._originals.get(index, "")

    def matched(self, index: int) -> tuple[str, str]:
        """Returns the matched words of a dropped row and of the held-out question; empty where there are none."""
        return self._matched.get(index, ("", ""))

    def drop_all(
        self, indices: NDArray[np.int64], stage: str, reason: str, of: NDArray[np.int64] | None = None
    ) -> None:
        """Drops many rows for one reason; ``of`` are the rows that stay in their place, one for each."""
        self._stage[indices], self._reason[indices] = STAGES.index(stage) + 1, self._code(reason)
        if of is not None:
            self._of[indices] = of

    def _code(self, reason: str) -> int:
        return self._reasons.setdefault(reason, len(self._reasons))

    def left(self, indices: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Returns which of the rows no stage has dropped."""
        still: NDArray[np.bool_] = self._stage[indices] == 0
        return still

    @property
    def dropped(self) -> NDArray[np.int64]:
        """The indices of all rows that were dropped, in the pool's order."""
        return np.flatnonzero(self._stage)

    def copies(self) -> NDArray[np.int64]:
        """Returns the indices of the rows that were dropped for a held-out question, in the pool's order."""
        by_stage = np.flatnonzero(self._stage == STAGES.index("contamination") + 1)
        named = [index for index, name in self._originals.items() if name]
        return np.union1d(by_stage, np.array(named, dtype=np.int64))

    def stage(self, index: int) -> str:
        """Returns the stage that dropped a row."""
        return STAGES[self._stage[index] - 1]

    def reason(self, index: int) -> str:
        """Returns why a row was dropped."""
        return list(self._reasons)[int(self._reason[index])]

    def detail(self, index: int) -> str:
        """Returns what was found in a row that a later stage than the filters dropped."""
        return self._details.get(index, "")

    def of(self, index: int) -> int:
        """Returns the row that stayed in a dropped row's place, -1 where there is none."""
        return int(self._of[index])

    def counts(self, stage: str) -> Counter[str]:
        """Returns how many rows a stage dropped for what."""
        names = list(self._reasons)
        found = self._reason[self._stage == STAGES.index(stage) + 1]
        return Counter({names[code]: int(count) for code, count in enumerate(np.bincount(found)) if count})
