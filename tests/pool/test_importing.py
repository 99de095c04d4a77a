"""Whatever people have becomes a pool, and every row is accounted for: kept, or rejected with its reason."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench.errors import InputError
from workbench.pool import ImportConfig, ImportReport, import_pool, rejected_path
from workbench.records import Problem, Trace, read_records

DATA = Path(os.environ.get("WORKBENCH_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
GSM8K = {"question": "48 clips, then half?", "answer": "48/2 = <<48/2=24>>24.\nIn all 48+24 = 72.\n#### 72"}
MATH = {"problem": "Find $x$.", "solution": "First add.\n\nSo $x = \\boxed{4}$.", "level": "Level 5"}
LOG = {"item_id": "a-1", "model": "m:8b", "thinking": "Add two and two.\n\nWait, check it: 4.", "content": "Answer: 4",
       "done_reason": "stop", "eval_count": 12}  # fmt: skip


def lines(path: Path, *rows: dict[str, Any] | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n")
    return path


def imported(spec: Path | str, out: Path, **config: Any) -> tuple[ImportReport, list[Trace], list[str]]:
    said: list[str] = []
    report = import_pool(spec, out, ImportConfig(**config), say=said.append)
    return report, list(read_records(out, Trace)), said


def accounted(report: ImportReport, out: Path) -> bool:
    """Every row of every file is kept or stands in the rejected file."""
    path = rejected_path(out)
    rejected = path.read_text().splitlines() if path.exists() else []
    return (
        all(place.rows == place.kept + place.rejected for place in report.places) and len(rejected) == report.rejected
    )


def test_a_folder_of_everything_is_imported_with_every_row_accounted_for(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    lines(folder / "a" / "gsm8k.jsonl", GSM8K, "{broken", GSM8K)
    (folder / "a" / "deep").mkdir()
    (folder / "a" / "deep" / "math.json").write_text(json.dumps([MATH, 5, MATH | {"problem": " "}]))
    (folder / "b.csv").write_text('question,answer\n"two\nlines?",1\nshort\n')
    (folder / "c.jsonl.gz").write_bytes(gzip.compress((json.dumps(GSM8K) + "\n").encode() * 900)[:-9])
    pq.write_table(pa.Table.from_pylist([{"prompt": "2 + 2?", "completion": "Answer: 4"}]), folder / "d.parquet")
    (folder / "e.parquet").write_text("no such thing")
    (folder / "empty.jsonl").touch()
    lines(folder / ".hidden" / "x.jsonl", GSM8K)
    (folder / "README.md").write_text("words")
    out = folder / "pool.jsonl"
    report, traces, said = imported(folder, out)
    assert accounted(report, out)
    counts = {place.place: (place.kept, place.rejected) for place in report.places}
    assert counts == {
        "a/gsm8k.jsonl": (2, 1), "a/deep/math.json": (1, 2), "b.csv": (1, 1), "c.jsonl.gz": (900, 1),
        "d.parquet": (1, 0), "e.parquet": (0, 1), "empty.jsonl": (0, 0),
    }  # fmt: skip
    assert report.unread == {"README.md": "of no known format"}
    assert len(traces) == report.traces == 905
    assert len({trace.id for trace in traces}) == 905
    rejected = [json.loads(line) for line in rejected_path(out).read_text().splitlines()]
    assert {(row["file"], row["line"]) for row in rejected} >= {("a/gsm8k.jsonl", 2), ("b.csv", 4), ("e.parquet", 1)}
    assert all(row["reason"] for row in rejected)
    again, _, _ = imported(folder, out)
    assert again.rows == report.rows, "what an import wrote is not imported again"
    assert any("gsm8k" in line for line in said)


def test_a_link_that_leads_nowhere_is_one_rejected_row_among_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    lines(folder / "a.jsonl", GSM8K)
    (folder / "gone.jsonl").symlink_to(folder / "nowhere")
    (folder / "gone.jsonl.gz").symlink_to(folder / "nowhere")
    report, traces, _ = imported(folder, tmp_path / "pool.jsonl")
    assert (len(traces), report.rejected) == (1, 2)
    assert accounted(report, tmp_path / "pool.jsonl")
    assert all("cannot be opened" in reason for reason in report.reasons)


def test_the_shape_and_a_sample_are_told_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "pool.jsonl"
    told: list[tuple[str, bool]] = []
    import_pool(lines(tmp_path / "a.jsonl", MATH), out, say=lambda line: told.append((line, out.exists())))
    assert not any(exists for _, exists in told)
    text = "\n".join(line for line, _ in told)
    assert "a.jsonl: math (MATH: problem, solution with a boxed answer)" in text
    assert "problem -> question" in text
    assert "answer   4" in text


def test_solutions_are_cut_into_steps_and_own_traces_are_left_alone(tmp_path: Path) -> None:
    source = lines(
        tmp_path / "a.jsonl", {"question": "2 + 2?", "solution": "First add.\nWait, let me check.", "answer": "4"}
    )
    _, (trace,), _ = imported(source, tmp_path / "b.jsonl")
    assert [step.text for step in trace.steps] == ["First add.", "Wait, let me check."]
    assert trace.steps[-1].role == "check"
    assert trace.reasoning == "First add.\nWait, let me check."
    report, again, _ = imported(tmp_path / "b.jsonl", tmp_path / "c.parquet")
    assert (again, report.segmented) == ([trace], 0)
    _, (whole,), _ = imported(source, tmp_path / "d.jsonl", segment=False)
    assert whole.steps == ()


def test_questions_in_a_file_of_their_own_are_found_by_id(tmp_path: Path) -> None:
    items = [{"id": "a-1", "prompt": "2 + 2?", "answer": "4", "grader": "numeric"}]
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "items.json").write_text(json.dumps(items))
    log = lines(tmp_path / "run" / "model.jsonl", LOG, LOG | {"item_id": "b-9"})
    for spec in (tmp_path / "run", log):
        report, (trace,), said = imported(spec, tmp_path / "pool.jsonl")
        assert (trace.problem.question, trace.problem.answer, trace.teacher) == ("2 + 2?", "4", "m:8b")
        assert trace.problem.metadata["grader"] == "numeric"
        assert trace.usage == {"completion_tokens": 12}
        assert "questions from items.json, by the id that the rows name" in said
        assert (report.rows, report.rejected) == (2, 1)


def test_a_map_is_checked_before_long_work_and_lists_the_fields(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", {"stem": "2 + 2?", "key": "4", "topic": "sums"})
    report, (trace,), said = imported(
        source, tmp_path / "b.jsonl", fields={"question": "stem", "answer": "key", "domain": "topic"}
    )
    assert (trace.problem.question, trace.answer, trace.problem.domain) == ("2 + 2?", "4", "sums")
    assert report.places[0].shape == "mapped"
    assert any("stem -> question" in line for line in said)
    with pytest.raises(InputError, match="no field 'steam'; the row has stem, key, topic"):
        imported(source, tmp_path / "c.jsonl", fields={"question": "steam"})
    with pytest.raises(InputError, match="a field can become one of question, answer"):
        imported(source, tmp_path / "c.jsonl", fields={"qestion": "stem"})
    assert not (tmp_path / "c.jsonl").exists()


def test_a_table_with_other_column_names_is_mapped_too(tmp_path: Path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("Frage,Antwort,Auswahl\nWhich?,b,x|y\n,b,x|y\n")
    fields = {"question": "Frage", "answer": "Antwort", "choices": "Auswahl"}
    report, (trace,), _ = imported(source, tmp_path / "b.jsonl", fields=fields)
    assert (trace.problem.question, trace.problem.choices, report.rejected) == ("Which?", ("x", "y"), 1)
    with pytest.raises(InputError, match="no column is called 'Farge'; the columns are Frage, Antwort, Auswahl"):
        imported(source, tmp_path / "b.jsonl", fields={"question": "Farge"})


def test_rows_without_a_single_good_one_leave_what_was_there(tmp_path: Path) -> None:
    out = lines(tmp_path / "pool.jsonl", "old")
    with pytest.raises(InputError, match=r"holds no row that can be imported; a\.jsonl, row 1: not JSON"):
        import_pool(lines(tmp_path / "a.jsonl", "{", "["), out)
    assert out.read_text() == "old\n"
    assert len(rejected_path(out).read_text().splitlines()) == 2
    with pytest.raises(InputError, match="it is empty"):
        import_pool(lines(tmp_path / "b.jsonl", ""), out)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jsonl", "b.jsonl", "pool.jsonl"]


def test_a_limit_stops_early_and_says_so(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", *[GSM8K] * 9)
    report, traces, _ = imported(source, tmp_path / "b.jsonl", limit=3)
    assert (len(traces), report.stopped_at_limit, report.rows) == (3, True, 3)
    assert "stopped at --limit" in "\n".join(report.lines())
    with pytest.raises(InputError, match="limit=0"):
        ImportConfig(limit=0)


@pytest.mark.parametrize(
    ("spec", "config", "said"),
    [
        ("nowhere", {}, "does not exist"),
        ("notes.txt", {}, "the name must end with one of"),
        ("empty", {}, "holds no file that can be read"),
        ("a.jsonl", {"split": "test"}, "--config and --split are for a data set of the Hub"),
        ("a.jsonl", {"encoding": "klingon"}, "no encoding is called 'klingon'"),
        ("hf:", {}, "needs the name of a data set"),
        ("hf:x/y", {"encoding": "latin-1"}, "--encoding is for files"),
    ],
)
def test_what_cannot_be_meant_is_one_clear_line(tmp_path: Path, spec: str, config: dict[str, Any], said: str) -> None:
    lines(tmp_path / "a.jsonl", GSM8K)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "empty").mkdir()
    where = spec if spec.startswith("hf:") else str(tmp_path / spec)
    with pytest.raises(InputError, match=said) as caught:
        import_pool(where, tmp_path / "out.jsonl", ImportConfig(**config))
    assert "\n" not in str(caught.value)


def test_a_file_is_not_imported_over_itself(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", GSM8K)
    with pytest.raises(InputError, match="is the file to import"):
        import_pool(source, source)


class Stopped(Exception):
    """Stands for Ctrl-C."""


def test_an_interruption_leaves_neither_half_a_pool_nor_half_a_list(tmp_path: Path) -> None:
    source = lines(tmp_path / "a.jsonl", GSM8K, "{", GSM8K, GSM8K)
    out = tmp_path / "out" / "pool.jsonl"

    def stop(items: Any, total: Any = None, label: str = "") -> Any:
        for place, item in enumerate(items):
            if place == 2:
                raise Stopped
            yield item

    with pytest.raises(Stopped):
        import_pool(source, out, track=stop)
    assert not list(out.parent.iterdir())


@pytest.fixture(scope="session")
def published() -> tuple[ImportReport, Path]:
    if not DATA.is_dir():
        pytest.skip(f"{DATA} is not here; set WORKBENCH_DATA")
    import tempfile

    out = Path(tempfile.mkdtemp()) / "all.jsonl"
    return import_pool(DATA, out, say=lambda line: None), out


def test_published_data_sets_import_with_every_row_accounted_for(published: tuple[ImportReport, Path]) -> None:
    report, out = published
    assert accounted(report, out)
    counted = {place.place: (place.shape, place.kept, place.rejected) for place in report.places}
    assert counted["gsm8k/train.jsonl"] == ("gsm8k", 7_473, 0)
    assert counted["math/train.jsonl"] == ("math", 7_500, 0)
    assert counted["mawps/test.jsonl"] == ("question", 2_065, 0)
    assert counted["tal_scq5k/train.jsonl"] == ("choices", 3_000, 0)
    assert counted["theoremqa/theoremqa.json"] == ("theoremqa", 747, 53)
    assert {name: rows for name, rows in counted.items() if "knights" in name} == {
        f"knights_knaves/{size}ppl_train.parquet": ("knights-and-knaves", 900, 0) for size in range(3, 8)
    }
    assert [rows for name, rows in counted.items() if "qwen3" in name] == [("thinking", 200, 0)] * 2
    assert dict(report.reasons) == {"the question needs a picture, and only text is read": 53}
    assert report.unread["qwen3_traces/items.json"] == "200 questions for the files beside it"


def test_published_traces_are_whole_and_their_ids_unique(published: tuple[ImportReport, Path]) -> None:
    ids: set[str] = set()
    unfinished = 0
    for trace in read_records(published[1], Trace):
        ids.add(trace.id)
        unfinished += trace.finish_reason == "length"
        said = "".join(step.text for step in trace.steps)
        assert "".join(said.split()) == "".join((trace.reasoning or "").split()), trace.id
    assert len(ids) == published[0].traces
    assert unfinished > 0


def test_an_imported_pool_gives_problems_to_collect_for(tmp_path: Path) -> None:
    imported(lines(tmp_path / "a.jsonl", GSM8K, {"input": "2 + 2?", "target": 4.0}), tmp_path / "b.jsonl")
    assert [problem.answer for problem in read_records(tmp_path / "b.jsonl", Problem)] == ["72", "4"]
