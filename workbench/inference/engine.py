"""The decoding engine: one batched loop, refilled as rows finish, open to interventions.

Shape suffixes: B busy rows, P prompt positions, K key positions, D hidden size, V vocabulary.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import psutil
import torch

from workbench.errors import InputError, StudentError
from workbench.inference.cache import SlotCache, row_bytes
from workbench.inference.sampling import Sampling
from workbench.inference.steering import Controller, End, Inject, Steering, View
from workbench.records import Completion, Event, FinishReason
from workbench.students import Student

REFILL_SHARE = 8
"""Waiting prompts are admitted when this fraction (1/8) of the slots is free: larger prefills run faster."""


PREFILL_TOKENS = 1_024
"""Padded prompt tokens that run at once: enough to keep the matrix units busy, few enough to pad little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answer that is wanted."""

    problem_id: str
    prompt_ids: tuple[int, ...]
    max_tokens: int
    sample: int = 0
    steering: Steering | None = None

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InputError(f"problem {self.problem_id}: max_tokens={self.max_tokens} must be at least 1")


@dataclass(frozen=True, slots=True)
class Written:
    """One token that a row just got, for those who watch it being written."""

    problem_id: str
    sample: int
    token_id: int
    forced: bool
    """True where an intervention wrote it and not the model."""
    event: Event | None = None
    """The intervention that begins with this token."""


@dataclass(slots=True)
class _Row:
    """A request while it is being answered."""

    request: Request
    controller: Controller | None
    started: float
    token_ids: list[int] = field(default_factory=list)
    forced: deque[int] = field(default_factory=deque)
    events: list[Event] = field(default_factory=list)
    finish: FinishReason | None = None

    @property
    def length(self) -> int:
        """Positions that the row takes up once its last token has been fed."""
        return len(self.request.prompt_ids) + len(self.token_ids)


class Engine:
    """Answers many requests with one set of weights, in slots that never run empty.

    Args:
        student: its adapter may be on or off while the engine runs.
        slots: rows that run together; fewer where memory is short.
        sampling: greedy by default.

    Raises:
        StudentError: where the model keeps a state that rows cannot share by position (recurrent,
            hybrid or sliding-window layers).
    """

    def __init__(self, student: Student, *, slots: int = 96, sampling: Sampling | None = None) -> None:
        self.student = student
        self.slots = slots
        self.sampling = sampling or Sampling()
        self._base = student.model.get_base_model() if student.has_adapter else student.model
        _refuse_unsupported(self._base, student.name)

    def run(self, requests: Iterable[Request], arm: str = "student") -> Iterator[Completion]:
        """Yields completions as they finish, in no particular order.

        Stopping the iteration early (Ctrl-C included) loses only the rows that are still running.

        Args:
            requests: what to answer; longest answers first keeps the batch full to the end.
            arm: recorded in each completion.
        """
        return (item for item in self.stream(requests, arm) if isinstance(item, Completion))

    @torch.no_grad()
    def stream(self, requests: Iterable[Request], arm: str = "student") -> Iterator[Written | Completion]:
        """Yields each token as it is written, and each completion after its last token.

        Between two tokens the caller may do anything, run another engine on the same weights or switch
        the adapter included, as long as the adapter is set again before the next item is asked for.
        Arguments as for `run`.
        """
        waiting = deque(requests)
        if not waiting:
            return
        capacity = max(len(request.prompt_ids) + request.max_tokens for request in waiting) + 1
        _refuse_beyond_window(self._base, self.student.name, capacity)
        slots = self._affordable(min(self.slots, len(waiting)), capacity)
        cache = SlotCache(self._base, slots, capacity)
        opening = self._open(waiting, cache)
        rows: list[_Row] = []
        while waiting or rows:
            if waiting and (slots - len(rows)) * REFILL_SHARE >= slots:
                logits_BV = self._admit(waiting, rows, cache, slots, opening)
                yield from self._write(rows[-len(logits_BV) :], logits_BV)
            else:
                yield from self._write(rows, self._step(rows, cache))
            yield from (self._completion(row, arm) for row in _finished(rows, cache))

    def _affordable(self, slots: int, capacity: int) -> int:
        """Fewer slots where the cache would take more than half of the free memory."""
        cuda = self.student.device.type == "cuda"
        free = torch.cuda.mem_get_info()[0] if cuda else psutil.virtual_memory().available
        return max(1, min(slots, int(free // 2 // row_bytes(self._base, capacity))))

    def _open(self, waiting: Sequence[Request], cache: SlotCache) -> int:
        """Runs the opening that all prompts share, a chat template's for instance, once for all slots.

        Returns:
            Its length; 0 where there is none worth it. Each prompt keeps at least one token of its own.
        """
        first, last = min(r.prompt_ids for r in waiting), max(r.prompt_ids for r in waiting)
        shared = next((n for n, pair in enumerate(zip(first, last, strict=False)) if len(set(pair)) > 1), len(first))
        shared = min(shared, min(len(request.prompt_ids) for request in waiting) - 1)
        if shared > 0:
            self._prefill([first[:shared]], slice(0, 1), cache, 0)
            cache.share_opening(shared)
        return max(0, shared)

    def _admit(
        self, waiting: deque[Request], rows: list[_Row], cache: SlotCache, slots: int, opening: int
    ) -> torch.Tensor:
        """Runs the prompts of the next waiting requests into free slots; returns their logits."""
        fresh = self._take(waiting, slots - len(rows), opening)
        lengths_B = torch.tensor([len(request.prompt_ids) - opening for request in fresh], device=self.student.device)
        own = [request.prompt_ids[opening:] for request in fresh]
        hidden_BPD = self._prefill(own, slice(len(rows), len(rows) + len(fresh)), cache, opening)
        rows += [_Row(request, self._controller(request), time.monotonic()) for request in fresh]
        return self._logits(hidden_BPD[torch.arange(len(fresh)), lengths_B - 1])

    def _take(self, waiting: deque[Request], free: int, opening: int) -> list[Request]:
        """Takes requests while there are free slots and their padded prompts stay below `PREFILL_TOKENS`."""
        fresh: list[Request] = []
        longest = 0
        while waiting and len(fresh) < free:
            longest = max(longest, len(waiting[0].prompt_ids) - opening)
            if fresh and longest * (len(fresh) + 1) > PREFILL_TOKENS:
                break
            fresh.append(waiting.popleft())
        return fresh

    def _prefill(self, prompts: Sequence[Sequence[int]], slots: slice, cache: SlotCache, start: int) -> torch.Tensor:
        """Runs prompts from position ``start`` on; returns final hidden states [B, P, D]."""
        ids_BP = torch.nn.utils.rnn.pad_sequence([torch.tensor(ids) for ids in prompts], batch_first=True)
        ids_BP = ids_BP.to(self.student.device)
        stop = start + ids_BP.shape[1]
        cache.open_rows(slots, start, stop)
        positions_P = torch.arange(start, stop, device=ids_BP.device)
        # Padding stands on the right, where causal attention keeps it out of every real position.
        visible_PK = torch.arange(stop, device=ids_BP.device)[None] <= positions_P[:, None]
        return self._forward(ids_BP, visible_PK[None, None], positions_P[None], cache)

    def _step(self, rows: Sequence[_Row], cache: SlotCache) -> torch.Tensor:
        """Feeds each row its last token and returns the logits of the next one, [B, V]."""
        device = self.student.device
        ids_B1 = torch.tensor([[row.token_ids[-1]] for row in rows], device=device)
        positions_B = torch.tensor([row.length - 1 for row in rows], device=device)
        span = cache.next_step(positions_B)
        visible_BK = torch.arange(span, device=device)[None] <= positions_B[:, None]
        hidden_B1D = self._forward(ids_B1, visible_BK[:, None, None], positions_B[:, None], cache)
        return self._logits(hidden_B1D[:, 0])

    def _forward(
        self, ids: torch.Tensor, mask: torch.Tensor, positions: torch.Tensor, cache: SlotCache
    ) -> torch.Tensor:
        hidden: torch.Tensor = self._base.get_decoder()(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True
        ).last_hidden_state
        return hidden

    def _logits(self, hidden_BD: torch.Tensor) -> torch.Tensor:
        logits_BV: torch.Tensor = self._base.get_output_embeddings()(hidden_BD)
        return logits_BV

    def _write(self, rows: Sequence[_Row], logits_BV: torch.Tensor) -> list[Written]:
        """Adds one token to each row: a forced one, an injected one, or the model's choice."""
        greedy_B = logits_BV.argmax(-1).tolist()
        written = []
        for index, row in enumerate(rows):
            forced, tokens, events = bool(row.forced), len(row.token_ids), len(row.events)
            if forced:
                row.token_ids.append(row.forced.popleft())
            else:
                token = greedy_B[index] if not self.sampling.temperature else self._draw(logits_BV[index], row)
                self._accept(row, token)
            if len(row.token_ids) >= row.request.max_tokens and row.finish is None:
                row.finish = "length"
            if len(row.token_ids) > tokens:
                event = row.events[-1] if len(row.events) > events else None
                name, sample = row.request.problem_id, row.request.sample
                written.append(Written(name, sample, row.token_ids[-1], forced or event is not None, event))
        return written

    def _draw(self, logits_V: torch.Tensor, row: _Row) -> int:
        return self.sampling.choose(logits_V, row.request.problem_id, row.request.sample, len(row.token_ids))

    def _accept(self, row: _Row, token: int) -> None:
        ends = token in self.student.end_ids
        command = row.controller(self._view(row, token, ends)) if row.controller else None
        if isinstance(command, Inject):
            row.events.append(command.event)
            first, *rest = command.token_ids
            row.token_ids.append(first)
            row.forced.extend(rest)
        elif isinstance(command, End):
            row.events.append(command.event)
            row.finish = "budget"
        elif ends:
            row.finish = "stop"
        else:
            row.token_ids.append(token)

    def _view(self, row: _Row, token: int, ends: bool) -> View:
        return View(tuple(row.token_ids), token, ends, row.request.max_tokens, self.student.prompter.decode)

    def _controller(self, request: Request) -> Controller | None:
        return request.steering.controller(self.student.prompter.text_ids) if request.steering else None

    def _completion(self, row: _Row, arm: str) -> Completion:
        assert row.finish is not None
        return Completion(
            problem_id=row.request.problem_id,
            arm=arm,
            student=self.student.name,
            sample=row.request.sample,
            seed=self.sampling.seed,
            text=self.student.prompter.decode(row.token_ids),
            token_ids=tuple(row.token_ids),
            prompt_tokens=len(row.request.prompt_ids),
            finish_reason=row.finish,
            events=tuple(row.events),
            seconds=round(time.monotonic() - row.started, 3),
        )


