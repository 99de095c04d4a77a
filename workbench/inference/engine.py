"""The decoding engine: answers to any number of requests, from one set of weights."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import psutil
import torch

from workbench.errors import InputError
from workbench.inference.batch import Batch
from workbench.inference.drafts import Drafts
from workbench.inference.request import Request, Written
from workbench.inference.rows import Row
from workbench.inference.sampling import Sampling
from workbench.inference.support import decodable
from workbench.records import Completion
from workbench.students import PackedLinears, Student


class Engine:
    """Answers many requests with one set of weights, in slots that never run empty.

    Args:
        student: its adapter may change, be on or off while the engine is in use; the base's weights must not change.
        slots: rows that run together; fewer where memory is short.
        sampling: greedy by default.
        drafts: guess ahead where few rows run; in fp32 it changes the time that answers take and nothing else.

    Raises:
        StudentError: where the model or its tokenizer cannot be decoded here, with the reason.
    """

    def __init__(
        self, student: Student, *, slots: int = 96, sampling: Sampling | None = None, drafts: bool = True
    ) -> None:
        if slots < 1:
            raise InputError(f"slots={slots} must be at least 1")
        self.student = student
        self.slots = slots
        self.sampling = sampling or Sampling()
        self._drafts = Drafts() if drafts else None
        self._packed = PackedLinears(student.model)
        self._known = decodable(student.model.get_base_model() if student.has_adapter else student.model, student.name)
        _ = student.end_ids  # raises where there is none

    def run(self, requests: Iterable[Request]) -> Iterator[Completion]:
        """Yields completions as they finish, in no particular order.

        Requests are read as slots fall free, so that there may be any number of them. One that cannot be
        answered gives a completion with ``finish_reason="error"`` and the reason; the others go on. What a
        controller raises ends the run.
        Stopping the iteration early (Ctrl-C included) loses only the rows that are still running.

        Args:
            requests: what to answer; longest answers first keeps the batch full to the end.
        """
        return (item for item in self.stream(requests) if isinstance(item, Completion))

    def stream(self, requests: Iterable[Request]) -> Iterator[Written | Completion]:
        """Yields each token as it is written, and each completion after its last token.

        Between two tokens the caller may do anything, run another engine on the same weights or switch
        the adapter included, as long as the adapter is set again before the next item is asked for.
        Arguments as for `run`.
        """
        memory, slots = _free_bytes(self.student.device) // 2, self.slots
        rows = self._opened(requests, memory)
        while True:
            batch = Batch(self.student, self._known, self.sampling, slots, memory, self._drafts, self._packed)
            yield from batch.run(rows)
            if not batch.too_long:
                return
            # What needs more memory than this width leaves to a row comes last, in a narrower batch.
            rows = iter(batch.too_long)
            slots = self._affordable(max(row.needs for row in batch.too_long), memory)

    def _affordable(self, positions: int, memory: int) -> int:
        return min(self.slots, memory // (positions * self._known.position_bytes))

    def _opened(self, requests: Iterable[Request], memory: int) -> Iterator[Row | Completion]:
        for request in requests:
            try:
                row = self._row(request)
                if not self._affordable(row.needs, memory):
                    raise InputError(f"{row.needs:,} positions do not fit into memory: shorten the question")
                yield row
            except InputError as error:
                yield self._refused(request, error)

    def _row(self, request: Request) -> Row:
        """Opens a request.

        Raises:
            InputError: where it cannot be answered.
        """
        prompt, prompter = request.prompt_ids, self.student.prompter
        if prompt is None:
            prompter.check_question(request.question or "")
            prompt = tuple(prompter.question_ids(request.question or ""))
        if not prompt:
            raise InputError("the prompt is empty; ask something")
        vocabulary = self.student.model.get_input_embeddings().weight.shape[0]
        if not (min(prompt) >= 0 and max(prompt) < vocabulary):
            raise InputError(f"the prompt has a token id outside of 0 to {vocabulary - 1:,}: it is another tokenizer's")
        row = Row.opened(self.student, request, prompt)
        if row.needs > self._known.positions:
            raise InputError(
                f"student {self.student.name} sees {self._known.positions:,} positions, and {row.needs:,} are needed "
                f"for the prompt's {len(prompt):,} tokens and {request.max_tokens:,} new ones: shorten the question"
            )
        return row

    def _refused(self, request: Request, error: InputError) -> Completion:
        return Completion(
            problem_id=request.problem_id,
            arm=request.arm,
            student=self.student.name,
            sample=request.sample,
            seed=self.sampling.seed,
            text="",
            finish_reason="error",
            error=str(error),
        )


def _free_bytes(device: torch.device) -> int:
    if device.type == "cuda":
        # What torch keeps for later tensors is free to these as well.
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    return int(psutil.virtual_memory().available)
