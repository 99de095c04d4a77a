"""Threads that ask a teacher, and nothing else: what comes back is settled by the thread that sent it."""

from __future__ import annotations

import queue
import threading

from workbench.teachers.tasks import Task
from workbench.teachers.teacher import Reply, Teacher


class Workers:
    """Threads that ask; they end with the process, whatever they wait for."""

    def __init__(self, teacher: Teacher, count: int) -> None:
        self._inbox: queue.SimpleQueue[tuple[int, Task] | None] = queue.SimpleQueue()
        self._outbox: queue.SimpleQueue[tuple[int, Reply | BaseException]] = queue.SimpleQueue()
        self._teacher, self._count = teacher, count
        for _ in range(count):
            self.start()

    def start(self) -> None:
        """Starts one more thread."""
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while (item := self._inbox.get()) is not None:
            number, task = item
            try:
                self._outbox.put((number, self._teacher.ask(task.problem, task.sample)))
            except BaseException as error:  # given to the thread that settles it
                self._outbox.put((number, error))

    def send(self, number: int, task: Task) -> None:
        """Has a task asked by the next thread that is free."""
        self._inbox.put((number, task))

    def next(self, timeout_s: float) -> tuple[int, Reply | BaseException] | None:
        """Returns what comes next; ``None`` after the time-out."""
        try:
            return self._outbox.get(timeout=timeout_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Ends the threads that are idle, and the others when they are."""
        for _ in range(self._count):
            self._inbox.put(None)
