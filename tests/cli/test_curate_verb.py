"""`workbench curate`: strategies, weights, and what would go to the Hub."""

from __future__ import annotations

import json
from itertools import islice

import pytest

from workbench.cli import main, parse
from workbench.curating import curation_config
from workbench.curation import CurationConfig, Filters
from workbench.pool import embedded_pool
from workbench.records import write_records


@pytest.fixture
def pool(tmp_path):
    write_records(tmp_path / "pool.jsonl", islice(embedded_pool(80, seed=2), 80))
    return tmp_path / "pool.jsonl"


def run(pool, tiny_folder, *more):
    main(["curate", "--pool", str(pool), "--out", str(pool.parent / "out"), "--student", str(tiny_folder),
          "--max-tokens", "2000", "--size", "20", "--semantic", "off", *more])  # fmt: skip


def test_options_become_a_configuration():
    options = [
        "curate",
        "--pool",
        "p",
        "--out",
        "o",
        "--strategy",
        "s1",
        "--weight",
        "quality=2",
        "--weight",
        "length=0",
    ]
    wanted = CurationConfig(max_tokens=384, strategy="s1", quality_weight=2.0, length_weight=0.0)
    assert curation_config(parse(options)) == wanted
    assert curation_config(parse([*options, "--score", "all"])).student_sample == 0


def test_filters_become_modes():
    given = ["curate", "--pool", "p", "--out", "o", "--filter", "language=off", "--filter", "missing-figures=lenient"]
    config = curation_config(parse([*given, "--language", "de"]))
    assert config.filters == Filters(language="off", missing_figures="lenient")
    assert config.language == "de"


def test_named_sets_are_held_out_beside_the_embedded_benchmarks(pool, tiny_folder, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    (tmp_path / "own").mkdir()
    questions = [trace.problem for trace in islice(embedded_pool(80, seed=2), 3)]
    write_records(tmp_path / "own" / "a.jsonl", questions[:2])
    write_records(tmp_path / "mawps.jsonl", questions[2:])
    run(pool, tiny_folder, "--held-out", str(tmp_path / "own"), "--held-out", str(tmp_path / "mawps.jsonl"), "--json")
    found = json.loads(capsys.readouterr().out)["contamination"]
    embedded, own, mawps = found["checked"]
    assert (embedded["name"], own["name"], mawps["name"]) == ("embedded benchmarks", "own", "mawps")
    assert (own["questions"], own["dropped"], mawps["dropped"]) == (2, 2, 1)
    assert "GSM8K test" in [each["name"] for each in found["not_checked"]]
    assert "MAWPS" not in [each["name"] for each in found["not_checked"]]


def test_a_dry_run_says_what_would_be_uploaded(pool, tiny_folder, capsys):
    run(pool, tiny_folder, "--strategy", "random", "--push-to-hub", "me/reason1k", "--dry-run")
    said = capsys.readouterr().out
    assert "would be uploaded to me/reason1k (private):" in said
    assert all(f"  {name}  " in said for name in ("README.md", "curated.jsonl", "kept.parquet", "funnel.json"))
    assert "dropped.parquet" not in said
    assert json.loads((pool.parent / "out" / "funnel.json").read_text())["config"]["strategy"] == "random"


def test_the_student_reads_where_it_is_asked_to(pool, tiny_folder, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    run(pool, tiny_folder, "--score", "all", "--json")
    read = json.loads(capsys.readouterr().out)
    assert read["student"]["predicted"] == 0
    assert read["student"]["read"] == read["composition"]["survivors"]["rows"]
    assert read["composition"]["kept"]["mean_suitability"] > read["composition"]["survivors"]["mean_suitability"]


def test_meaning_that_is_not_looked_at_is_said_with_the_fix(pool, tiny_folder, capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("WORKBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("workbench.students.embedding.find_spec", lambda name: None)
    run(pool, tiny_folder, "--semantic", "auto")
    said = capsys.readouterr().out
    assert "semantic stage not run: the sentence embedder is not on this computer; --semantic on" in said
    run(pool, tiny_folder)
    assert "semantic" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--weight", "beauty=1"], "--weight beauty=1: give CRITERION=WEIGHT"),
        (["--weight", "quality"], "--weight quality: give CRITERION=WEIGHT"),
        (["--weight", "quality=-1"], "quality_weight is -1.0; it must be from 0 to 1,000"),
        (["--filter", "beauty=off"], "there is none called 'beauty'; they are truncation, format"),
        (["--filter", "language"], "--filter language: give NAME=MODE"),
        (["--filter", "language=on"], "language is 'on'; it must be one of strict, lenient, off"),
        (["--language", "English"], "language is 'English'; it must be an ISO 639-1 code such as en"),
        (["--held-out", "nowhere.jsonl"], "nowhere.jsonl does not exist"),
        (["--tries", "4"], "--tries needs --score"),
        (["--dry-run"], "give --push-to-hub"),
    ],
)
def test_what_cannot_be_meant_is_one_line(more, said, pool, tiny_folder, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(pool, tiny_folder, *more)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err
    assert not (pool.parent / "out").exists()
