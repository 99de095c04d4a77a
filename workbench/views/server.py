"""The app as a server on this computer."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import cli
from workbench.errors import InputError, first_line
from workbench.views.app import STUDENT, build, look, make_desk

if TYPE_CHECKING:
    import gradio as gr

    from workbench.students import Student

HOST = "127.0.0.1"


def launch(
    student: Student | str = STUDENT,
    recorded: Path | str | None = None,
    *,
    port: int | None = None,
    share: bool = False,
    host: str = HOST,
    ready: Callable[[str], None] = print,
    block: bool = True,
) -> gr.Blocks:
    """Serves the app; the student loads once the page is up.

    Args:
        student: as for `compare_app`.
        recorded: as for `compare_app`.
        port: by default the first free one from 7860 on.
        share: True opens a tunnel to Gradio's servers, for everybody who knows its address.
        host: the address to bind; others than 127.0.0.1 let other computers in.
        ready: is told the page's address.
        block: False returns while the server runs in the background.

    Raises:
        InputError: where the port is busy.
        WorkbenchError: where ``recorded`` cannot be read.
    """
    if port is not None:
        _check_port(host, port)
    desk = make_desk(student, recorded)
    app = build(desk)
    try:
        _, local, public = app.launch(
            server_name=host,
            server_port=port,
            share=share,
            quiet=True,
            show_error=True,
            prevent_thread_lock=True,
            footer_links=["api"],
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            max_file_size="1kb",
            **look(),
        )
    except OSError as error:
        raise InputError(f"no port for the app: {first_line(error)}") from error
    desk.start()
    ready(public or local)
    if block:
        app.block_thread()
    return app


def _check_port(host: str, port: int) -> None:
    """Before Gradio is imported, which takes seconds."""
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except (OSError, OverflowError) as error:
        raise InputError(f"port {port} cannot be used ({first_line(error)}); choose another --port, or none") from error


def compare(options: cli.Compare) -> None:
    """Serves the app until it is stopped with Ctrl-C."""

    def ready(url: str) -> None:
        lines = [f"The app is open at {url}", "Ctrl-C ends it."]
        cli.show({"url": url}, as_json=options.json, lines=lines)
        sys.stdout.flush()

    launch(options.student, options.recorded, port=options.port, share=options.share, ready=ready)
