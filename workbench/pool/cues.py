"""What in a sentence of a solution tells whether it plans, carries out or checks (the cues are ours).

A cue is a pattern, or a look at where the sentence stands and what was said before it. How much each one
speaks for which role stands in ``cue_weights.json``; `tools.fit_segmenter` makes it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_SENTENCE = re.compile(r"(?<=[.!?])[\"')\]*]*\s+(?=[\"'(\[*$\\]*[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|vs|etc|cf|Mr|Mrs|Ms|Dr|St|No|Fig|Eq|approx)\.|^\s*\(?[0-9]{1,2}\.|(?:^|\s)[A-Z]\.)[\"')\]*]*\s+$"
)
_BLOCK = re.compile(r"\\begin\{|\\\[|\[asy\]|```|\$\$")
_BLOCK_ENDS = {"\\begin{": "\\end{", "\\[": "\\]", "[asy]": "[/asy]", "```": "```", "$$": "$$"}
_LONGEST_BLOCK = 4_000

_ALTERNATIVES: dict[str, tuple[str, ...]] = {
    "wait": (
        r"^(?:but |oh,? |hmm,? |no,? |\*)*(?:wait|hold on|actually)\b",
        r"^no\b",
        r"^but (?:maybe|what if|what about|let)",
    ),
    "verify": (
        r"\b(?:double[- ]?check|verif\w+|re-?check|make sure|confirm\w*|re-?count|re-?read|re-?evaluate|mistakes?)\b",
        r"\blet(?: me|'s)(?: just| quickly| also)* (?:check|test)\b",
        r"\bcheck(?:s|ing|ed)?\b",
        r"\bcount:",
    ),
    "review": (
        r"\b(?:review|final check|final verification|self-correction|criteria)\b",
        r"\b(?:does|did|is|are|was) (?:it|i|the|there|a)\b.*\?$",
    ),
    "right": (
        r"^\W*(?:yes|yeah|yep|no|correct|right|okay|good|valid|invalid|wrong|perfect)\b",
        r"\b(?:is|'s|are|seems?|looks?) (?:right|correct|good|valid|okay|fine|solid)\b",
        r"\b(?:is|'s|are|seems?|looks?) (?:consistent|invalid|impossible|met|true|wrong)\b",
    ),
    "holds": (
        r"\b(?:same (?:result|answer|as|logic)|match(?:es)?|satisf\w+|holds?|works|fits|agrees?)\b",
        r"\b(?:indeed|as before|violates)\b",
        r"\btoo (?:long|short|many|few)\b",
        r"\b(?:is|stands) in\b",
        r"\bthe (?:right side|whole)\b",
        r"\btoo\W*$",
    ),
    "backwards": (
        r"\b(?:backwards?|undone|undo|in reverse|going back)\b",
        r"\bthe other (?:way|direction)\b",
        r"\bsubstitut\w+ back\b",
        r"\bplug\w* (?:it )?(?:back|in)\b",
    ),
    "again": (r"\b(?:again|once more|another look)\b",),
    "another way": (
        r"^\W*(?:alternatively|alternative\w*|or simply)\b",
        r"\banother (?:way|approach|method|thought|possibility)\b",
    ),
    "doubt": (
        r"\b(?:maybe|perhaps|trick|missing|misunderst\w+|overcomplicat\w+|ambigu\w+|could)\b",
        r"\bis it possible\b",
        r"\bwhat (?:if|about)\b",
        r"\bother possib\w+",
    ),
    "need": (r"\b(?:i|we|you)(?:'ll)? (?:need|want|have|should|must|will)\b", r"^need\b"),
    "asked": (r"\bthe (?:problem|question|user|task|puzzle|riddle|prompt)\b", r"\bask(?:s|ed|ing)\b"),
    "task": (
        r"^\W*(?:\d+\W+)?(?:task|constraint|goal|input|format|given|premise|clue|condition|rule|question|entities|action)\b"
        r"[^.]{0,30}:",
        r"^\W*(?:number of|initial|separator)\b",
        r"\banalyz\w+ the (?:request|problem|question)",
    ),
    "plan": (
        r"\b(?:plan|approach|strategy|step by step|formulate|extract)\b",
        r"\bbreak (?:it|this) down\b",
        r"^\W*(?:first|next|now),? (?:let|i|we|find|look)\b",
        r"\bmoving (?:on )?to\b",
        r"^\W*(?:okay|ok|so|now|hmm)?,? ?(?:let me|let's) (?:see|think|try|start|look|consider|list)\b",
        r"\b(?:let me|let's) (?:analyze|combine|parse)\b",
        r"\b(?:let me|let's) (?:break|denote|figure|go with)\b",
    ),
    "imperative": (
        r"^\W*(?:find|use|count|take|search|give|change|test|walk|divide|see|keep|try|work|list|split|compare|add)\b",
        r"^\W*(?:multiply|subtract|read|turn|treat|solve|set|look|convert|go|name|sort|pick|choose|replace|move)\b",
        r"^\W*(?:follow|put|draw|spell|write|bring|factor|start)\b",
    ),
    "reply": (r"^\W*(?:state|explain|provide|ensure|include|mention|avoid|end with|be|format|keep it|make sure)\b",),
    "compute": (r"\b(?:let me|let's) (?:compute|calculate|do|add|write|note|subtract|multiply)", r"\bcalculat\w+:"),
    "draft": (
        r"\b(?:draft\w*|construct\w*|final (?:output|polish|response)|output generation|generate|refin\w+)\b",
        r"\bidea \d",
    ),
    "so": (r"^\W*(?:so|therefore|thus|hence|then|this means|that means|in total|altogether|finally|adding)\b",),
    "answer": (r"\banswer(?: is| should| would|:| =)", r"\\boxed", r"\bthe result is\b"),
    "carry out": (
        r"\b(?:solv\w+|perform\w*|retriev\w+|recall|select\w*|identif\w+|step-by-step|deduc\w+|knowledge|ideas?)\b",
        r"\b(?:calculations?|computation)\b",
    ),
    "if": (r"^\W*(?:if|suppose|assume|let(?! me|'s| us)|case|since|because|from|given|for example|say|by)\b",),
    "think": (r"\b(?:i think|i remember|i recall|i believe|let me think|i guess)\b",),
    "counted": (
        r"\(\d+\).*\(\d+\)",
        r"^\W*\(?\d+\)? words\b",
        r"\b\d+ words\b",
        r"^\d+[.)] \W*\w+\W*$",
        r"^\w+\W* \(\d+\)",
    ),
}
PATTERNS = {name: re.compile("|".join(found), re.IGNORECASE) for name, found in _ALTERNATIVES.items()}
"""Each is looked for in one sentence."""
_INHERITED = ("verify", "review", "task", "plan", "asked", "draft", "compute", "carry out")
"""Cues of a heading that its sentences share."""
_TURNS = frozenset(("wait", "verify", "review", "again", "another way", "doubt"))
"""Cues after which a solution often goes on checking."""
_LEADS = _TURNS | {"right", "answer", "heading", "quoted", "counted", "asks", "introduces"}
"""Cues and forms that tell something of the sentence that follows."""
_TOLD = frozenset(("imperative", "reply", "verify", "right", "answer"))
"""Cues that mean one thing under one heading and another under another."""
_HEADING = re.compile(r"^\W*(?:\d+[.)]\s+)?\*\*.+?\*\*:?\s*(?:\([^)]*\)\.?)?$|^\W*\d+[.)]\s+[^.?!=]{3,60}:\**$")
_MATH = re.compile(r"\d\s*(?:[-+*/×÷·^<>]|\\times|\\cdot|\\div|times|plus|minus)\s*\(?\$?\d")
_EQUATION = re.compile(r"[\d.,]+(?:\s*(?:[-+*/×÷·]|\\times)\s*[\d.,]+)+")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_BULLET = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s")


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, a line of a list, or a block of mathematics: the least that can have a role."""

    start: int
    end: int
    text: str
    gap: str
    """What parts it from the one before: ``line``, ``sentence`` or ``paragraph``; the first has ``paragraph``."""


