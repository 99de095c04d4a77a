"""The language of a text, by its script and by the small words that only one language has (ours).

It is meant to tell a German trace from an English one, not Norwegian from Danish: where little is written, or where
formulas outweigh words, it does not know, and who does not know drops nothing.
"""

from __future__ import annotations

import re
from collections import Counter

_SCRIPTS = {
    "Kana": r"\u3040-\u30ff", "Han": r"\u3400-\u9fff", "Hangul": r"\u1100-\u11ff\uac00-\ud7af",
    "Cyrillic": r"\u0400-\u052f", "Arabic": r"\u0600-\u06ff\u0750-\u077f", "Hebrew": r"\u0590-\u05ff",
    "Devanagari": r"\u0900-\u097f", "Bengali": r"\u0980-\u09ff", "Tamil": r"\u0b80-\u0bff", "Telugu": r"\u0c00-\u0c7f",
    "Thai": r"\u0e00-\u0e7f", "Georgian": r"\u10a0-\u10ff", "Armenian": r"\u0530-\u058f",
}  # fmt: skip
"""Greek is left out: its letters are mathematics in every language."""
_PATTERNS = {name: re.compile(f"[{letters}]") for name, letters in _SCRIPTS.items()}
_FOREIGN = re.compile(f"[{''.join(_SCRIPTS.values())}]")
_WRITTEN_IN = {
    "zh": {"Han"}, "ja": {"Kana", "Han"}, "ko": {"Hangul", "Han"}, "ar": {"Arabic"}, "fa": {"Arabic"}, "ur": {"Arabic"},
    "he": {"Hebrew"}, "hi": {"Devanagari"}, "mr": {"Devanagari"}, "ne": {"Devanagari"}, "bn": {"Bengali"},
    "ta": {"Tamil"}, "te": {"Telugu"}, "th": {"Thai"}, "ka": {"Georgian"}, "hy": {"Armenian"},
    **{code: {"Cyrillic"} for code in ("ru", "uk", "bg", "sr", "mk", "be", "kk")},
}  # fmt: skip
"""By ISO 639-1; what is not here is written in Latin letters."""
_SMALL_WORDS = {  # of two letters or more: single ones are variables
    "en": "the and is are of to we that this for with then each which from what how many has have it be by at there "
    "so not if first than all one will can must its as since when find number answer plan steps check",
    "de": "der das und ist nicht ein eine einen mit von wir sich auf f\u00fcr dem des zu wie wenn sind werden durch "
    "aus dann dass oder bei auch noch nach wird haben alle jede zahl ergibt viele",
    "fr": "le les des et est une un du dans que qui pour pas sur avec nous donc par cette sont au aux ou il elle "
    "combien nombre chaque soit alors on ont",
    "es": "el los las es una un por que para con en del se como m\u00e1s entonces cada hay cu\u00e1ntos n\u00famero "
    "tiene la de lo al nos si esto",
    "it": "il gli una un di che per con nel della del sono quindi ogni numero quanti pi\u00f9 abbiamo questo la le "
    "si da ha alla",
    "pt": "uma um que para com em do da dos das n\u00e3o s\u00e3o ent\u00e3o cada n\u00famero quantos mais temos os "
    "ao por se de tem",
    "nl": "de het een en is van dat niet met voor zijn we op aan er wordt dus elke hoeveel getal naar ook als uit "
    "heeft",
    "pl": "jest nie \u017ce si\u0119 na do jak ale dla czy ile wi\u0119c liczba ka\u017cdy ma to s\u0105",
    "sv": "och \u00e4r att det som en ett f\u00f6r med p\u00e5 av inte vi har till varje antal hur m\u00e5nga "
    "s\u00e5 den",
    "tr": "ve bir bu i\u00e7in ile de da ne ka\u00e7 olarak her say\u0131 olan o daha toplam",
    "id": "yang dan di dari untuk dengan adalah ini itu berapa setiap jumlah kita pada jadi",
    "vi": "l\u00e0 v\u00e0 c\u1ee7a c\u00f3 m\u1ed9t s\u1ed1 bao nhi\u00eau v\u1eady cho kh\u00f4ng ta "
    "\u0111\u01b0\u1ee3c m\u1ed7i",
}  # fmt: skip
_ENGLISH = frozenset(_SMALL_WORDS["en"].split())
_LANGUAGES_OF = {
    word: tuple(code for code, known in _SMALL_WORDS.items() if word in known.split())
    for word in " ".join(_SMALL_WORDS.values()).split()
}
"""Languages by their small words."""
_WORD = re.compile(r"[^\W\d_]+")
_NOT_PROSE = re.compile(r"\\[A-Za-z]+|`[^`\n]*`|https?://\S+")
_LEAST_LETTERS = 10
_MIXED_SHARE = 0.1
"""Letters of another script from which a text is not only in its own language."""
_LEAST_WORDS = 6
_LEAST_KINDS = 4
_LEAST_SHARE = 0.12
"""Small words of all words; a third to a half of running prose."""
_LEAD = 2.0
"""Times as many small words as the wanted language has in the text."""
_SURELY_ENGLISH = 0.15


