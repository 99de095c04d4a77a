"""The side-by-side app on its own: ``python apps/compare.py``, or the file that a hosted Space starts."""

from __future__ import annotations

import os

from workbench.views.server import HOST, launch

# A Space runs in a container of its own and is reached from outside it; everywhere else only this computer gets in.
IN_A_SPACE = "SPACE_ID" in os.environ

if __name__ == "__main__":
    launch(host="0.0.0.0" if IN_A_SPACE else HOST, port=7860 if IN_A_SPACE else None)
