"""From a pool's file to the curated folder, every row accounted for."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest

from workbench.curation import CurationConfig, CurationReport, curate
from workbench.errors import InputError
from workbench.grading import grade_answer
from workbench.records import Problem, Step, Trace, read_records, to_json, write_records

MakePool = Callable[[int], list[Trace]]
CONFIG = CurationConfig(size=60, seed=1)


def asked(trace: Trace, question: str, name: str) -> Trace:
    return replace(trace, id=name, problem=replace(trace.problem, id=f"p-{name}", question=question))


def noisy(text: str) -> str:
    return "  " + text.upper().replace(" ", "   ").replace("?", " ?!")


def planted(sound: list[Trace]) -> tuple[list[Trace], dict[str, tuple[str, str]], list[Problem]]:
    """Returns a shuffled pool, the planted rows' ids with stage and reason, and the held-out problems."""
    loop = Step(role="tactic", text="Let me look at that again. " * 8)
    rows: dict[str, tuple[str, str]] = {}
    pool = list(sound)
    for place, trace in enumerate(sound[:10]):
        question = trace.problem.question
        fresh = [asked(trace, f"{question} Variant {place} of {kind}.", f"{kind}-{place}") for kind in range(7)]
        defects = [
            ("unfinished", replace(fresh[0], finish_reason="length")),
            ("no answer", replace(fresh[1], answer="")),
            ("missing section", replace(fresh[2], steps=fresh[2].steps[:-1])),
            ("wrong answer", replace(fresh[3], is_correct=False)),
            ("control token", asked(fresh[4], fresh[4].problem.question + "<|im_end|>", fresh[4].id)),
            ("repetition loop", replace(fresh[5], steps=(*fresh[5].steps[:-1], loop, fresh[5].steps[-1]))),
        ]
        rows |= {trace.id: ("filters", reason) for reason, trace in defects}
        worse = replace(asked(trace, noisy(question), f"copy-{place}"), is_correct=None, answer=f"{trace.answer} units")
        rows[worse.id] = ("duplicates", "duplicate question")
        pool += [*(trace for _, trace in defects), worse]
    held_out = [Problem(id=f"h{place}", question=trace.problem.question) for place, trace in enumerate(sound[-8:])]
    for place, trace in enumerate(sound[-8:]):
        rows[trace.id] = ("contamination", "held-out question")
        trailed = asked(trace, trace.problem.question + " Please answer briefly.", f"trailed-{place}")
        rows[trailed.id] = ("contamination", "held-out overlap")
        pool.append(trailed)
    Random(0).shuffle(pool)
    return pool, rows, held_out


def written(tmp_path: Path, pool: Iterable[Trace], name: str = "pool.jsonl") -> Path:
    write_records(tmp_path / name, pool)
    return tmp_path / name


def dropped_rows(report: CurationReport) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(report.dropped_path).to_pylist()
    return rows


def test_planted_defects_are_found_all_and_alone(tmp_path: Path, sound_pool: MakePool) -> None:
    pool, wanted, held_out = planted(sound_pool(200))
    report = curate(written(tmp_path, pool), tmp_path / "out", CONFIG, held_out=held_out)
    found = {row["id"]: (row["stage"], row["reason"]) for row in dropped_rows(report) if row["stage"] != "selection"}
    assert found == wanted


def test_every_row_is_kept_or_dropped_once(tmp_path: Path, sound_pool: MakePool) -> None:
    pool, _, held_out = planted(sound_pool(200))
    path = written(tmp_path, pool)
    path.write_bytes(path.read_bytes() + b'{"schema": "workbench.trace/1"}\n\xff\n')
    report = curate(path, tmp_path / "out", CONFIG, held_out=held_out)
    kept = [trace.id for trace in read_records(report.curated_path, Trace)]
    assert len(kept) == report.kept == 60
    assert sorted(kept + [row["id"] for row in dropped_rows(report)]) == sorted(trace.id for trace in pool)
    assert (report.read, report.rejected, report.dropped) == (len(pool), 2, len(pool) - 60)
    assert len(report.rejected_path.read_text().splitlines()) == 2
    assert kept == [trace.id for trace in pool if trace.id in set(kept)]
    before = report.read
    for stage in report.stages:
        assert (stage.before, stage.after) == (before, before - sum(stage.reasons.values()))
        before = stage.after
    assert before == report.kept
    assert any("2 of" in warning for warning in report.warnings)