def units(text: str) -> list[Unit]:
    """Cuts a text into units that together hold all of it but blanks.

    >>> [unit.text for unit in units("Add them. 2 + 2 = 4\\n\\nSo 4.")]
    ['Add them.', '2 + 2 = 4', 'So 4.']
    """
    found: list[Unit] = []
    for start, end in _lines(text):
        first = True
        for left, right in _sentences(text, start, end):
            between = text[found[-1].end : left] if found else "\n\n"
            gap = "sentence" if not first else "paragraph" if between.count("\n") > 1 else "line"
            found.append(Unit(left, right, text[left:right], gap))
            first = False
    return found


def _lines(text: str) -> list[tuple[int, int]]:
    """The lines' bounds; a block of mathematics or code stays with the line that opens it."""
    bounds: list[tuple[int, int]] = []
    place = 0
    while place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        opened = place
        while (mark := _BLOCK.search(text, opened, end)) is not None:
            close = text.find(_BLOCK_ENDS[mark[0]], mark.end(), mark.end() + _LONGEST_BLOCK)
            if close < 0:
                break
            opened = close + len(_BLOCK_ENDS[mark[0]])
            if opened > end:
                end = text.find("\n", opened)
                end = len(text) if end < 0 else end
        bounds.append((place, end))
        place = end + 1
    return bounds


