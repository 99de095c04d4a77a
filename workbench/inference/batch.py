"""The rows that run together: admitted, fed, written and taken out, step by step.

Each step feeds every row what the model has not seen of it: a whole prompt, an injection, or the one
token that was just written. The tokens of all rows lie behind one another, so that nothing is padded.

Shape suffixes: W tokens whose logits are wanted, V vocabulary.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import accumulate

import torch

from workbench.inference.drafts import Drafts, guess_length
from workbench.inference.request import Written
from workbench.inference.rows import Row
from workbench.inference.sampling import Sampling
from workbench.inference.slots import Chunk, SlotCache, Step
from workbench.inference.support import Decodable, feed
from workbench.records import Completion
from workbench.students import PackedLinears, Student

STEP_TOKENS = 1_024
"""Tokens of a step, at most: enough to keep the matrix units busy, few enough that no row waits long."""
LOOKAHEAD = 16
"""Rows that are read ahead of their turn, so that those with a common beginning can be told."""
SHARED_TOKENS = 4
"""A row waits a step for another with which it shares so many more tokens than with any that is ready."""


class Batch:
    """Busy rows in the first slots of a cache, and those that wait for one.

    Args:
        student: the adapter is switched for each row as its request says.
        known: of the student's model.
        sampling: how tokens are chosen.
        slots: rows that run together.
        memory: bytes that keys and values may take.
        drafts: guesses for rows that are few; ``None`` makes none.
        packed: the model's weights.
    """

    def __init__(
        self,
        student: Student,
        known: Decodable,
        sampling: Sampling,
        slots: int,
        memory: int,
        drafts: Drafts | None,
        packed: PackedLinears,
    ) -> None:
        self.student = student
        self.sampling = sampling
        self.slots = slots
        self._drafts = drafts
        self._packed = packed
        self.too_long: list[Row] = []
        """Rows that would not fit beside so many others."""
        self._longest = memory // (slots * known.position_bytes)
        self._model = student.model.get_base_model() if student.has_adapter else student.model
        self._cache = SlotCache(known.windows)
        self._rows: list[Row] = []
        self._waiting: deque[Row] = deque()

    def run(self, source: Iterator[Row | Completion]) -> Iterator[Written | Completion]:
        """Answers all rows of a source, which is read as slots fall free; completions in it are handed on."""
        while True:
            yield from self._read(source)
            self._admit()
            if not self._rows:
                return
            yield from self._step()
            yield from self._finished()

    def _read(self, source: Iterator[Row | Completion]) -> Iterator[Completion]:
        free = self.slots - len(self._rows)
        while free and len(self._waiting) < free + LOOKAHEAD and (item := next(source, None)) is not None:
            if isinstance(item, Completion):
                yield item
            elif item.needs > self._longest:
                self.too_long.append(item)
            else:
                self._waiting.append(item)

    def _admit(self) -> None:
        """Gives free slots to waiting rows; what they share with a row in the cache is copied from there."""
        room = STEP_TOKENS - sum(len(row.sequence) - row.fed for row in self._rows)
        ready, fresh = list(self._rows), list[Row]()
        for row in list(self._waiting):
            if room <= 0 or len(self._rows) == self.slots:
                break
            nearest, shared = _nearest(row, ready, [other.fed for other in ready])
            if _nearest(row, fresh, [len(other.sequence) for other in fresh])[1] > shared + SHARED_TOKENS:
                continue  # one step later it can be copied
            self._waiting.remove(row)
            self._place(row, nearest, shared)
            fresh.append(row)
            room -= len(row.sequence) - row.fed

    @torch.inference_mode()
    def _place(self, row: Row, nearest: Row | None, shared: int) -> None:
        row.slot = len(self._rows)
        self._rows.append(row)
        if self._drafts:
            self._drafts.learn(row.sequence, 1)
        wide = min(self.slots, 1 << (len(self._rows) - 1).bit_length())
        self._cache.reserve(wide, row.needs)
        if nearest is not None and shared:
            self._cache.copy(nearest.slot, row.slot, shared)
            row.fed = shared

    @torch.inference_mode()
    def _step(self) -> list[Written]:
        """Feeds every row; those that the model has seen whole get a token."""
        fed = self._chunks()
        ids = [token for row, chunk in fed for token in row.ids(chunk)]
        starts = accumulate((len(chunk) for _, chunk in fed), initial=0)
        places = [row.logits_wanted(chunk) for row, chunk in fed]
        wanted = [
            start + place - chunk.start
            for (_, chunk), start, wished in zip(fed, starts, places, strict=False)
            for place in wished
        ]
        step = Step([chunk for _, chunk in fed], self.student.device)
        with (
            self.student.adapter_on([row.request.adapter for row, chunk in fed for _ in range(len(chunk))]),
            self._packed,
        ):
            logits_WV = feed(self._model, ids, step, self._cache, wanted)
        for row, chunk in fed:
            row.fed = min(chunk.stop, len(row.sequence))
        return self._write([row for row, _ in fed], places, logits_WV)

    def _chunks(self) -> list[tuple[Row, Chunk]]:
        """What each row is fed, single tokens first; long prompts take several steps."""
        room, fed = STEP_TOKENS - len(self._rows), list[tuple[Row, Chunk]]()
        for row in self._rows:
            if self._drafts:
                row.guess(self._drafts, min(room, guess_length(len(self._rows))))
            chunk = row.chunk(1 + room)
            room -= len(chunk) - 1
            fed.append((row, chunk))
        return sorted(fed, key=lambda pair: len(pair[1]) > 1)

    def _write(self, rows: Sequence[Row], places: Sequence[range], logits_WV: torch.Tensor) -> list[Written]:
        """Records what was asked for, and lets each row that decides take its next tokens."""
        written, deciding = list[Written](), list[tuple[Row, range]]()
        for row, wished, end in zip(rows, places, accumulate(map(len, places)), strict=True):
            if row.request.logprobs:
                # Of what was injected before; a rewind or a branch below must find it complete.
                row.score(_logprobs(logits_WV[end - len(wished) : end]), wished)
            if row.decides:
                deciding.append((row, range(end - 1 - (wished.stop - len(row.sequence)), end)))
        chosen = self._choose(deciding, logits_WV)
        for row, indices in deciding:
            for index in indices:
                written += self._accept(row, chosen[index], logits_WV[index])
                if not row.confirms_draft():
                    break
        return written

    def _choose(self, deciding: Sequence[tuple[Row, range]], logits_WV: torch.Tensor) -> dict[int, int]:
        """The model's choices, by index into the logits: one for each row, and one after each guessed token."""
        indices = [index for _, own in deciding for index in own]
        if not indices:
            return {}
        logits_BV = logits_WV if len(indices) == len(logits_WV) else logits_WV[indices]
        noise = [row.place(ahead) for row, own in deciding for ahead in range(len(own))]
        return dict(zip(indices, self.sampling.choose(logits_BV, noise), strict=True))

    def _accept(self, row: Row, token: int, logits_V: torch.Tensor) -> list[Written]:
        place = len(row.sequence) - 1
        written = row.accept(token, logits_V)
        if row.request.logprobs:
            row.score(_logprobs(logits_V[None]), range(place, place + 1))
        if self._drafts:
            self._drafts.learn(row.sequence, place + 1)
        return written

    def _finished(self) -> Iterator[Completion]:
        """Takes finished rows out; the last busy row moves into each freed slot, and branches wait for one."""
        for slot in reversed(range(len(self._rows))):
            row = self._rows[slot]
            self._waiting.extendleft(row.branches)
            row.branches.clear()
            if not row.done:
                continue
            last = self._rows.pop()
            if last is not row:
                self._move(last, slot)
            yield row.completion(self.sampling.seed)

    @torch.inference_mode()
    def _move(self, row: Row, slot: int) -> None:
        self._cache.copy(row.slot, slot, row.fed)
        row.slot = slot
        self._rows[slot] = row


def _logprobs(logits_WV: torch.Tensor) -> torch.Tensor:
    return logits_WV.float().log_softmax(-1)


def _nearest(row: Row, others: Sequence[Row], limits: Sequence[int]) -> tuple[Row | None, int]:
    """The row that begins like this one for longest, and for how long; one token at least is left to be fed."""
    nearest, most = None, 0
    ids = row.sequence
    for other, limit in zip(others, limits, strict=True):
        limit = min(limit, len(ids) - 1)
        if limit <= most or other.sequence[most] != ids[most] or other.request.adapter != row.request.adapter:
            continue
        pairs = zip(other.sequence[:limit], ids, strict=False)
        shared = next((n for n, (theirs, mine) in enumerate(pairs) if theirs != mine), limit)
        if shared > most:
            nearest, most = other, shared
    return nearest, most
