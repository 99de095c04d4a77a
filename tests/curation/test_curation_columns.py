"""Columns, names on disk and codes of words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.curation.columns import Category, Columns, Row
from workbench.curation.spill import SCHEMA, Spill
from workbench.curation.text import words
from workbench.curation.tokens import QUOTED, TokenFile, TokenTable, encode
from workbench.curation.verdicts import Verdicts


def row(place: int, source: str = "s") -> Row:
    return Row(
        domain="d", source=source, license="mit", teacher="t", strategy=f"plan {place % 3}",
        features=(f"strategy {place % 3}", "level", "opening", "word a"), structure=(1.0, 2.0, 3.0, 4.0, 5.0),
        length=place, tokens=place, is_verified=True, has_check=False, question_length=9,
        question_hash=bytes([place] * 16), content_hash=bytes([place] * 16),
    )  # fmt: skip


@given(st.lists(st.lists(st.sampled_from("abcd"), max_size=6), max_size=4))
def test_joined_categories_say_what_their_parts_said(parts: list[list[str]]) -> None:
    joined = Category.concat([Category.of(part) for part in parts])
    assert joined.values() == [name for part in parts for name in part]
    assert len(set(joined.names)) == len(joined.names)


def test_blocks_of_columns_join_to_the_same_as_all_rows_at_once() -> None:
    rows = [row(place, "ab"[place % 2]) for place in range(10)]
    whole = Columns.of(rows)
    joined = Columns.concat([Columns.of(rows[:3], [0, 1, 2]), Columns.of(rows[3:], range(3, 10))])
    assert joined.source.values() == whole.source.values()
    for name in ("index", "structure", "features", "length", "question_hash", "content_hash"):
        assert (getattr(joined, name) == getattr(whole, name)).all()
    taken = whole.take([7, 2])
    assert taken.index.tolist() == [7, 2]
    assert taken.hash_bytes(0) == bytes([7] * 16)
    assert len(Columns.concat([])) == 0


def test_a_row_takes_at_most_250_bytes() -> None:
    columns = Columns.of([row(place % 250) for place in range(2_000)])
    assert columns.nbytes / len(columns) <= 250


def test_names_come_back_in_the_order_in_which_they_are_asked_for(tmp_path: Path) -> None:
    spill = Spill(tmp_path)
    for start in (0, 3):
        texts = [pa.array([f"{name}{start + place}" for place in range(3)]) for name in SCHEMA.names[:6]]
        numbers = [pa.array([start, start, start], pa.int64()), pa.array([0, 1, 2], pa.int64())]
        spill.write(pa.record_batch([*texts, *numbers], schema=SCHEMA))
    spill.finish()
    assert [found["id"] for found in spill.take([5, 0, 3])] == ["id5", "id0", "id3"]
    assert spill.take([]) == []


def test_verdicts_count_by_stage_and_reason() -> None:
    verdicts = Verdicts()
    verdicts.extend(["", "no answer", ""])
    verdicts.extend(["", ""])
    verdicts.drop(3, "contamination", "held-out overlap", "covers all")
    verdicts.drop_all(np.array([0]), "duplicates", "duplicate question", np.array([2]))
    assert verdicts.left(np.arange(5)).tolist() == [False, False, True, False, True]
    assert [verdicts.stage(index) for index in verdicts.dropped.tolist()] == ["duplicates", "filters", "contamination"]
    assert (verdicts.of(0), verdicts.of(3), verdicts.detail(3)) == (2, -1, "covers all")
    assert verdicts.counts("filters") == {"no answer": 1}


@given(st.text(max_size=80))
def test_every_word_has_a_code(text: str) -> None:
    plain = text.translate(dict.fromkeys(map(ord, '"$\u201c\u201d')))
    if plain.strip():
        assert len(encode(plain)) == len(words(plain))


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("five apples", "5 apples", True), ("3.50 euros", "3.5 euros", True), ("5 .25", "5.25", True),
        ("one apple", "1 apple", False), ("cat", "dog", False), ('say "cat"', "say cat", False),
    ],
)  # fmt: skip
def test_codes_are_equal_where_words_mean_the_same(left: str, right: str, same: bool) -> None:
    assert (encode(left).tolist() == encode(right).tolist()) is same


def test_only_what_stands_between_two_quotation_marks_is_quoted() -> None:
    assert ((encode('a "b c" d') & QUOTED) > 0).tolist() == [False, True, True, False]
    assert not (encode('a board of 5" and more') & QUOTED).any()
    assert not (encode("He pays $5 and $10.") & QUOTED).any()
    assert ((encode("Find $DE$ and $x^2$.") & QUOTED) > 0).tolist() == [False, True, False, True, True, True]


def test_tokens_come_back_from_disk(tmp_path: Path) -> None:
    questions = ["What is 2 + 2?", "", "Say \u201chello\u201d."]
    file = TokenFile(tmp_path / "tokens")
    for question in questions:
        coded = encode(question)
        file.write(coded, np.array([len(coded)], dtype=np.int32))
    table, memory = file.finish(), TokenTable.of(questions)
    assert len(table) == 3
    assert all((table[place] == memory[place]).all() for place in range(3))
    assert len(TokenFile(tmp_path / "none").finish()) == 0
