"""One request while it is being answered: its tokens, and what a controller makes of them.

Shape suffixes: P positions of a step, V vocabulary.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from workbench.inference.drafts import Drafts
from workbench.inference.request import Request, Written
from workbench.inference.slots import Chunk
from workbench.inference.steering import Branch, Controller, End, Inject, Rewind, View
from workbench.inference.text import TextStream, cut_before
from workbench.records import Completion, Event, FinishReason
from workbench.students import Student


@dataclass(slots=True)
class Row:
    """A prompt, what was written after it, and how much of both the model has seen."""

    student: Student
    request: Request
    sequence: list[int]
    """Prompt and answer; all beyond ``fed`` is still to be fed."""
    prompt_tokens: int
    controller: Controller | None = None
    fed: int = 0
    """Positions in the cache."""
    slot: int = -1
    taken_back: int = 0
    """Tokens that were rewound; they count towards the limit, so that every row ends."""
    events: list[Event] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    entropies: list[float] = field(default_factory=list)
    finish: FinishReason | None = None
    draft: list[int] = field(default_factory=list)
    """A guess at what follows, fed with the newest token."""
    branches: list[Row] = field(default_factory=list)
    """Copies that still wait for a slot."""
    started: float = field(default_factory=time.monotonic)
    _stream: TextStream | None = None
    _streamed: int = 0

    @classmethod
    def opened(cls, student: Student, request: Request, prompt: Sequence[int]) -> Row:
        """Returns the row of a new request."""
        controller = request.steering.controller(student.prompter.text_ids) if request.steering else None
        return cls(student, request, list(prompt), len(prompt), controller)

    @property
    def written(self) -> tuple[int, ...]:
        """The answer's tokens so far."""
        return tuple(self.sequence[self.prompt_tokens :])

    @property
    def length(self) -> int:
        """Number of tokens of the answer so far."""
        return len(self.sequence) - self.prompt_tokens

    @property
    def needs(self) -> int:
        """Positions that the row takes at most."""
        return self.prompt_tokens + self.request.max_tokens

    @property
    def room(self) -> int:
        """Tokens that may still be written."""
        return max(0, self.request.max_tokens - self.taken_back - self.length)

    @property
    def done(self) -> bool:
        """True where nothing is left to write, nor to record of what was injected last."""
        return self.finish is not None and (not self.request.logprobs or len(self.logprobs) == self.length)

    @property
    def decides(self) -> bool:
        """True where the model has seen all there is, and what comes next is its choice."""
        return self.finish is None and self.fed == len(self.sequence)

    def place(self, ahead: int) -> tuple[str, int, int]:
        """Where the noise of the next token belongs, or of one that comes so many tokens later."""
        return self.request.problem_id, self.request.sample, self.length + ahead

    def guess(self, drafts: Drafts, most: int) -> None:
        """Takes a guess at what follows, where only the newest token is left to be fed."""
        waits = len(self.sequence) - self.fed > 1
        self.draft = [] if waits else drafts.guess(self.sequence, min(most, self.room - 1))

    def chunk(self, most: int) -> Chunk:
        """Returns what is to be fed next, the guess included: at most so many tokens, at least one."""
        return Chunk(self.slot, self.fed, min(len(self.sequence) + len(self.draft), self.fed + max(most, 1)))

    def ids(self, chunk: Chunk) -> list[int]:
        """Returns the tokens of a chunk."""
        return self.sequence[chunk.start : chunk.stop] + self.draft[: max(0, chunk.stop - len(self.sequence))]

    def logits_wanted(self, chunk: Chunk) -> range:
        """Positions of a chunk whose logits are needed: the newest and guessed, each that predicts a recorded token."""
        first = self.prompt_tokens - 1 if self.request.logprobs else len(self.sequence) - 1
        return range(max(chunk.start, first), chunk.stop)

    def accept(self, token: int, logits_V: torch.Tensor) -> list[Written]:
        """Adds the model's choice, unless a controller has it otherwise; returns what was written."""
        ends = token in self.student.end_ids
        command = self.controller(self._view(token, ends, logits_V)) if self.controller else None
        event = command.event if command else None
        self.events += [event] if event else []
        match command:
            case End():
                self.finish = "budget"
                return []
            case Inject(token_ids=ids):
                return self._written(ids, event)
            case Rewind(keep=keep, token_ids=ids):
                self._take_back(max(0, min(keep, self.length)), least=0 if ids else 1)
                return self._written(ids, event)
            case Branch(samples=samples):
                self.branches += [self._branch(command, sample) for sample in samples]
        if ends:
            self.finish = "stop"
            return []
        return self._written((token,), None)

    def confirms_draft(self) -> bool:
        """True where what was just accepted is the guessed token, which the model has therefore seen."""
        before, guessed = self.fed, self.draft[:1]
        # After a rewind less than that was kept, and the lengths differ.
        is_right = bool(guessed) and self.finish is None and self.sequence[before:] == guessed
        self.draft = self.draft[1:] if is_right else []
        self.fed += is_right
        return is_right

    def _written(self, ids: Sequence[int], event: Event | None) -> list[Written]:
        before = self.length
        self._extend(ids)
        name, sample, arm = self.request.problem_id, self.request.sample, self.request.arm
        return [
            Written(name, sample, arm, token, position, event is not None, event if position == before else None)
            for position, token in enumerate(self.written[before:], before)
        ]

    def _extend(self, ids: Sequence[int]) -> None:
        room = self.room
        self.sequence += ids[:room]
        if len(ids) >= room:
            self.finish = "length"
        if self.request.stop and self._read().stopped:
            self.finish = "stop"

    def _take_back(self, keep: int, least: int) -> None:
        # What neither takes back nor writes anything counts too, or it could be repeated for ever.
        self.taken_back += max(least, self.length - keep)
        del self.sequence[self.prompt_tokens + keep :]
        del self.logprobs[keep:], self.entropies[keep:]
        # The last kept token is fed again: its logits are those of the place where the row goes on.
        self.fed = min(self.fed, len(self.sequence) - 1)
        self._stream, self._streamed = None, 0

    def _branch(self, command: Branch, sample: int) -> Row:
        request = replace(self.request, sample=sample, steering=command.steering)
        copy = Row.opened(self.student, request, self.sequence)
        copy.prompt_tokens = self.prompt_tokens
        copy.taken_back = self.taken_back
        copy.events, copy.logprobs, copy.entropies = [*self.events], [*self.logprobs], [*self.entropies]
        return copy

    def score(self, logprobs_PV: torch.Tensor, positions: range) -> None:
        """Records the log-probability of each token that follows one of these positions."""
        for position, logprobs_V in zip(positions, logprobs_PV, strict=True):
            if position + 1 < len(self.sequence) and position + 1 - self.prompt_tokens == len(self.logprobs):
                self.logprobs.append(float(logprobs_V[self.sequence[position + 1]]))
                self.entropies.append(float(-(logprobs_V.exp() * logprobs_V).nansum()))

    def _view(self, token: int, ends: bool, logits_V: torch.Tensor) -> View:
        written, now = self.written, (self.length, self.taken_back)

        def decode(ids: Sequence[int]) -> str:
            # A view that is read later, when the row has gone on, cannot use the row's text.
            current = ids is written and now == (self.length, self.taken_back)
            return self._read().text if current else self.student.prompter.decode(ids)

        return View(written, token, ends, self.request.max_tokens - self.taken_back, decode, logits_V)

    def _read(self) -> TextStream:
        """The text so far, of which only the new tokens are decoded."""
        if self._stream is None:
            self._stream = TextStream(self.student.prompter.decode, self.request.stop)
        self._stream.push(*self.sequence[self.prompt_tokens + self._streamed :])
        self._streamed = self.length
        return self._stream

    def completion(self, seed: int) -> Completion:
        """Returns the finished answer."""
        assert self.finish is not None
        text = self.student.prompter.decode(self.written)
        return Completion(
            problem_id=self.request.problem_id,
            arm=self.request.arm,
            student=self.student.name,
            sample=self.request.sample,
            seed=seed,
            text=cut_before(text, self.request.stop) if self.finish == "stop" else text,
            token_ids=self.written,
            logprobs=tuple(self.logprobs) if self.request.logprobs else None,
            entropies=tuple(self.entropies) if self.request.logprobs else None,
            prompt_tokens=self.prompt_tokens,
            finish_reason=self.finish,
            events=tuple(self.events),
            seconds=round(time.monotonic() - self.started, 3),
        )
