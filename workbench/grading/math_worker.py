"""Comparing formulas with math-verify, in a process of its own that can be stopped.

Algebra on a student's text can run for ever or eat all memory. The process is started on first use,
answers one comparison a line, and is replaced when it takes too long or dies; the caller never hangs.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, Literal

Comparison = tuple[Literal["same", "different", "unknown"], str]
"""The outcome, and the reason where it is not ``same``."""

_START_LIMIT_S = 120.0
_MEMORY_LIMIT_BYTES = 4 * 2**30
_PROGRAM = "from workbench.grading.math_worker import serve; serve()"


class MathWorker:
    """A process that compares formulas; safe to share between threads, which then take turns.

    Args:
        limit_s: wall seconds for one comparison.
        program: the Python code that the process runs; another one serves the tests.
    """

    def __init__(self, limit_s: float = 10.0, program: str = _PROGRAM) -> None:
        self.limit_s = limit_s
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._lock = threading.Lock()

    def compare(self, reference: str, answer: str) -> Comparison:
        """Says whether ``answer`` equals ``reference`` as mathematics (math-verify; the reference goes first).

        A comparison that takes too long or kills the process is ``unknown``, never ``different``.
        """
        with self._lock:
            try:
                if self._process is None or self._process.poll() is not None:
                    self._stop()
                    self._start()
                reply = self._ask(json.dumps([reference, answer, self.limit_s]), self.limit_s)
            except queue.Empty:
                self._stop()
                return "unknown", f"the comparison took longer than {self.limit_s:g} s"
            except OSError as error:
                self._stop()
                return "unknown", f"the comparison could not run: {error}"
            except BaseException:  # interrupted: a late reply must not answer the next question
                self._stop()
                raise
            if not reply:
                self._stop()
                return "unknown", "the comparison crashed"
            outcome, reason = json.loads(reply)
            return outcome, reason

    def close(self) -> None:
        """Ends the process; the next comparison starts another."""
        with self._lock:
            self._stop()

    def _start(self) -> None:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", self._program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        )
        self._lines = queue.Queue()
        threading.Thread(target=_pump, args=(self._process.stdout, self._lines), daemon=True).start()
        try:
            ready = self._lines.get(timeout=_START_LIMIT_S)
        except queue.Empty:
            raise OSError("its process did not start in time") from None
        if not ready:
            raise OSError("math-verify did not load; install it with: pip install 'math-verify[antlr4_13_2]'")

    def _ask(self, line: str, limit_s: float) -> str:
        stdin = self._process.stdin if self._process else None
        if stdin is None:
            raise OSError("its process has ended")
        stdin.write(line + "\n")
        stdin.flush()
        return self._lines.get(timeout=limit_s)

    def _stop(self) -> None:
        if self._process is None:
            return
        process, self._process = self._process, None
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                with suppress(OSError):  # unsent bytes for a process that is gone
                    stream.close()


def _pump(stream: IO[str], lines: queue.Queue[str]) -> None:
    """Passes lines on, and an empty one at the end, so that reading can be given a time limit on any system."""
    with suppress(OSError, ValueError):
        for line in stream:
            lines.put(line)
    lines.put("")


@cache
def shared_worker() -> MathWorker:
    """Returns the worker that all callers of this process share; it starts with its first comparison."""
    worker = MathWorker()
    atexit.register(worker.close)
    return worker


def serve() -> None:
    """The process's own loop: a JSON list in, a JSON list out, until its input ends."""
    logging.disable(logging.CRITICAL)
    out, sys.stdout = sys.stdout, sys.stderr  # what the algebra prints must not look like a reply
    _limit_memory()
    from math_verify import parse, verify

    out.write("ready\n")
    out.flush()
    for line in sys.stdin:
        reference, answer, limit_s = json.loads(line)
        _end_after(int(limit_s) + 30)
        out.write(json.dumps(_judge(parse, verify, reference, answer)) + "\n")
        _end_after(0)
        out.flush()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # not on this system
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = _MEMORY_LIMIT_BYTES if hard == resource.RLIM_INFINITY else min(hard, _MEMORY_LIMIT_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def _end_after(seconds: int) -> None:
    """Lets the process end by itself, should its parent die during a long comparison; 0 calls that off."""
    import signal

    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def _judge(parse: Callable[..., Any], verify: Callable[..., Any], reference: str, answer: str) -> Comparison:
    try:
        gold = _parsed(parse, reference)
        if not gold:
            return "unknown", "the reference answer cannot be read as mathematics"
        found = _parsed(parse, answer)
        if not found:
            return "different", "the answer cannot be read as mathematics"
        same = verify(gold, found, timeout_seconds=None, raise_on_error=True)
        if same and _is_spurious(gold[0], found[0], reference, answer):
            return "different", "the two only look alike to the algebra"
    except MemoryError:
        return "unknown", "the comparison needed too much memory"
    except Exception as error:  # whatever the algebra stumbles over is no verdict on the answer
        return "unknown", f"the comparison failed: {type(error).__name__}"
    return ("same", "") if same else ("different", "")


def _parsed(parse: Callable[..., Any], formula: str) -> list[Any]:
    """Reads a formula as LaTeX; the outer dollar signs are ours."""
    inner = formula.strip().strip("$")
    options = {"parsing_timeout": None, "raise_on_error": False}
    return list(parse(f"${inner}$", **options) or parse(inner, **options))


_BASE = re.compile(r"\d_\{?(\d+)")


def _is_spurious(gold: Any, found: Any, reference: str, answer: str) -> bool:
    """Known false positives of math-verify: equations that vanish, implicit ones for 0, dropped number bases,
    and an unordered pair for an ordered one."""
    from sympy import Eq, FiniteSet, Interval, Tuple

    bases = set(_BASE.findall(reference)), set(_BASE.findall(answer))
    if bases[0] and bases[1] and bases[0] != bases[1]:
        return True
    if isinstance(found, Eq) and isinstance(gold, Eq):
        return not _same_equation(gold, found)
    if isinstance(found, Eq):
        is_named = found.lhs.is_Symbol or found.lhs.is_Function or not found.free_symbols
        return found.rhs == 0 and not is_named
    if isinstance(gold, Tuple | Interval) and isinstance(found, FiniteSet):
        return re.sub(r"[\s()\[\]]|\\left|\\right", "", reference) != re.sub(r"\s", "", answer)
    return False


def _same_equation(gold: Any, found: Any) -> bool:
    from sympy import Eq, simplify, solve

    if gold == found or Eq(gold.rhs, gold.lhs, evaluate=False) == found:
        return True
    if not gold.free_symbols or gold.free_symbols != found.free_symbols:
        return False
    ratio = simplify((gold.lhs - gold.rhs) / (found.lhs - found.rhs))
    return bool(ratio.is_number and ratio.is_finite and ratio != 0) or bool(solve(gold) and solve(found))
