"""Numbers: exact reading, every way of writing them, and the number that a region means."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.grading.cleaning import plain
from workbench.grading.numbers import find_numbers, last_number, number_in, parse_number, same_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("39", 39),
        ("39.", 39),
        ("39.5", "79/2"),
        (".5", "1/2"),
        ("1,234,567.5", "2469135/2"),
        ("-12", -12),
        ("−12", -12),
        ("–12", -12),
        ("-$12", -12),
        ("$-12$", -12),
        ("\\$1,234", 1234),
        ("3/4", "3/4"),
        ("\\frac{3}{4}", "3/4"),
        ("-\\dfrac{3}{4}", "-3/4"),
        ("\\frac34", "3/4"),
        ("1\\frac{1}{2}", "3/2"),
        ("3½", "7/2"),
        ("57°", 57),
        ("57^\\circ", 57),
        ("57 degrees", 57),
        ("39 apples", 39),
        ("10{,}000", 10_000),
        ("10\\,000", 10_000),
        ("2.5e3", 2500),
        ("2.5 \\times 10^{3}", 2500),
        ("seven", 7),
        ("Forty-two", 42),
        ("minus three", -3),
        ("x = 4", 4),
        ("５", 5),
    ],
)
def test_written_numbers_are_read_exactly(text: str, value: int | str) -> None:
    number = parse_number(plain(text).strip())
    assert number is not None
    assert number.value == Fraction(value)


@pytest.mark.parametrize("text", ["", "apples", "5 + 2", "5x", "5\\pi", "5\\sqrt{2}", "7/0", "2^10", "5²", "9" * 5000])
def test_what_is_not_one_number_is_not_read_as_one(text: str) -> None:
    assert parse_number(plain(text).strip()) is None


@pytest.mark.parametrize(
    ("region", "value"),
    [
        ("47 (12 + 35)", 47),
        ("12 + 35 = 47 apples", 47),
        ("47 = 12 + 35", 47),
        ("3 x 4 = 12", 12),
        ("x = 47", 47),
        ("= - 5", -5),
        ("about 47 apples", 47),
        ("She has 47 apples (12 + 35).", 47),
        ("5 of the 20 students", 5),
        ("20 out of 100 is 20 / 100 = 0.2", "1/5"),
        ("10 - 5", None),
        ("5 + x", None),
        ("5√2", None),
        ("nothing", None),
    ],
)
def test_the_number_that_a_region_means(region: str, value: int | str | None) -> None:
    number, _ = number_in(region)
    assert (number.value if number else None) == (Fraction(value) if value is not None else None)


def test_a_dash_between_numbers_is_no_sign() -> None:
    assert [number.value for number in find_numbers("10-15, pages 3–4, -2, 7 - 5")] == [10, 15, 3, 4, -2, 7, 5]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2 + 3 = 5. So Ann has 5 - 1 = 4 left.", 4),
        ("Step 1: 4 + 5 = 9\nStep 2: 9 * 2 = 18\nStep 3:", 18),
        ("So it is 16.66, which rounds up to 17", 17),
        ("He pays 50 because 50 < 52", 50),
        ("there are seven apples", 7),
    ],
)
def test_an_unmarked_text_ends_on_its_last_result(text: str, value: int) -> None:
    number = last_number(text)
    assert number is not None
    assert number.value == value


def test_percents_and_millions_may_be_read_either_way_but_not_both_ways_at_once() -> None:
    def same(a: str, b: str) -> bool:
        first, second = parse_number(a), parse_number(b)
        assert first is not None
        assert second is not None
        return same_number(first, second)

    assert same("25", "25%")
    assert same("0.25", "25%")
    assert same("1500000", "1.5 million")
    assert not same("25%", "0.25%")
    assert not same("2.5", "25%")


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 6),
    st.sampled_from(["{}", "${}$", "\\boxed{{{}}}", "**{}**", "\\({}\\)", "{}.", "{} apples", "about {}"]),
)
def test_any_decimal_survives_formatting(digits: int, places: int, frame: str) -> None:
    value = Fraction(digits, 10**places)
    whole, rest = divmod(abs(digits), 10**places)
    written = f"{'-' if digits < 0 else ''}{whole:,}" + (f".{rest:0{places}d}" if places else "")
    number, is_direct = number_in(plain(frame.format(written)))
    assert number is not None
    assert is_direct
    assert number.value == value
    again = parse_number(number.text)
    assert again is not None
    assert again.value == value


@given(st.integers(-(10**6), 10**6), st.integers(1, 10**6))
def test_any_fraction_survives_formatting(above: int, below: int) -> None:
    for written in (f"{above}/{below}", f"\\frac{{{above}}}{{{below}}}"):
        number = parse_number(plain(written).strip())
        assert number is not None
        assert number.value == Fraction(above, below)
        assert number.is_lowest == (Fraction(above, below).denominator == below)