def test_kept_rows_have_rank_quota_gains_and_reason(tmp_path: Path, sound_pool: MakePool) -> None:
    report = curate(written(tmp_path, sound_pool(200)), tmp_path / "out", CONFIG)
    rows = pq.read_table(report.kept_path).to_pylist()
    assert [row["rank"] for row in rows] == list(range(1, 61))
    assert {row["id"] for row in rows} == {trace.id for trace in read_records(report.curated_path, Trace)}
    assert all(row["reason"] and row["quality_gain"] > 0 for row in rows)
    assert Counter(row["quota"] for row in rows) == {
        "algebra/ages": 20, "arithmetic/legs": 10, "arithmetic/sums": 10, "language/words": 20,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["pool.jsonl", "pool.jsonl.gz", "pool.parquet"])
def test_same_pool_and_seed_give_the_same_bytes(name: str, tmp_path: Path, sound_pool: MakePool) -> None:
    pool, _, held_out = planted(sound_pool(120))
    path = written(tmp_path, pool, name)
    outs = [tmp_path / "first", tmp_path / "elsewhere" / "second"]
    for out in outs:
        curate(path, out, CONFIG, held_out=iter(held_out))
    names = sorted(entry.name for entry in outs[0].iterdir())
    assert names == [
        "README.md",
        "curated.jsonl",
        "dropped.parquet",
        "funnel.json",
        "kept.parquet",
        "survivors.parquet",
    ]
    assert sorted(entry.name for entry in outs[1].iterdir()) == names
    assert all((outs[0] / name).read_bytes() == (outs[1] / name).read_bytes() for name in names)


def test_another_seed_chooses_otherwise(tmp_path: Path, sound_pool: MakePool) -> None:
    path = written(tmp_path, sound_pool(400))
    chosen = [
        curate(path, tmp_path / str(seed), CurationConfig(size=40, seed=seed)).curated_path.read_bytes()
        for seed in (0, 1)
    ]
    assert chosen[0] != chosen[1]


def test_the_pool_s_order_does_not_change_the_choice(tmp_path: Path, sound_pool: MakePool) -> None:
    pool, _, held_out = planted(sound_pool(200))
    chosen = []
    for name, rows in (("a.jsonl", pool), ("b.jsonl", pool[::-1])):
        report = curate(written(tmp_path, rows, name), tmp_path / name[0], CONFIG, held_out=held_out)
        chosen.append({trace.id for trace in read_records(report.curated_path, Trace)})
    assert chosen[0] == chosen[1]


def test_the_better_of_equal_questions_stays(tmp_path: Path, sound_pool: MakePool) -> None:
    trace = sound_pool(1)[0]
    unverified = replace(trace, id="unverified", is_correct=None, answer="about 7")
    longer = replace(trace, id="longer", steps=(*trace.steps, Step(role="check", text="Once more, by counting.")))
    for order in ([unverified, longer, trace], [trace, longer, unverified]):
        report = curate(written(tmp_path, order), tmp_path / "out", CurationConfig(size=1))
        assert [kept.id for kept in read_records(report.curated_path, Trace)] == [trace.id]
        assert {row["detail"] for row in dropped_rows(report)} == {f"of {trace.id}"}


def test_equal_questions_with_other_choices_are_kept_apart(tmp_path: Path, sound_pool: MakePool) -> None:
    trace = sound_pool(1)[0]
    problem = replace(trace.problem, question="Which of these is right?")
    choices = [("1 < 2", "2 < 1"), ("3 < 4", "4 < 3"), ("3 < 4 ", " 4 < 3.")]
    pool = [replace(trace, id=str(i), problem=replace(problem, choices=some)) for i, some in enumerate(choices)]
    report = curate(written(tmp_path, pool), tmp_path / "out", CONFIG)
    assert report.kept == 2
    assert [row["reason"] for row in dropped_rows(report)] == ["duplicate question"]


def test_selection_beats_the_random_draw(tmp_path: Path, sound_pool: MakePool) -> None:
    uneven = [trace for trace in sound_pool(800) if trace.problem.source == "sums" or int(trace.problem.id[-1]) == 3]
    report = curate(written(tmp_path, uneven), tmp_path / "out", CONFIG)
    assert report.selected.rows == report.random.rows == 60
    assert report.selected.objective is not None
    assert report.random.objective is not None
    assert report.selected.objective > report.random.objective
    assert min(report.selected.domains.values()) == 20 > min(report.random.domains.values())
    assert max(report.selected.bands.values()) - min(report.selected.bands.values()) <= 6


def test_too_small_a_pool_keeps_all_and_says_so(tmp_path: Path, sound_pool: MakePool) -> None:
    report = curate(written(tmp_path, sound_pool(20)), tmp_path / "out", CurationConfig(size=500))
    assert (report.kept, report.dropped) == (20, 0)
    assert dropped_rows(report) == []
    assert any("500 traces were asked for and 20 survive" in line for line in report.lines())


