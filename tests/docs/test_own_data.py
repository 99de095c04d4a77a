"""The five commands of docs/OWN_DATA.md, executed as printed: only the teacher and the sizes are others."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.cli import Collect, Curate, Distill, Evaluate, Export, Pool, main, parse
from workbench.pool import embedded_pool

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "OWN_DATA.md").read_text(encoding="utf-8")
SMALLER = {"--teacher": "worked", "--holdout": "2", "--size": "16", "--epochs": "1"}


def blocks(heading: str) -> list[str]:
    """The command lines in a section's code blocks."""
    section = TEXT.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)
    return [line for block in found for line in block.splitlines() if line.strip()]


def smaller(command: str) -> list[str]:
    words = shlex.split(command)
    for option, value in SMALLER.items():
        if option in words:
            words[words.index(option) + 1] = value
    return words


def test_there_are_five_commands_and_the_options_exist():
    kinds = [type(parse(shlex.split(command)[1:])) for command in blocks("The five commands")]
    assert kinds == [Collect, Curate, Distill, Evaluate, Export]
    for command in blocks("Other teachers"):
        parse(shlex.split(command)[1:])


def test_the_table_in_the_text_is_read_as_it_says(tmp_path):
    from workbench.records import Problem, read_records

    found = re.search(r"```csv\n(.*?)```", TEXT, re.DOTALL)
    assert found is not None
    (tmp_path / "questions.csv").write_text(found[1])
    problems = list(read_records(tmp_path / "questions.csv", Problem))
    assert [problem.answer for problem in problems] == ["84", "water", None]


def test_options_named_in_the_text_exist():
    named = set(re.findall(r"--[a-z][a-z-]+", TEXT))
    help_texts = {
        option.replace("_", "-")
        for kind in (Collect, Curate, Distill, Evaluate, Export, Pool)
        for option in kind.__dataclass_fields__
    }
    assert {name[2:] for name in named} - help_texts <= {"from", "map"}
    parse(shlex.split("pool --from x --map question=stem --out y"))


def test_the_imports_in_the_text_do_what_it_says(tmp_path, monkeypatch, capsys):
    from workbench.records import Trace, read_records

    monkeypatch.chdir(tmp_path)
    solved = {"question": "2 + 2?", "solution": "First add.\n\nWait, let me check: 4.", "answer": "4"}
    Path("solutions.jsonl").write_text("\n".join([json.dumps(solved), "{broken"]))
    Path("exercises.csv").write_text("stem,key,topic\n3 + 3?,6,sums\n")
    (tmp_path / "archive" / "old").mkdir(parents=True)
    Path("archive/old/a.json").write_text(json.dumps([solved, {"problem": "5?", "solution": "\\\\boxed{5}"}]))
    for command in blocks("Solutions that exist"):
        main(shlex.split(command)[1:])
    said = capsys.readouterr()
    (imported,) = read_records("own/imported.jsonl", Trace)
    assert (imported.teacher, imported.problem.license) == ("my-model", "cc-by-4.0")
    assert [step.role for step in imported.steps][-1] == "check"
    assert Path("own/imported.rejected.jsonl").read_text().count("\n") == 1
    (mapped,) = read_records("own/mapped.jsonl", Trace)
    assert (mapped.problem.question, mapped.answer, mapped.problem.domain) == ("3 + 3?", "6", "sums")
    assert len(list(read_records("own/archive.parquet", Trace))) == 2
    assert "stem -> question" in said.err
    assert "limo" in said.err
    assert "own/imported.rejected.jsonl" in said.out


def write_table(path: Path, count: int) -> None:
    """Questions and answers alone, and an id: what a table keeps of a problem."""
    traces = {trace.problem.question: trace for trace in embedded_pool(count, seed=5)}
    with path.open("w", newline="") as stream:
        rows = [(trace.problem.id, trace.problem.question, trace.problem.answer) for trace in traces.values()]
        csv.writer(stream).writerows([("id", "question", "answer"), *rows])


@pytest.mark.slow
def test_the_five_commands_end_in_a_student_that_plain_transformers_loads(tmp_path):
    write_table(tmp_path / "questions.csv", 60)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # One thread: two that spin slow one another ten-fold as soon as anything else runs.
    environment = {**os.environ, "PATH": path, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    for command in blocks("The five commands"):
        done = subprocess.run(
            smaller(command), cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, f"{command}\n{done.stderr[-2000:]}"
        assert done.stdout.strip(), command
    taught = json.loads((tmp_path / "own" / "student" / "training.json").read_text())
    assert (taught["traces"], taught["teacher"]) == (16, {"worked": 16})
    measured = json.loads((tmp_path / "own" / "evaluation" / "evaluate" / "evaluation.json").read_text())
    assert measured["groups"]["all"]["problems"] == 2
    assert set(measured["groups"]["all"]["accuracy"]) == {"base", "student"}
    assert _answer(tmp_path / "own" / "exported").strip()
    refused = subprocess.run(
        shlex.split("workbench evaluate --student own/student --benchmark own/curated/curated.jsonl --out own/again"),
        cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert refused.returncode == 2
    assert "was taught all 16 problems" in refused.stderr


def _answer(folder: Path) -> str:
    """What a reader does with the exported folder, without the workbench."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    chat = [{"role": "user", "content": "How many legs do 3 dogs and 2 birds have?"}]
    inputs = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    out = model.generate(**inputs, max_new_tokens=12, do_sample=False)
    return tokenizer.decode(out[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