def _sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    line = text[start:end]
    cuts = [0]
    if not _BLOCK.search(line):
        cuts += [mark.end() for mark in _SENTENCE.finditer(line) if not _ABBREVIATION.search(line[: mark.end()][-40:])]
    pairs = [(line[left:right], start + left) for left, right in zip(cuts, [*cuts[1:], len(line)], strict=True)]
    return [
        (place + len(part) - len(part.lstrip()), place + len(part.rstrip())) for part, place in pairs if part.strip()
    ]


def cues(found: Sequence[Unit]) -> list[list[str]]:
    """Returns the names of the cues of each unit of one text, in order."""
    said: set[str] = set()
    heading: list[str] = []
    result: list[list[str]] = []
    own: list[str] = []
    since_turn, is_answered = len(found), False
    for place, unit in enumerate(found):
        context = [f"after {name}" for name in own if name in _LEADS] + (["answered"] if is_answered else [])
        own = [name for name, pattern in PATTERNS.items() if pattern.search(unit.text)]
        own += _form(unit)
        if "heading" in own:
            heading = [name for name in own if name in _INHERITED]
        since_turn = 0 if _TURNS & set(own) else since_turn + 1
        is_answered = is_answered or "answer" in own
        context += [*_place(place, len(found)), *_echo(unit, said), *_turned(since_turn)]
        result.append([*own, *context, *_joined(own, heading)])
    return result


def _joined(own: Sequence[str], heading: Sequence[str]) -> list[str]:
    """What the heading says, and what a cue means under it or alone in a short sentence."""
    told = [name for name in own if name in _TOLD]
    joined = [f"{name} under {above}" for name in told for above in heading]
    joined += [f"short {name}" for name in told if "short" in own]
    return [*(f"under {name}" for name in heading), *joined]


def _turned(since: int) -> list[str]:
    spans = (("just after a turn", 1, 1), ("after a turn", 2, 4), ("long after a turn", 5, 12))
    return [name for name, least, most in spans if least <= since <= most]


def _form(unit: Unit) -> list[str]:
    words = len(unit.text.split())
    marks = {
        "heading": bool(_HEADING.search(unit.text)),
        "mathematics": bool(_MATH.search(unit.text)), "equals": "=" in unit.text, "asks": unit.text.endswith("?"),
        "quoted": unit.text.startswith(('"', "“")), "in a list": bool(_BULLET.match(unit.text)),
        "short": words <= 3, "long": words >= 25, "introduces": unit.text.rstrip("*").endswith(":"),
        "no number": not _NUMBER.search(unit.text),
    }  # fmt: skip
    return [name for name, holds in marks.items() if holds]


def _place(place: int, count: int) -> list[str]:
    at = place / max(1, count - 1)
    marks = {"first": place == 0, "last": place == count - 1 and count > 1, "alone": count == 1, "early": at < 0.15,
             "late": at > 0.8}  # fmt: skip
    return [name for name, holds in marks.items() if holds]


def _echo(unit: Unit, said: set[str]) -> list[str]:
    """Whether it says again what was said: an equation, or nothing but known numbers."""
    equations = {re.sub(r"\s", "", each) for each in _EQUATION.findall(unit.text)}
    numbers = set(_NUMBER.findall(unit.text))
    marks = {"known equation": bool(equations & said), "known numbers": len(numbers) > 1 and numbers <= said}
    said |= equations | numbers
    return [name for name, holds in marks.items() if holds]