def other_language(text: str, wanted: str) -> str | None:
    """Returns what a text is written in where that is not the wanted language; ``None`` where it is, or is not clear.

    Args:
        text: any; formulas and commands count for nothing.
        wanted: ISO 639-1.

    Returns:
        A language's code, or the name of a script that a tenth of the letters belong to.

    >>> other_language("Wir addieren die Zahl und dann ist das Ergebnis nicht durch 3 teilbar.", "en")
    'de'
    >>> other_language("Add the two and halve the sum.", "en") is None
    True
    """
    if wanted == "en" and text.isascii() and _is_english(text):
        return None
    return _other_script(text, wanted) or _other_words(text, wanted)


def is_written_in(text: str, language: str) -> bool:
    """Whether a text is clearly in a language; ``False`` where that is not clear, as with formulas alone."""
    if scripts := _WRITTEN_IN.get(language):
        return any(shares_script(text, name) for name in scripts) and other_language(text, language) is None
    hits, total = _small_words(text)
    return hits.get(language, 0) >= max(_LEAST_WORDS, _LEAST_SHARE * total, 0.5 * max(hits.values()))


def _is_english(text: str) -> bool:
    words = text.lower().split()
    return sum(word in _ENGLISH for word in words) >= max(_LEAST_WORDS, _SURELY_ENGLISH * len(words))


def _other_script(text: str, wanted: str) -> str | None:
    if text.isascii():
        return None
    own = _WRITTEN_IN.get(wanted, set())
    counts = Counter({name: len(pattern.findall(text)) for name, pattern in _PATTERNS.items() if name not in own})
    name, count = counts.most_common(1)[0]
    letters = sum(map(str.isalpha, text))
    return name if count >= max(_LEAST_LETTERS, _MIXED_SHARE * letters) else None


def _other_words(text: str, wanted: str) -> str | None:
    """Of languages in Latin letters; a text that is wanted in another script and has no such letters is judged, too."""
    if _WRITTEN_IN.get(wanted) and _FOREIGN.search(text):
        return None
    hits, total = _small_words(text)
    code = max(hits, key=lambda name: hits[name])
    is_clear = hits[code] >= max(_LEAST_WORDS, _LEAST_SHARE * total, _LEAD * hits.get(wanted, 0))
    return code if code != wanted and is_clear else None


def _small_words(text: str) -> tuple[dict[str, int], int]:
    """How many small words of each language a text has, and its words; a language counts with a few different ones."""
    words = Counter(_WORD.findall(_NOT_PROSE.sub(" ", text).lower()))
    hits, kinds = dict.fromkeys(_SMALL_WORDS, 0), Counter[str]()
    for word in words.keys() & _LANGUAGES_OF.keys():
        for code in _LANGUAGES_OF[word]:
            hits[code] += words[word]
            kinds[code] += 1
    return {code: count if kinds[code] >= _LEAST_KINDS else 0 for code, count in hits.items()}, words.total()


def shares_script(text: str, script: str) -> bool:
    """Whether a text has letters of a script that `other_language` named."""
    pattern = _PATTERNS.get(script)
    return pattern is not None and pattern.search(text) is not None
