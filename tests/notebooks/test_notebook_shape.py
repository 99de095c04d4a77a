"""The notebooks as they lie in the repository: short cells, no logic of their own, nothing left from a run."""

from __future__ import annotations

import ast
import re
import shutil
import statistics

import nbformat
import pytest

from tools.notebooks import FOLDER, GPU_NOTEBOOKS, built, install, repository, sources, stale

NAMES = ["00_setup", "01_pool", "02_curate", "03_distill", "04_intervene", "05_evaluate", "06_compare"]
MOST_LINES, MEDIAN_LINES = 15, 6


def load(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code(name: str) -> list[str]:
    return [cell.source for cell in load(name).cells if cell.cell_type == "code"]


def parsed(source: str) -> ast.Module:
    """A cell as Python, its magics as ``pass``."""
    return ast.parse(re.sub(r"^( *)%.*$", r"\1pass", source, flags=re.MULTILINE))


def tagged(name: str, tag: str) -> nbformat.NotebookNode:
    (cell,) = [cell for cell in load(name).cells if tag in cell.metadata.get("tags", [])]
    return cell


def test_there_are_seven_and_each_has_its_source():
    assert [path.stem for path in sources()] == NAMES
    assert sorted(path.stem for path in FOLDER.glob("*.ipynb")) == NAMES


def test_nothing_is_out_of_step():
    assert not stale(), "run: make notebooks"


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_short_and_hold_no_logic(name):
    lengths = [len(source.splitlines()) for source in code(name)]
    assert max(lengths) <= MOST_LINES
    assert statistics.median(lengths) <= MEDIAN_LINES
    for source in code(name):
        kinds = {type(node) for node in ast.walk(parsed(source))}
        assert not kinds & {ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda}, source


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_from_a_run(name):
    notebook = load(name)
    nbformat.validate(notebook)
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    for cell in notebook.cells:
        assert set(cell.metadata) <= {"tags"}
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None)


@pytest.mark.parametrize("name", NAMES)
def test_it_begins_with_goals_badge_install_parameters_and_preflight(name):
    notebook = load(name)
    tags = [tag for cell in notebook.cells for tag in cell.metadata.get("tags", [])]
    assert tags == ["badge", "install", "parameters", "preflight"]
    opening = notebook.cells[0].source
    assert opening.startswith(f"# {int(name[:2])} · ")
    assert len(re.findall(r"^- ", opening.split("**You will**")[1], re.MULTILINE)) == 3
    assert tagged(name, "parameters").source.startswith('PROFILE = "cpu"')
    assert "wb.doctor(PROFILE)" in tagged(name, "preflight").source


@pytest.mark.parametrize("name", NAMES)
def test_it_ends_with_exercises_and_the_way_on(name):
    ending = load(name).cells[-1].source
    assert 2 <= len(re.findall(r"^\d\. ", ending.split("## Try this")[1], re.MULTILINE)) <= 3
    last = NAMES.index(name) == len(NAMES) - 1
    assert ("../docs/OWN_DATA.md" if last else f"({NAMES[NAMES.index(name) + 1]}.ipynb)") in ending


@pytest.mark.parametrize("name", NAMES)
def test_code_is_explained_in_between(name):
    cells = load(name).cells
    after_code = 0
    for cell in cells:
        after_code = after_code + 1 if cell.cell_type == "code" and not cell.metadata.get("tags") else 0
        assert after_code <= 2, cell.source
    assert sum(cell.cell_type == "markdown" for cell in cells) >= 6


@pytest.mark.parametrize("name", NAMES)
def test_files_are_written_below_runs_alone(name):
    for path in re.findall(r'(?:out=|Path\(|write_records\()"([^"]+)"', "\n".join(code(name))):
        assert path.startswith("runs/notebook/")


def test_the_repository_is_named_in_one_place():
    address = repository()
    for name in NAMES:
        cells = load(name).cells
        named = [cell for cell in cells if "github" in cell.source]
        assert [cell.metadata.tags for cell in named] == [["badge"], ["install"]]
        assert f"git+{address}" in tagged(name, "install").source
        path = f"{address.removeprefix('https://github.com/')}/blob/main/notebooks/{name}.ipynb"
        assert f"](https://colab.research.google.com/github/{path})" in tagged(name, "badge").source
    assert (FOLDER / "open-in-colab.svg").exists()


def test_another_repository_reaches_every_notebook(tmp_path):
    folder = tmp_path / "notebooks"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("runs", ".ipynb_checkpoints"))
    project = tmp_path / "pyproject.toml"
    project.write_text('[project.urls]\nRepository = "https://github.com/somebody/fork/"\n')
    changed = stale(folder, project)
    assert len(changed) == 2 * len(NAMES)
    for text in changed.values():
        assert "github/somebody/fork/blob/main/" in text
        assert "git+https://github.com/somebody/fork" in text


def test_the_check_finds_a_run_a_changed_cell_and_a_missing_one(tmp_path):
    folder = tmp_path / "notebooks"
    shutil.copytree(FOLDER, folder, ignore=shutil.ignore_patterns("runs", ".ipynb_checkpoints"))
    notebook = load("00_setup")
    next(cell for cell in notebook.cells if cell.cell_type == "code").execution_count = 1
    nbformat.write(notebook, folder / "00_setup.ipynb")
    source = folder / "01_pool.py"
    source.write_text(source.read_text().replace("SIZE = 600", "SIZE = 601"))
    (folder / "02_curate.ipynb").unlink()
    assert {path.name for path in stale(folder)} == {"00_setup.ipynb", "01_pool.ipynb", "02_curate.ipynb"}
    source.write_text("# %%\nprint(1)\n")
    with pytest.raises(ValueError, match="one cell tagged 'badge'"):
        built(source, repository())


@pytest.mark.parametrize("name", ["00_setup", GPU_NOTEBOOKS[0]])
@pytest.mark.parametrize("gpu", [False, True])
def test_the_install_cell_keeps_what_colab_has_loaded(name, gpu, monkeypatch):
    """The cell is run as it stands, with the magic's line caught instead of given to pip."""
    import importlib.metadata
    import sys

    lines = [line.replace("%pip install", "asked = f'''pip install") for line in install(name, "URL").splitlines()]
    lines[-1] += "'''"
    run = compile("\n".join(lines), name, "exec")
    space: dict[str, object] = {}
    exec(run, space)
    assert "asked" not in space  # nothing happens outside Colab

    monkeypatch.setitem(sys.modules, "google.colab", object())
    monkeypatch.setattr(
        importlib.metadata, "version", {"torch": "2.9.0+cu126", "torchvision": "0.24", "numpy": "2.0.2"}.get
    )
    monkeypatch.setattr(shutil, "which", lambda command: "/usr/bin/nvidia-smi" if gpu else None)
    exec(run, space)
    extra = "[unsloth]" if gpu and name in GPU_NOTEBOOKS else ""
    assert space["asked"] == (
        "pip install --quiet torch==2.9.0+cu126 torchvision==0.24 numpy==2.0.2 "
        f'"reasonbridge-workbench{extra} @ git+URL"'
    )
