"""Numbers in text, read exactly: integers, decimals, fractions, percents, units and number words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

_DIGITS_LIMIT = 1_000
_FEW_WORDS = 8
_LONGEST_SENTENCE = 2_000

_NUMBER = re.compile(
    r"(?P<negative>\bnegative )?"
    r"(?<![A-Za-z_\d])(?P<sign>[-+–](?=[$€£¥]?[\d.])|(?<==[ ])-[ ](?=\d))?[$€£¥]?"
    r"(?:(?P<whole>\d{1,6}) (?=\d{1,6}/\d))?"
    r"(?P<digits>\d{1,3}(?:,\d{3})+(?!\d)|\d+|(?=\.\d))(?P<decimals>\.\d+)?"
    r"(?: ?/ ?(?P<below>-?\d+(?![\d/]|\.\d)))?"
    r"(?:[eE](?P<exponent>[-+]?\d{1,3})(?!\w)| ?[×x*·] ?10 ?\^ ?[{(]?(?P<power>[-+]?\d{1,3})[)}]?)?"
    r"(?: ?(?P<scale>%|percent\b|per cent\b|thousand\b|million\b|billion\b|trillion\b))?"
)
_SCALES = {
    "%": Fraction(1, 100),
    "percent": Fraction(1, 100),
    "per cent": Fraction(1, 100),
    "thousand": Fraction(10**3),
    "million": Fraction(10**6),
    "billion": Fraction(10**9),
    "trillion": Fraction(10**12),
}
_UNITS = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SPELLED = {word: number for number, word in enumerate(_UNITS)} | {w: 20 + 10 * i for i, w in enumerate(_TENS)}
_WORDS = re.compile(
    rf"\b(?P<minus>(?:minus|negative) )?(?:(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<one>{'|'.join(_UNITS[1:10])}))?"
    rf"|(?P<unit>{'|'.join(_UNITS)}))\b",
    re.IGNORECASE,
)
_SYMBOL = re.compile(r"[xyzniπ√∞](?![A-Za-z])|[\^\\²³]|[ ({]{0,2}[√π]")
_OPERATION = re.compile(r" ?(?:[-+*/×·÷^] ?[(\d√π$\\]|[-+*/×·÷^] ?[a-zA-Z](?![A-Za-z])|x ?\d|[=≈])")
_EQUALS = re.compile(r"[=≈] ?[^\w=≈]{0,3}$")
_LEAD = re.compile(
    r"[^\w=]{0,20}(?:(?:is|are|was|be|equals?|equal to|about|approximately|roughly|around|exactly|only|just|to"
    r"|a total of|it)\b[^\w=]{0,6}){0,4}(?:\b[A-Za-z]\w{0,2} ?= ?[^\w=]{0,3})?",
    re.IGNORECASE,
)
_ASIDE = re.compile(r"[ °]*(?:[A-Za-z.²³/%]+ ?){0,4}(?:$|[.,;(!\[*]|\b(?:because|since)\b)")
_SENTENCE_END = re.compile(r"(?<=[.!?])[ \t]+|\n+")
_ROUNDING = re.compile(r"\bround(?:s|ed|ing)?\b")
_ENUMERATOR = re.compile(r"[ \t>*#-]{0,8}(?:step ?)?\d{1,3}[.):]+(?=\s|\*|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Number:
    """A number and where it stands in its text."""

    value: Fraction
    """Without the scale: ``25%`` has the value 25."""
    scale: Fraction
    """1/100 for a percent, a million for ``5 million``, otherwise 1."""
    text: str
    start: int
    end: int
    is_lowest: bool = True
    """False for a written fraction that can still be simplified."""

    def readings(self) -> set[Fraction]:
        """Returns the value with and without the scale: for ``25%`` both 25 and 1/4."""
        return {self.value, self.value * self.scale}


def find_numbers(text: str) -> list[Number]:
    """Returns the numbers of a plain text, in order.

    >>> [str(number.value) for number in find_numbers("1,234 - 5.50 and -3/4")]
    ['1234', '11/2', '-3/4']
    """
    return [number for number in map(_number, _NUMBER.finditer(text)) if number is not None]


def _number(match: re.Match[str]) -> Number | None:
    digits, decimals = match["digits"].replace(",", ""), match["decimals"] or ""
    if len(digits) + len(decimals) + len(match["below"] or "") > _DIGITS_LIMIT:
        return None
    value, below = Fraction(f"{digits or 0}{decimals}"), int(match["below"] or 1)
    if below == 0:
        return None
    is_lowest = not match["below"] or (value.denominator == 1 and Fraction(value, below).denominator == abs(below))
    value = value / below + int(match["whole"] or 0)
    value *= Fraction(10) ** int(match["exponent"] or match["power"] or 0)
    is_negative = match["negative"] or (match["sign"] and match["sign"][0] in "-–" and _is_sign(match))
    scale = _SCALES[match["scale"].lower()] if match["scale"] else Fraction(1)
    has_operator = bool(match["sign"]) and not _is_sign(match)
    start = match.end("sign") if has_operator else match.start()
    text = match.string[start : match.end()].strip().replace("- ", "-")
    return Number(-value if is_negative else value, scale, text, start, match.end(), is_lowest)


def _is_sign(match: re.Match[str]) -> bool:
    """A dash is a sign unless something that can be subtracted from stands right before it."""
    before = match.string[max(0, match.start("sign") - 2) : match.start("sign")]
    return not before or not (before[-1].isalnum() or before[-1] in ")]}%°'\"")


def find_words(text: str) -> list[Number]:
    """Returns the spelled-out numbers from zero to ninety-nine.

    >>> [int(number.value) for number in find_words("Seven, forty-two and minus three")]
    [7, 42, -3]
    """
    found = []
    for match in _WORDS.finditer(text):
        value = sum(_SPELLED[match[part].lower()] for part in ("tens", "one", "unit") if match[part])
        signed = Fraction(-value if match["minus"] else value)
        found.append(Number(signed, Fraction(1), match.group(), match.start(), match.end()))
    return found


def number_in(region: str) -> tuple[Number | None, bool]:
    """Reads the number that a region, in plain text, gives as its answer.

    In turn: the number that stands right at its start (``47 (12 + 35)``), the one after the last
    equals sign (``12 + 35 = 47 apples``), the one before the only (``47 = 12 + 35``), the last one
    outside brackets, a spelled-out one. A formula that is not worked out (``5x``, ``12 + 35``) is no number.

    Returns:
        The number, if any, and whether the region begins with its value instead of naming it in prose.
    """
    numbers = find_numbers(region)
    if not numbers:
        spelled = find_words(region)
        is_led = bool(spelled and _LEAD.fullmatch(region[: spelled[0].start][:120]))
        is_short = len(region.split()) <= _FEW_WORDS and not (spelled and spelled[0].text.lower() == "one")
        return (spelled[0], is_led) if spelled and (is_led or is_short) else (None, False)
    first = numbers[0]
    is_led = bool(_LEAD.fullmatch(region, 0, first.start)) if first.start < 120 else False
    computed = _after_equals(region, numbers)
    if is_led and not _OPERATION.match(region, first.end) and (computed is None or stands_alone(region, first)):
        return (None if _is_symbolic(region, first) else first), True
    if computed is not None:
        return computed, is_led
    if is_led:
        return (first if re.match(r" ?[=≈]", region[first.end :]) else None), True
    clean = [number for number in numbers if not _is_symbolic(region, number)]
    return _outside_brackets(region, clean), False


def stands_alone(text: str, number: Number) -> bool:
    """True where a number is followed by no more than its unit, up to a pause or a reason."""
    return _ASIDE.match(text[number.end :][:120]) is not None


def _after_equals(text: str, numbers: list[Number]) -> Number | None:
    for number in reversed(numbers):
        leads = _EQUALS.search(text[max(0, number.start - 8) : number.start])
        if leads and not _OPERATION.match(text, number.end) and not _is_symbolic(text, number):
            return number
    return None


def _is_symbolic(text: str, number: Number) -> bool:
    """True for the 5 of ``5x`` or ``5√2``, which is only a part of the value."""
    return bool(_SYMBOL.match(text, number.end))


def _outside_brackets(text: str, numbers: list[Number]) -> Number | None:
    depth, position, outside = 0, 0, None
    for number in numbers:
        between = text[position : number.start]
        depth = max(0, depth + between.count("(") - between.count(")"))
        position = number.start
        outside = number if depth == 0 else outside
    return outside or (numbers[-1] if numbers else None)


def last_number(text: str) -> Number | None:
    """Returns the number that a text without any marker ends on: its last sentence with one decides.

    >>> last_number("2 + 3 = 5. So Ann has 5 - 1 = 4 left over from the 5.").value
    Fraction(4, 1)
    """
    for sentence in reversed(_SENTENCE_END.split(text)):
        sentence = sentence[match.end() :] if (match := _ENUMERATOR.match(sentence)) else sentence
        claim, _, reason = sentence[-_LONGEST_SENTENCE:].partition(" because ")
        sentence = claim if find_numbers(claim) else reason
        numbers = find_numbers(sentence)
        if numbers:
            clean = [number for number in numbers if not _is_symbolic(sentence, number)]
            computed = None if _ROUNDING.search(sentence) else _after_equals(sentence, numbers)
            return computed or (clean[-1] if clean else None)
    words = find_words(text[-_LONGEST_SENTENCE:])
    return words[-1] if words else None


def parse_number(text: str) -> Number | None:
    """Reads a plain text that is one number, with at most a name before it and a unit after it.

    >>> parse_number("57 degrees").value, parse_number("x = -4").value, parse_number("5 + 2")
    (Fraction(57, 1), Fraction(-4, 1), None)
    """
    numbers = find_numbers(text) or find_words(text)
    if len(numbers) != 1 or not _LEAD.fullmatch(text[: numbers[0].start]) or _is_symbolic(text, numbers[0]):
        return None
    return numbers[0] if re.fullmatch(r"[ °]*(?:[A-Za-z.²³/]+ ?){0,4}[.!]?", text[numbers[0].end :][:80]) else None


def same_number(reference: Number, answer: Number, tolerance: Fraction = Fraction(0)) -> bool:
    """True where two numbers agree exactly, or within an absolute tolerance.

    A percent or a ``million`` on one side only may be read either way: 25% is 25 and 0.25.
    """
    if reference.scale == answer.scale:
        return abs(reference.value - answer.value) <= tolerance
    return any(abs(a - b) <= tolerance for a in reference.readings() for b in answer.readings())
