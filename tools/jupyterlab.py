"""JupyterLab for a browser to drive: a server of its own, without the user's settings, news or calls to anybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# All cells stay in the page, so that they can be looked for and photographed.
SETTINGS = {"@jupyterlab/notebook-extension/tracker": {"windowingMode": "none", "renderingLayout": "default"}}
DISABLED = (
    "@jupyterlab/apputils-extension:announcements",
    "@jupyterlab/extensionmanager-extension:plugin",
)
FOLDERS = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)
START_S, RUN_S, STOP_S = 90, 300, 30
FINISHED = r"""() => {
  const prompts = [...document.querySelectorAll('.jp-CodeCell .jp-InputPrompt')].map(node => node.textContent);
  return prompts.length > 0 && prompts.every(text => /\[\d+\]/.test(text));
}"""


@contextmanager
def jupyterlab(root: Path, scratch: Path, environment: Mapping[str, str] | None = None) -> Iterator[dict[str, Any]]:
    """Serves a folder of notebooks on 127.0.0.1, behind a token; yields ``url`` and ``token``.

    Args:
        root: the folder.
        scratch: a folder for the server's own files.
        environment: more variables for the server and its kernels.

    Raises:
        RuntimeError: with the end of the server's log, where it does not start.
    """
    folders = {name: scratch / name.lower() for name in FOLDERS}
    for folder in folders.values():
        folder.mkdir(parents=True)
    _configure(folders)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}"]
    command += ["--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--LabApp.extension_manager=readonly"]
    variables = {**os.environ, **{name: str(folder) for name, folder in folders.items()}, **(environment or {})}
    log = scratch / "server.log"
    with log.open("wb") as stream:
        server = subprocess.Popen(command, env=variables, stdout=stream, stderr=stream)
    try:
        yield _started(server, folders["JUPYTER_RUNTIME_DIR"], log)
    finally:
        server.terminate()
        try:
            server.wait(STOP_S)
        except subprocess.TimeoutExpired:  # on a busy machine its kernels take their time; nothing of theirs is kept
            server.kill()
            server.wait()


def _configure(folders: Mapping[str, Path]) -> None:
    for name, values in SETTINGS.items():
        _write_json(folders["JUPYTERLAB_SETTINGS_DIR"] / f"{name}.jupyterlab-settings", values)
    disabled = {"disabledExtensions": dict.fromkeys(DISABLED, True)}
    _write_json(folders["JUPYTER_CONFIG_DIR"] / "labconfig" / "page_config.json", disabled)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def _started(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> dict[str, Any]:
    """Waits for the file in which a running server tells its address and token."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            text = file.read_text(encoding="utf-8")
            if text.endswith("}"):
                found: dict[str, Any] = json.loads(text)
                return found
        time.sleep(0.2)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


def open_notebook(page: Any, server: Mapping[str, Any], name: str) -> None:
    """Opens a notebook of the served folder in a Playwright page, and waits until its kernel is ready."""
    page.goto(f"{server['url']}lab/tree/{name}?token={server['token']}")
    page.locator(".jp-NotebookPanel .jp-CodeCell").first.wait_for(timeout=START_S * 1000)
    # The status bar knows; a command that comes before the kernel opens a dialog instead.
    page.locator("#jp-main-statusbar", has_text="| Idle").wait_for(timeout=START_S * 1000)


def run_all_cells(page: Any, seconds: float = RUN_S) -> None:
    """Runs the open notebook through JupyterLab's own menu, and waits until every cell has been executed."""
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator(".lm-Menu-itemLabel", has_text="Run All Cells").first.click()
    page.wait_for_function(FINISHED, timeout=seconds * 1000)


def move_slider(page: Any, steps: int) -> None:
    """Moves the open notebook's first slider by keyboard."""
    page.locator(".jupyter-widgets .noUi-handle").first.focus()
    for _ in range(steps):
        page.keyboard.press("ArrowRight")


def errors(page: Any) -> list[str]:
    """Returns what the notebook's cells raised."""
    raised: list[str] = page.locator('.jp-OutputArea-output[data-mime-type*="error"]').all_inner_texts()
    return raised
