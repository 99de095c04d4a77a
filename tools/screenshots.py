"""Takes the README's pictures, of real runs: a notebook in JupyterLab, and the app; into ``docs/images``.

``make screenshots`` needs Chromium on the PATH and the embedded student.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

from tools.chromium import chromium
from tools.jupyterlab import jupyterlab, move_slider, open_notebook, run_all_cells
from tools.notebooks import FOLDER, ROOT

IMAGES = ROOT / "docs" / "images"
WIDTH = 1280
CHOICE = 40
"""How far the notebook's slider is moved."""
PROBLEM = "Leg counting"
"""Of the recorded comparisons: the family that the app shows."""
START_S = 120


def main() -> None:
    """Takes both pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with chromium() as browser:
        for name, picture in (("notebook.png", notebook_picture), ("app.png", app_picture)):
            picture(browser, IMAGES / name)
            print(f"{IMAGES / name}: {(IMAGES / name).stat().st_size / 1000:.0f} kB")


def notebook_picture(browser: Any, out: Path) -> None:
    """Runs ``02_curate`` in JupyterLab, moves its slider, and takes a picture from its figure to its widget."""
    with tempfile.TemporaryDirectory() as folder:
        root = copied_notebooks(Path(folder))
        page = browser.new_page(viewport={"width": WIDTH, "height": 1500})
        with jupyterlab(root, Path(folder, "server"), {"HF_HUB_OFFLINE": "1"}) as server:
            open_notebook(page, server, "02_curate.ipynb")
            run_all_cells(page)
            page.keyboard.press("Control+b")  # folds the file browser away
            move_slider(page, CHOICE)
            figure = page.locator(".jp-Cell", has=page.locator(".js-plotly-plot")).first
            figure.evaluate("cell => cell.scrollIntoView()")
            page.wait_for_timeout(1_000)
            page.screenshot(path=out, clip=_down_to(page, ".rb-panes"))
        page.close()


def copied_notebooks(folder: Path) -> Path:
    """Copies the notebooks, so that running them leaves nothing behind."""
    ignored = shutil.ignore_patterns("runs", ".ipynb_checkpoints", "*.py")
    return Path(shutil.copytree(FOLDER, folder / "notebooks", ignore=ignored))


def app_picture(browser: Any, out: Path) -> None:
    """Opens the app on a recorded comparison that shows what distillation did."""
    with app() as address:
        page = browser.new_page(viewport={"width": WIDTH, "height": 1400})
        page.goto(address)
        page.wait_for_selector(".rb-panes .pane")
        page.get_by_text("Student ready").wait_for(timeout=START_S * 1000)
        page.get_by_label("Embedded problem").click()
        page.get_by_role("option").filter(has_text=PROBLEM).first.click()
        page.locator(".asked", has_text="legs").wait_for()
        page.wait_for_timeout(1_000)
        page.screenshot(path=out, clip=_down_to(page, ".rb-panes"))
        page.close()


def _down_to(page: Any, selector: str) -> dict[str, float]:
    """The page from its top to the end of the last element that can be seen."""
    box = page.locator(f"{selector}:visible").last.bounding_box()
    height = min(box["y"] + box["height"] + 24, page.viewport_size["height"])
    return {"x": 0, "y": 0, "width": WIDTH, "height": height}


@contextmanager
def app() -> Iterator[str]:
    """Serves the app on a free port; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/"
    server = subprocess.Popen([sys.executable, "-m", "workbench", "compare", "--port", str(port)])
    try:
        _wait_for(address, server)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urlopen(address).close()  # an address of ours
            return
        except URLError:
            time.sleep(0.5)
    raise RuntimeError(f"the app did not start at {address}")


if __name__ == "__main__":
    main()
