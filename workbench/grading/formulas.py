"""Mathematical answers as text: what stands between dollar signs, and equality that needs no algebra."""

from __future__ import annotations

import re

from workbench.grading.cleaning import plain, trimmed
from workbench.grading.numbers import last_number, number_in

_LONGEST = 1_000
_SEGMENT = re.compile(
    r"\$\$([^$]{1,1000})\$\$|\$([^$\n]{1,1000})\$|\\\(([^$]{1,1000}?)\\\)|\\\[([^$]{1,1000}?)\\\]", re.DOTALL
)
_JOINT = re.compile(r"\s*(?:,|and|or|,\s*(?:and|or))\s*")
_LEAD = re.compile(r"\W{0,10}(?:(?:is|are|just|simply|then|equal to|therefore)\b\W{0,4}){0,3}")
_WORD = re.compile(r"(?<![\\A-Za-z])[A-Za-z]{3,}")
_SPACING = re.compile(r"\\[!,;: ]|~|\\(?:left|right|displaystyle|limits)(?![A-Za-z])|\\text\{\s*\}|\s+|[$]")


def formula_in(region: str) -> str | None:
    r"""Returns the formula that a marked region gives as its answer, as LaTeX or as it was written.

    >>> formula_in(r"$\frac{3}{4}$ of the $12$ cups.")
    '\\frac{3}{4}'
    >>> formula_in("that she has 5 apples.")
    '5'
    """
    region = trimmed(region)
    if not region or len(region) > _LONGEST:
        return None
    segments = list(_SEGMENT.finditer(region))
    if not segments:
        return _unmarked(region)
    if not _LEAD.fullmatch(region[: segments[0].start()][:80]):
        return _inside(segments[-1])
    joined = [segments[0]]
    for segment in segments[1:]:
        if not _JOINT.fullmatch(region[joined[-1].end() : segment.start()]):
            break
        joined.append(segment)
    return ", ".join(map(_inside, joined))


def _inside(segment: re.Match[str]) -> str:
    inside = next(group for group in segment.groups() if group).strip().rstrip(".,")
    return inside[1:-1] if re.fullmatch(r"\{.*\}", inside, re.DOTALL) else inside


def _unmarked(region: str) -> str:
    """Prose around a number gives the number; anything else stands as it is."""
    region = region.replace("$", "") if region.count("$") == 1 else region
    if len(_WORD.findall(region)) >= 2 and "\\" not in region:
        number, _ = number_in(plain(region))
        return number.text if number else region
    return region


def last_formula(text: str) -> str | None:
    """Returns the last formula of a text without markers: the right side of its last equation, or its last number."""
    segments = list(_SEGMENT.finditer(text[-20_000:]))
    if segments:
        return _inside(segments[-1]).rpartition("=")[2].strip() or None
    number = last_number(plain(text))
    return number.text if number else None


def same_writing(reference: str, answer: str) -> bool:
    r"""True where two formulas are the same but for spacing and the size of fractions and brackets.

    >>> same_writing(r"\dfrac{1}{2}", r"\frac{1}{2}"), same_writing("", "")
    (True, False)
    """
    return bool(_bare(reference)) and _bare(reference) == _bare(answer)


def _bare(formula: str) -> str:
    formula = re.sub(r"\\[dtc]frac", r"\\frac", _SPACING.sub("", formula.strip()))
    formula = re.sub(r"\\(?:text|mathrm|textbf|mathbf|mbox)\{([^{}]*)\}", r"\1", formula)
    formula = re.sub(r"\\frac(\w)(\w)", r"\\frac{\1}{\2}", formula).replace(r"^\circ", "").replace(r"^{\circ}", "")
    return formula.rstrip(".").removesuffix(r"\%").strip("*_`")