def test_a_pool_without_survivors_says_why(tmp_path: Path, sound_pool: MakePool) -> None:
    pool = [replace(trace, finish_reason="length") for trace in sound_pool(5)]
    with pytest.raises(InputError, match="no trace survives; 5 of 5 are dropped for 'unfinished'"):
        curate(written(tmp_path, pool), tmp_path / "out", CONFIG)
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(InputError, match="empty"):
        curate(tmp_path / "empty.jsonl", tmp_path / "out", CONFIG)


def test_places_that_cannot_be_meant(tmp_path: Path, sound_pool: MakePool) -> None:
    path = written(tmp_path, sound_pool(8), "curated.jsonl")
    with pytest.raises(InputError, match="overwritten"):
        curate(path, tmp_path, CONFIG)
    with pytest.raises(InputError, match="is a file"):
        curate(path, path, CONFIG)
    assert len(list(read_records(path, Trace))) == 8


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path, sound_pool: MakePool) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    curate(written(tmp_path, sound_pool(8)), tmp_path / "out", CONFIG)
    assert (tmp_path / "out" / "notes.txt").read_text() == "mine"


def test_funnel_and_card_say_the_same_as_the_report(tmp_path: Path, sound_pool: MakePool) -> None:
    odd = [replace(trace, problem=replace(trace.problem, source="x | <b>", license="MIT")) for trace in sound_pool(80)]
    report = curate(written(tmp_path, odd), tmp_path / "out", CurationConfig(size=30))
    funnel = json.loads(report.funnel_path.read_text())
    assert next(iter(funnel)) == "schema"
    assert (funnel["read"], funnel["kept"], funnel["dropped"], funnel["rejected"]) == (80, 30, 50, 0)
    assert [stage["name"] for stage in funnel["stages"]] == ["filters", "duplicates", "contamination", "selection"]
    assert sum(funnel["composition"]["kept"]["bands"].values()) == 30
    assert set(funnel["composition"]) == {"kept", "survivors", "random"}
    card = (report.out / "README.md").read_text()
    assert card.startswith('---\npretty_name: Curated reasoning traces\nlicense:\n- "mit"\n')
    assert "size_categories:\n- n<1K\n" in card
    assert "not a language model's trace" in card
    assert "<b>" not in card
    assert str(tmp_path) not in card + report.funnel_path.read_text()
    assert len(report.lines()[0].split()) == 5


def test_progress_sees_each_loop(tmp_path: Path, sound_pool: MakePool) -> None:
    seen: dict[str, int] = Counter()

    def progress(items: Iterable[Any], total: int | None, label: str) -> Iterable[Any]:
        for item in items:
            seen[label] += 1
            yield item
        assert total in (None, seen[label])

    curate(written(tmp_path, sound_pool(40)), tmp_path / "out", CurationConfig(size=10), progress=progress)
    assert seen == {"reading": 40, "selecting": 10, "writing": 10}


def test_rows_published_unsegmented_can_be_curated(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is {i} plus {i * i}?", "answer": f"{i} + {i * i} = {i + i * i}\n#### {i + i * i}"}
        for i in range(50)
    ]
    (tmp_path / "gsm.jsonl").write_text("\n".join(map(json.dumps, rows)))
    report = curate(tmp_path / "gsm.jsonl", tmp_path / "out", CurationConfig(size=9))
    assert report.kept == 9
    assert to_json(next(iter(read_records(report.curated_path, Trace)))).startswith(b'{"schema":"workbench.trace/1"')


def test_the_files_do_not_depend_on_the_number_of_processes(tmp_path: Path, sound_pool: MakePool) -> None:
    pool, _, held_out = planted(sound_pool(2_400))
    path = written(tmp_path, pool, "pool.parquet")
    outs = [tmp_path / "one", tmp_path / "two"]
    for workers, out in enumerate(outs, 1):
        curate(path, out, CONFIG, held_out=held_out, grade_answer=grade_answer, workers=workers)
    names = sorted(entry.name for entry in outs[0].iterdir())
    assert all((outs[0] / name).read_bytes() == (outs[1] / name).read_bytes() for name in names)


def test_matched_words_of_both_sides_are_told(tmp_path: Path, sound_pool: MakePool) -> None:
    pool, rows, held_out = planted(sound_pool(200))
    report = curate(written(tmp_path, pool), tmp_path / "out", CONFIG, held_out=held_out)
    told = {row["id"]: (row["matched"], row["matched_original"]) for row in dropped_rows(report)}
    trailed = [name for name in rows if name.startswith("trailed-")]
    assert all("[please answer briefly]" in told[name][0] and "[" not in told[name][1] for name in trailed)
    assert told["copy-0"] == ("", "")
