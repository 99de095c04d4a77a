"""Questions in other words: what counts as one, what is dropped, and what is said where nothing was looked at."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.curation import CurationConfig, NotRun, curate, proposing, read_survivors
from workbench.curation.columns import Columns
from workbench.curation.scores import score
from workbench.curation.semantic import Asked, same_question
from workbench.curation.templates import Neighbours, neighbour_counts
from workbench.errors import InputError
from workbench.records import Problem, Trace, write_records

ORIGINAL = "Maria packs 14 red apples into each of 3 baskets and eats 2. How many apples are left over?"
REPHRASED = "With 14 fruits, all of them red, in every one of 3 boxes, and 2 eaten by her, what number does Maria have?"


def bag_of_words(texts: Sequence[str]) -> np.ndarray:
    """A tiny embedder: hashed words, so that questions that share many are near each other."""
    vectors = np.zeros((len(texts), 256), dtype=np.float32)
    for row, text in enumerate(texts):
        for word in re.findall(r"\w+", text.lower()):
            vectors[row, zlib.crc32(word.encode()) % 256] += 1
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def all_alike(texts: Sequence[str]) -> np.ndarray:
    """An embedder to which everything means the same: whatever it drops, the rest of the rule allowed."""
    return np.ones((len(texts), 4), dtype=np.float32) / 2


def asked(text: str, answer: str | None = "40") -> Asked:
    return Asked.of("q", text, answer)


def with_question(trace: Trace, name: str, question: str, answer: str = "40") -> Trace:
    problem = replace(trace.problem, id=name, question=question, answer=answer)
    return replace(trace, id=f"t-{name}", problem=problem, answer=answer)


@pytest.fixture
def written(tmp_path, sound_pool):
    """Forty sound traces, and one that asks `ORIGINAL` in other words."""
    traces = sound_pool(40)
    write_records(tmp_path / "pool.jsonl", [*traces, with_question(traces[1], "apples", REPHRASED)])
    return tmp_path / "pool.jsonl"


def run(pool, **more):
    return curate(pool, pool.parent / "out", CurationConfig(size=20), **more)


def dropped(report):
    return [row for row in pq.read_table(report.dropped_path).to_pylist() if row["stage"] == "semantic"]


def test_like_meaning_is_not_enough():
    nobody = Neighbours()
    assert same_question(asked(ORIGINAL), asked(REPHRASED), nobody)
    assert same_question(asked(ORIGINAL, "40.0"), asked(REPHRASED, "40"), nobody)
    assert not same_question(asked(ORIGINAL), asked(REPHRASED, "2"), nobody)
    assert not same_question(asked(ORIGINAL), asked(REPHRASED.replace("14", "15")), nobody)
    assert not same_question(asked('Spell "cat" once more'), asked('Spell "dog" once more'), nobody)


def test_a_question_without_an_answer_is_not_judged():
    assert not same_question(asked(ORIGINAL, None), asked(ORIGINAL, None), Neighbours())


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("Which day comes 3 days after Monday? Say its name.", True),
        ("Tell me: which day comes 3 days after Monday? Say its name.", True),
        ("Which day comes 3 days before Monday? Give its name.", False),
    ],
)
def test_in_a_template_only_the_way_of_asking_may_differ(other, is_same):
    neighbours = Neighbours()
    siblings = [f"Which day comes {n} days {('after', 'before')[n % 2]} Monday? Give its name." for n in range(30)]
    neighbours.add(neighbour_counts([asked(text).tokens for text in siblings]))
    assert (
        same_question(asked("Which day comes 3 days after Monday? Give its name."), asked(other), neighbours) is is_same
    )


def test_siblings_with_equal_numbers_and_answers_stay(tmp_path, sound_pool):
    places = ("fair", "camp", "market", "museum")
    traces = [
        with_question(trace, f"p{n}", f"At the {places[n % 4]}, {n // 4} singers compete for 2 places. Who can win?")
        for n, trace in enumerate(sound_pool(40))
    ]
    write_records(tmp_path / "pool.jsonl", traces)
    report = run(tmp_path / "pool.jsonl", embed=all_alike)
    assert not dropped(report)
    assert report.semantic is not None
    assert report.semantic["proposed"] == 40


def test_a_held_out_question_in_other_words_is_dropped_with_the_words_of_both(written, tmp_path):
    held_out = [Problem(id="h-1", question=ORIGINAL, answer="40")]
    report = run(written, held_out=held_out, embed=all_alike)
    (row,) = dropped(report)
    assert (row["id"], row["reason"]) == ("t-apples", "semantic copy of a held-out question")
    assert row["detail"] == "similarity 1.000 to h-1"
    assert "14 [fruits all of them] red" in row["matched"]
    assert "14 red [apples" in row["matched_original"]
    assert report.semantic == {"proposed": 41, "held_out": 1, "similarity": 0.85, "groups": 1}


def test_of_two_that_ask_the_same_the_better_stays(written, sound_pool):
    traces = sound_pool(41)
    worse = replace(with_question(traces[-1], "worse", ORIGINAL), is_correct=None)
    pool = [*traces[:40], worse, with_question(traces[1], "apples", REPHRASED)]
    write_records(written, pool)
    (row,) = dropped(run(written, embed=all_alike))
    assert {row["id"], row["detail"].split(" of ")[1]} == {"t-worse", "t-apples"}
    assert row["reason"] == "semantic duplicate"
    assert "14" in row["matched_original"]


def test_every_row_is_accounted_for_and_the_groups_reach_the_choice(written):
    report = run(written, held_out=[Problem(id="h", question=ORIGINAL, answer="40")], embed=bag_of_words)
    names = [stage.name for stage in report.stages]
    assert names == ["filters", "duplicates", "contamination", "semantic", "selection"]
    assert all(one.after == two.before for one, two in zip(report.stages, report.stages[1:], strict=False))
    assert report.kept + pq.read_metadata(report.dropped_path).num_rows == report.read == 41
    assert (read_survivors(report.survivors_path).scores.cluster >= 0).all()
    assert "sentence embeddings with a cosine of at least 0.85" in (report.out / "README.md").read_text()


def test_of_many_survivors_only_the_proposed_are_looked_at_and_kept(written, monkeypatch):
    monkeypatch.setattr(proposing, "MOST", 10)
    report = curate(written, written.parent / "out", CurationConfig(size=6), embed=bag_of_words)
    assert report.semantic is not None
    assert report.semantic["proposed"] == 12
    assert len(read_survivors(report.survivors_path)) == 12
    assert report.survivors.rows == 41
    assert report.kept == 6
    assert pq.read_metadata(report.dropped_path).num_rows == 35
    assert report.selected.objective > report.random.objective


def test_equal_input_gives_equal_bytes(written):
    files = [run(written, embed=bag_of_words).out / name for name in ("curated.jsonl", "funnel.json", "kept.parquet")]
    before = [file.read_bytes() for file in files]
    run(written, embed=bag_of_words)
    assert [file.read_bytes() for file in files] == before


def test_what_was_not_looked_at_is_said(written):
    report = run(written, embed=NotRun("no weights here; fetch them"))
    assert report.warnings[-1] == "semantic stage not run: no weights here; fetch them"
    assert json.loads(report.funnel_path.read_text())["semantic"] == {"not_run": "no weights here; fetch them"}
    assert "not looked for by meaning (no weights here; fetch them)" in (report.out / "README.md").read_text()
    assert "semantic" not in [stage.name for stage in report.stages]


def test_vectors_that_are_none_are_refused(written):
    with pytest.raises(InputError, match=r"embed gave an array of shape \(3, 2\) for 41 texts"):
        run(written, embed=lambda texts: np.zeros((3, 2), dtype=np.float32))


def test_scores_keep_their_place_among_all(sound_pool):
    from workbench.curation.describe import describe
    from workbench.curation.text import question_words

    rows = Columns.of([describe(trace, question_words(trace.problem), True) for trace in sound_pool(12)])
    scores = score(rows)
    some = scores.take(np.array([1, 5]))
    assert some.difficulty.tolist() == scores.difficulty[[1, 5]].tolist()
    assert some.pass_rate is None
