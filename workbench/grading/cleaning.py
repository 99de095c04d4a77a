"""Free text made ready to be read: the reasoning set aside, LaTeX and markdown turned plain.

Every pattern here and in the files beside it is bounded or walks the text once, so that a hostile
text of 100,000 characters costs a fraction of a second.
"""

from __future__ import annotations

import re

_NOISE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2060\ufeff\ud800-\udfff]")
_CALCULATOR = re.compile(r"<<[^<>\n]*>>")
_NEXT_TURN = re.compile(
    r"^(?:<\|im_end\|>|<\|endoftext\|>|</s>|[ \t#*]{0,8}(?:Question|Problem|Q|User|Human)[ \t]?\d{0,3}:)"
    r"|<\|im_end\|>|<\|endoftext\|>",
    re.MULTILINE,
)
_ANSWERED = re.compile(r"\banswers?\b[*_ \t]{0,4}(?::|=|is\b)|\\boxed|^####", re.IGNORECASE | re.MULTILINE)


def final_text(text: str) -> str:
    """Returns the part of ``text`` that may hold the answer, without noise characters.

    What stands inside ``<think>…</think>`` is set aside where something follows it; a student that
    runs on into a next question after it has answered is cut there.

    >>> final_text("<think>maybe 5</think>Answer: 6")
    'Answer: 6'
    >>> final_text("<think>it is 5")
    'it is 5'
    """
    text = _NOISE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n"))
    before, mark, after = text.rpartition("</think>")
    text = after if mark and after.strip() else before if mark else text
    text = text.replace("<think>", "\n").lstrip("\n")
    return _first_turn(_CALCULATOR.sub("", text))


def _first_turn(text: str) -> str:
    """Cuts at the first new turn that comes after an answer; a restated question comes before it."""
    answered = _ANSWERED.search(text)
    turn = _NEXT_TURN.search(text, answered.end()) if answered else None
    return text[: turn.start()] if turn else text


_VULGAR = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅙": "1/6", "⅛": "1/8"}
_CHARACTERS = str.maketrans(
    {
        **{chr(0xFF01 + i): chr(0x21 + i) for i in range(94)},  # full-width forms
        **dict.fromkeys("\u2212\ufe63\u2010\u2011", "-"),
        **dict.fromkeys("‘’‚", "'"),
        **dict.fromkeys("“”„«»", '"'),
        **dict.fromkeys("\u00a0\u202f\u2009\u3000", "\u2009"),
        "\u2044": "/",
        "\u2215": "/",
        "∙": "·",
        "⋅": "·",
        "º": "°",
        "。": ".",
        "、": ",",
    }
)

_NAMES = r"text|textbf|textit|textrm|texttt|mathrm|mathbf|mathit|mathsf|operatorname|mbox|emph|underline|boldsymbol"
_SIMPLE = re.compile(r"\s*-?[\d.,]+\s*")


def _fraction(match: re.Match[str]) -> str:
    above, below = match.group(1).strip(), match.group(2).strip()
    if _SIMPLE.fullmatch(above) and _SIMPLE.fullmatch(below):
        return f" {above}/{below}" if match.string[match.start() - 1 : match.start()].isdigit() else f"{above}/{below}"
    return f"({above})/({below})"


_LATEX: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\\\$"), "$"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"(?<=\d)(?:\\[,!;]|\u2009)[ ]?(?=\d{3}(?!\d))"), ""),
    (re.compile(r"\\!"), ""),
    (re.compile(r"\\[,;: ]|~|\u2009|\\q?quad\b"), " "),
    (re.compile(r"\^?\{?\\(?:circ|degree)\b ?\}?"), "°"),
    (re.compile(rf"\\(?:{_NAMES})\s?\{{([^{{}}]*)\}}"), r"\1"),
    (re.compile(r"\\(?:left|right|bigl?|bigr?|Bigl?|Bigr?|displaystyle)\b"), ""),
    (re.compile(r"\\times\b"), "×"),
    (re.compile(r"\\cdot\b"), "·"),
    (re.compile(r"\\div\b"), "÷"),
    (re.compile(r"\\approx\b"), "≈"),
    (re.compile(r"\\(?:right|Right|longright)arrow\b|\\to\b|\\implies\b"), "→"),
    (re.compile(r"\\pi\b"), "π"),
    (re.compile(r"\\sqrt\b"), "√"),
    (re.compile(r"\\(?:boxed|fbox)\s?\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\\[()\[\]]"), " "),
)
_FRACTION = re.compile(r"\\[dtc]?frac\s?\{([^{}]*)\}\s?\{([^{}]*)\}|\\[dtc]?frac ?(\d) ?(\d)")
_MARKUP: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?<=\d)\*\*(?=\d)"), "^"),
    (re.compile(r"(?<=[A-Za-z])\$(?=\d)"), " "),
    (re.compile(r"\*\*|__|[$`]"), ""),
)


def plain(text: str) -> str:
    r"""Returns ``text`` with LaTeX, markdown and typographic variants as plain characters.

    >>> plain(r"**Answer:** $\frac{3}{4}$ of $1{,}200\text{ km}$")
    'Answer: 3/4 of 1,200 km'
    """
    for sign, written in _VULGAR.items():
        text = text.replace(sign, f" {written}" if re.search(rf"\d{sign}", text) else written)
    text = text.translate(_CHARACTERS)
    if "\\" in text or "\u2009" in text or "~" in text or "{" in text:
        text = _without_latex(text)
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text


def _without_latex(text: str) -> str:
    for pattern, replacement in _LATEX[:-2]:
        text = pattern.sub(replacement, text)
    text = _FRACTION.sub(lambda m: _fraction(m) if m.group(1) is not None else f"{m.group(3)}/{m.group(4)}", text)
    for pattern, replacement in _LATEX[-2:]:
        text = pattern.sub(replacement, text)
    return text


def trimmed(text: str) -> str:
    """Returns ``text`` without surrounding blanks, markdown emphasis, colons and a closing full stop.

    >>> trimmed("** 39. **")
    '39'
    """
    text = text.strip().strip("*_ \t\n").lstrip(": ")
    return text[:-1].rstrip("*_ \t") if text.endswith(".") and not text.endswith("..") else text
