"""Instructions that a program can check: length, words, order, case, and how a text begins and ends.

A constraint is a JSON object with a ``kind``; the kinds and their fields are listed at `check_constraints`.
The text that they are checked on is searched for generously, as in IFEval's "loose" accuracy
(arXiv 2311.07911, section 2.2), with more candidates (ours).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from workbench.errors import InputError
from workbench.grading.regions import find_regions

Constraint = Mapping[str, Any]

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^“”]+)”")
_FENCE = re.compile(r"```\w{0,20}\n(.*?)```", re.DOTALL)
_BULLET = re.compile(r"[ \t]*(?:[-*•]|\d{1,3}[.)])[ \t]+")
_MOST_LINES = 1_000


def check_constraints(text: str, constraints: Sequence[Constraint]) -> list[str]:
    """Returns the constraints that ``text`` violates, in words; an empty list where it meets them all.

    Words are compared without regard to case, and only whole words count. The kinds:

    - ``word_count``: ``min`` and/or ``max`` words
    - ``contains``, ``excludes``: all, or none, of ``words``
    - ``repeat``: ``word`` exactly ``times`` times
    - ``item_count``: exactly ``count`` items set apart by ``separator``
    - ``starts_with``, ``ends_with``: ``text``
    - ``case``: ``value`` is ``upper`` or ``lower``
    - ``each_starts_with``: every item set apart by ``separator`` begins with ``letter``
    - ``order``: ``words`` first appear in this order
    - ``subset``: no word of the text is outside ``words``

    Raises:
        InputError: naming an unknown kind, or the field that a kind lacks.

    >>> check_constraints("a red river", [{"kind": "word_count", "max": 2}, {"kind": "contains", "words": ["red"]}])
    ['word_count: 3 words, at most 2 wanted']
    """
    violations = []
    for constraint in constraints:
        violation = _checker(constraint)(text.strip(), constraint)
        if violation:
            violations.append(f"{constraint['kind']}: {violation}")
    return violations


def best_candidate(text: str, constraints: Sequence[Constraint]) -> tuple[str | None, list[str]]:
    """Returns the part of ``text`` that violates the fewest constraints, the first of equals, and what it violates."""
    best: tuple[str | None, list[str]] = (None, ["there is no text"])
    for candidate in candidates(text):
        violations = check_constraints(candidate, constraints)
        if best[0] is None or len(violations) < len(best[1]):
            best = candidate, violations
        if not violations:
            break
    return best


def candidates(text: str) -> Iterator[str]:
    """Yields, without blanks around them, the parts of a text that may be meant as its answer.

    What follows the last answer marker, the whole, the text without its first line, its last or both,
    code blocks, quotations, single lines.

    >>> list(candidates("Sure:\\nred, blue"))
    ['Sure:\\nred, blue', 'red, blue', 'Sure:']
    """
    seen = set()
    for part in _parts(text):
        bare = part.strip().strip("*").strip()
        if bare and bare not in seen:
            seen.add(bare)
            yield bare


def _parts(text: str) -> Iterator[str]:
    marked = [region for region in find_regions(text) if region.kind in {"header", "sentence", "boxed"}]
    if marked:
        region = marked[-1]
        yield region.text + (region.tail if region.kind != "boxed" else "")
        yield region.text
    yield text
    lines = [line for line in text.split("\n") if line.strip()]
    yield from ("\n".join(lines[1:]), "\n".join(lines[:-1]), "\n".join(lines[1:-1]))
    yield from _FENCE.findall(text)
    yield from (quoted or curly for quoted, curly in _QUOTED.findall(text))
    yield from lines[-_MOST_LINES:]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold().replace("’", "'"))


def _positions(text: str, phrase: str) -> list[int]:
    pattern = rf"(?<!\w){re.escape(phrase.casefold().strip())}(?!\w)"
    return [match.start() for match in re.finditer(pattern, text.casefold())]


def _items(text: str, separator: str) -> list[str]:
    pieces = (_BULLET.sub("", piece, count=1).strip() for piece in text.split(separator))
    return [piece for piece in pieces if piece]


def _word_count(text: str, constraint: Constraint) -> str:
    count, least, most = len(_words(text)), constraint.get("min"), constraint.get("max")
    if least is not None and count < least:
        return f"{count} word{'s' * (count != 1)}, at least {least} wanted"
    return f"{count} word{'s' * (count != 1)}, at most {most} wanted" if most is not None and count > most else ""


def _contains(text: str, constraint: Constraint) -> str:
    missing = [word for word in constraint["words"] if not _positions(text, word)]
    return f"{', '.join(missing)} missing" if missing else ""


def _excludes(text: str, constraint: Constraint) -> str:
    present = [word for word in constraint["words"] if _positions(text, word)]
    return f"{', '.join(present)} not wanted" if present else ""


def _repeat(text: str, constraint: Constraint) -> str:
    count = len(_positions(text, constraint["word"]))
    return f"{constraint['word']} {count} times, {constraint['times']} wanted" if count != constraint["times"] else ""


def _item_count(text: str, constraint: Constraint) -> str:
    count = len(_items(text, constraint["separator"]))
    return f"{count} item{'s' * (count != 1)}, {constraint['count']} wanted" if count != constraint["count"] else ""


def _starts_with(text: str, constraint: Constraint) -> str:
    wanted = constraint["text"].strip()
    return "" if text.casefold().startswith(wanted.casefold()) else f"does not start with {wanted!r}"


def _ends_with(text: str, constraint: Constraint) -> str:
    wanted = constraint["text"].strip()
    ends = (text.casefold(), text.casefold().rstrip(".!?\"' "))
    return "" if any(end.endswith(wanted.casefold()) for end in ends) else f"does not end with {wanted!r}"


def _case(text: str, constraint: Constraint) -> str:
    wanted = constraint["value"]
    fits = text.isupper() if wanted == "upper" else text.islower()
    return "" if fits else f"not all in {wanted} case"


def _each_starts_with(text: str, constraint: Constraint) -> str:
    letter = constraint["letter"].casefold()
    others = [item for item in _items(text, constraint["separator"]) if not item.casefold().startswith(letter)]
    return f"{len(others)} items do not start with {constraint['letter']!r}" if others else ""


def _order(text: str, constraint: Constraint) -> str:
    first = [next(iter(_positions(text, word)), -1) for word in constraint["words"]]
    in_order = -1 not in first and all(a < b for a, b in pairwise(first))
    return "" if in_order else f"not in the order {', '.join(constraint['words'])}"


def _subset(text: str, constraint: Constraint) -> str:
    allowed = {part for word in constraint["words"] for part in _words(word)}
    others = [word for word in dict.fromkeys(_words(text)) if word not in allowed]
    return f"{', '.join(others[:3])} not among the allowed words" if others else ""


Checker = Callable[[str, Constraint], str]
_CHECKERS: dict[str, tuple[Checker, dict[str, type]]] = {
    "word_count": (_word_count, {}),
    "contains": (_contains, {"words": list}),
    "excludes": (_excludes, {"words": list}),
    "repeat": (_repeat, {"word": str, "times": int}),
    "item_count": (_item_count, {"count": int, "separator": str}),
    "starts_with": (_starts_with, {"text": str}),
    "ends_with": (_ends_with, {"text": str}),
    "case": (_case, {"value": str}),
    "each_starts_with": (_each_starts_with, {"letter": str, "separator": str}),
    "order": (_order, {"words": list}),
    "subset": (_subset, {"words": list}),
}
"""By kind: what it is checked with, and the fields that it cannot do without."""


def _checker(constraint: Constraint) -> Checker:
    """Returns the function that checks a constraint, once its fields are known to fit."""
    kind = constraint.get("kind") if isinstance(constraint, Mapping) else constraint
    if not isinstance(kind, str) or kind not in _CHECKERS:
        raise InputError(f"constraint kind {kind!r} is not known; use one of {', '.join(sorted(_CHECKERS))}")
    checker, fields = _CHECKERS[kind]
    for name, wanted in fields.items():
        value = constraint.get(name)
        if not isinstance(value, wanted | tuple if wanted is list else wanted) or value == "":
            raise InputError(f"constraint {kind!r} needs a field {name!r} of type {wanted.__name__}, not {value!r}")
        if isinstance(value, list | tuple) and not (value and all(isinstance(w, str) and w.strip() for w in value)):
            raise InputError(f"constraint {kind!r} needs {name!r} to list at least one word, and only words")
    _check_values(kind, constraint)
    return checker


def _check_values(kind: str, constraint: Constraint) -> None:
    if kind == "case" and constraint["value"] not in {"upper", "lower"}:
        raise InputError(f"constraint 'case' needs a value of 'upper' or 'lower', not {constraint['value']!r}")
    if kind == "word_count":
        limits = [constraint.get("min"), constraint.get("max")]
        if limits == [None, None] or not all(limit is None or isinstance(limit, int) for limit in limits):
            raise InputError("constraint 'word_count' needs 'min' or 'max', or both, as whole numbers")
