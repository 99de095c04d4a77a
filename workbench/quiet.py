"""Keeps the libraries underneath from talking over the workbench."""

from __future__ import annotations

import os
import warnings


def quiet_libraries() -> None:
    """Leaves standard error to the workbench: no bars or advice from the libraries underneath."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    warnings.filterwarnings("ignore", category=UserWarning, module=r"peft|transformers|torch")
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
