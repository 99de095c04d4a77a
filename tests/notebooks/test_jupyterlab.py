"""JupyterLab in a real browser: 02_curate runs, its figure is drawn, and its slider moves what is shown."""

from __future__ import annotations

import time

import pytest

from tools.jupyterlab import errors, jupyterlab, move_slider, open_notebook, run_all_cells
from tools.screenshots import copied_notebooks

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def page(browser):
    """A page that writes down where it goes and what it complains of."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    page.close()


def test_a_notebook_runs_and_its_slider_moves(page, tmp_path):
    root = copied_notebooks(tmp_path)
    with jupyterlab(root, tmp_path / "server", {"HF_HUB_OFFLINE": "1"}) as server:
        assert server["url"].startswith("http://127.0.0.1:")
        assert server["token"]
        open_notebook(page, server, "02_curate.ipynb")
        run_all_cells(page)
        assert errors(page) == []
        assert page.locator(".js-plotly-plot .bars path").count() >= 5

        shown = page.locator(".jupyter-widgets .rb-choice > p").first
        assert shown.inner_text().startswith("Choice 1 of 200")
        assert page.locator('[class^="rb-spare"] .rb-choice:visible').count() == 0
        started = time.monotonic()
        move_slider(page, 3)
        page.wait_for_function("said => document.body.innerText.includes(said)", arg="Choice 4 of 200")
        assert time.monotonic() - started < 5
        assert shown.inner_text().startswith("Choice 4 of 200")

        outside = [url for url in page.asked if not url.startswith((server["url"], "data:", "blob:"))]
        assert (outside, page.complaints) == ([], [])
