"""Keeps the notebooks in step: each ``.py`` (py:percent) is the source, its ``.ipynb`` is made from it.

``python -m tools.notebooks`` writes badge and install cell from the repository's address in
``pyproject.toml``, the only place that names it, and strips outputs; ``--check`` only says what is stale.
"""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

import jupytext
import nbformat

from workbench.files import write_text

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
PACKAGE = "reasonbridge-workbench"
GPU_NOTEBOOKS = ("03_distill",)
"""Those that train, and want Unsloth where there is a GPU."""
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
# Neither a version nor a time in the text: equal cells give equal bytes.
FILTERS = {"notebook_metadata_filter": "-all", "cell_metadata_filter": "tags,-all"}


def sources(folder: Path = FOLDER) -> list[Path]:
    """Returns the notebooks' sources in order."""
    return sorted(folder.glob("[0-9][0-9]_*.py"))


def repository(project: Path = ROOT / "pyproject.toml") -> str:
    """Returns the address of the repository."""
    address: str = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    return address.rstrip("/")


def badge(name: str, address: str) -> str:
    """Returns the cell that opens a notebook on Colab; its picture lies beside it, so that nothing is fetched."""
    path = address.removeprefix("https://github.com/")
    url = f"https://colab.research.google.com/github/{path}/blob/main/notebooks/{name}.ipynb"
    return f"[![Open in Colab](open-in-colab.svg)]({url})"


def install(name: str, address: str) -> str:
    """Returns the cell that installs the workbench where the notebook runs on Colab."""
    extra, gpu = "", []
    if name in GPU_NOTEBOOKS:
        extra, gpu = "{extra}", ['    extra = "[unsloth]" if shutil.which("nvidia-smi") else ""']
    lines = [
        "# Acts on Colab only. torch, torchvision and numpy stay as Colab has them: named by their exact versions, pip",
        "# cannot exchange them under the running kernel, so nothing has to be restarted.",
        *(["import shutil"] if gpu else []),
        "import sys",
        "from importlib.metadata import version",
        "",
        'if "google.colab" in sys.modules:',
        '    kept = " ".join(f"{name}=={version(name)}" for name in ("torch", "torchvision", "numpy"))',
        *gpu,
        f'    %pip install --quiet {{kept}} "{PACKAGE}{extra} @ git+{address}"',
    ]
    return "\n".join(lines)


def built(source: Path, address: str) -> dict[Path, str]:
    """Returns what both files of a notebook should hold.

    Raises:
        ValueError: where the source lacks a cell that is made here.
    """
    notebook: Any = jupytext.reads(source.read_text(encoding="utf-8"), fmt="py:percent")
    _fill(notebook, "badge", badge(source.stem, address))
    _fill(notebook, "install", install(source.stem, address))
    notebook.metadata = nbformat.from_dict({"jupytext": FILTERS})
    text = jupytext.writes(notebook, fmt="py:percent")
    return {source: text, source.with_suffix(".ipynb"): _stripped(notebook, source.stem)}


def _fill(notebook: Any, tag: str, text: str) -> None:
    cells = [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise ValueError(f"there must be one cell tagged {tag!r}, not {len(cells)}")
    cells[0].source = text


def _stripped(notebook: Any, name: str) -> str:
    """The notebook without outputs, counts and widgets, its cells numbered instead of named at random."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for place, cell in enumerate(notebook.cells):
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        cell.id = f"{name}-{place:02d}"
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    text: str = nbformat.writes(notebook, indent=1)
    return text + "\n"


def stale(folder: Path = FOLDER, project: Path = ROOT / "pyproject.toml") -> dict[Path, str]:
    """Returns the files that are not what they should be, with what they should hold."""
    address = repository(project)
    wanted = {path: text for source in sources(folder) for path, text in built(source, address).items()}
    return {p: text for p, text in wanted.items() if not p.exists() or p.read_text(encoding="utf-8") != text}


def main() -> None:
    """Writes what is stale, or with ``--check`` names it and fails."""
    found = stale()
    for path, text in found.items():
        print(path.relative_to(ROOT))
        if "--check" not in sys.argv:
            write_text(path, text)
    if found and "--check" in sys.argv:
        raise SystemExit("out of step; run: make notebooks")


if __name__ == "__main__":
    main()
