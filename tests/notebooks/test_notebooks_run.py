"""Every notebook alone, from a fresh kernel, on the cpu profile, offline, in an empty folder."""

from __future__ import annotations

import papermill
import pytest

from tools.notebooks import FOLDER, sources

pytestmark = pytest.mark.slow

FIGURE = "application/vnd.plotly.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"
BROWSERS = {"01_pool", "02_curate", "04_intervene", "06_compare"}
"""Those with something to look through."""
FIGURES = {"02_curate": 3}
"""Those with more than one figure."""
LONGEST_S = 300


@pytest.fixture
def quiet(monkeypatch, tmp_path):
    """Neither the Hub nor the user's own Jupyter has a part in this."""
    for name, value in {"HF_HUB_OFFLINE": "1", "PLOTLY_RENDERER": "plotly_mimetype", "IPYTHONDIR": "ipython"}.items():
        monkeypatch.setenv(name, str(tmp_path / value) if name == "IPYTHONDIR" else value)


@pytest.mark.parametrize("name", [path.stem for path in sources()])
def test_it_runs_alone(name, tmp_path, quiet):
    work = tmp_path / "work"
    work.mkdir()
    done = papermill.execute_notebook(
        str(FOLDER / f"{name}.ipynb"),
        str(tmp_path / "done.ipynb"),
        parameters={"PROFILE": "cpu"},
        cwd=str(work),
        kernel_name="python3",
        progress_bar=False,
        execution_timeout=LONGEST_S,
    )
    outputs = [output for cell in done.cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]
    assert alarming(outputs) == ""
    assert figures(outputs) == FIGURES.get(name, 1)
    assert bool(widgets(outputs)) == (name in BROWSERS)
    assert all("rb-panes" in data["text/html"] or "rb-weights" in data["text/html"] for data in widgets(outputs))
    assert {path.name for path in work.iterdir()} <= {"runs"}


def alarming(outputs: list) -> str:
    """What a reader would see in red, bars of the libraries underneath apart."""
    said = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    return "\n".join(line for line in said.splitlines() if line.strip() and "Loading weights" not in line)


def figures(outputs: list) -> int:
    return sum(bool(output.get("data", {}).get(FIGURE, {}).get("data")) for output in outputs)


def widgets(outputs: list) -> list[dict]:
    return [output.data for output in outputs if WIDGET in output.get("data", {}) and "text/html" in output.data]


@pytest.mark.browser
def test_an_export_that_is_read_offline_shows_the_still_picture(tmp_path, quiet, browser):
    """nbconvert keeps the widget, which needs a script from elsewhere; the picture below it must be seen."""
    import nbformat
    from nbclient import NotebookClient
    from nbconvert import HTMLExporter

    cells = ["import workbench as wb", "wb.browse_traces(wb.sample())"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    page = tmp_path / "page.html"
    page.write_text(HTMLExporter().from_notebook_node(notebook)[0])
    context = browser.new_context(offline=True)
    tab = context.new_page()
    tab.goto(page.as_uri(), wait_until="domcontentloaded")
    assert tab.locator(".rb-panes .pane:visible").count() == 1
    context.close()