def _finished(rows: list[_Row], cache: SlotCache) -> list[_Row]:
    """Takes finished rows out; the last busy row moves into each freed slot."""
    done = []
    for slot in reversed(range(len(rows))):
        if rows[slot].finish is None:
            continue
        done.append(rows[slot])
        last = rows.pop()
        if slot < len(rows):
            cache.move(len(rows), slot, last.length)
            rows[slot] = last
    return done


def _refuse_beyond_window(model: Any, name: str, capacity: int) -> None:
    """A window over all layers does not matter before it is full; no window is applied here."""
    config = model.config.get_text_config()
    used = getattr(config, "use_sliding_window", True) and getattr(config, "sliding_window", None)
    if capacity > min(used or capacity, config.max_position_embeddings):
        limit = min(used or capacity, config.max_position_embeddings)
        raise StudentError(
            f"student {name} sees {limit:,} positions, {capacity:,} are needed: shorten the longest question"
        )


def _refuse_unsupported(model: Any, name: str) -> None:
    config = model.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"]) - {"full_attention"}
    if kinds or not getattr(config, "num_key_value_heads", None):
        found = ", ".join(sorted(kinds)) or "no key-value heads"
        raise StudentError(f"student {name} cannot be decoded here: its layers are not plain attention ({found})")
