"""Tables and cards: aligned as text, escaped as HTML."""

from __future__ import annotations

from workbench.views.cards import choice_html, table

HOSTILE = "<script>alert(1)</script>{{ 7 * 7 }}"


def test_numbers_stand_on_the_right_and_missing_ones_are_a_dash():
    text = str(table([{"name": "a", "n": 1_234_567, "share": None}, {"name": "bcd", "n": 8, "share": 0.25}]))
    assert text.splitlines() == ["name          n  share", "a     1,234,567      –", "bcd           8   0.25"]


def test_a_table_shows_outside_text_as_text():
    page = table([{HOSTILE: HOSTILE}])._repr_html_()
    assert "<script>" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}") == 2


def test_true_is_a_word_and_not_a_number():
    made = table([{"ok": True, "n": 1}])
    assert made.numbers == {1}
    assert made.rows == (("True", "1"),)


def test_an_empty_table_is_empty():
    assert str(table([])) == ""
    assert "<td" not in table([])._repr_html_()


def row(band: str, source: str, gain: float, reason: str = "because") -> dict:
    gains = {f"{name}_gain": gain for name in ("difficulty", "diversity", "quality", "suitability", "length")}
    return {"band": band, "source": source, "reason": reason, **gains}


def test_a_choice_tells_what_it_is_made_of_so_far():
    rows = [row("easy", "legs", 1.0), row("hard", "sums", 0.5), row("hard", "legs", 0.25)]
    first, third = choice_html(rows, 1), choice_html(rows, 3)
    assert "Choice 1 of 3" in first
    assert "1 easy, 0 medium, 0 hard, from 1 family." in first
    assert "1 easy, 0 medium, 2 hard, from 2 families." in third
    assert "width: 100.0%" in first
    assert "width: 25.0%" in third


def test_a_choice_shows_outside_text_as_text():
    page = choice_html([row("easy", HOSTILE, 1.0, reason=HOSTILE)], 1)
    assert "<script>" not in page
    assert "{{ 7 * 7 }}" in page
