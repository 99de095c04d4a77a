"""What comes with the workbench: a curated sample, a student distilled from such traces, recorded comparisons.

The files lie in ``data/`` of a checkout, and inside the package where it was installed from a wheel.
"""

from __future__ import annotations

from pathlib import Path

from workbench.errors import StorageError

SAMPLE = "curated.jsonl"
"""Some hundred curated traces."""
COMPARISONS = "comparisons"
"""Problems answered by the teacher, the base student, the student and the guided student."""


def shipped(name: str) -> Path:
    """Returns the path of a shipped file or folder.

    Raises:
        StorageError: where the installation lacks it.
    """
    package = Path(__file__).resolve().parent
    # The checkout first: an editable installation has a copy in the package that may be old.
    for folder in (package.parent / "data", package / "data"):
        if (folder / "README.md").exists() and (folder / name).exists():
            return folder / name
    raise StorageError(f"this installation lacks {name} of the workbench's data; install it again")
