"""The app as a server on this computer."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench import cli
from workbench.errors import InputError, first_line
from workbench.views.app import STUDENT, build, look, make_desk

if TYPE_CHECKING:
    import gradio as gr

    from workbench.students import Student

HOST = "127.0.0.1"
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'"
)
"""The page may ask its own server and nobody else; Gradio's own scripts need the rest."""


class OnlyThisServer:
    """Wraps a web application so that its pages forbid themselves every other host."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Adds the policy to each answer."""

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                header = (b"content-security-policy", POLICY.encode())
                message = {**message, "headers": [*message["headers"], header]}
            await send(message)

        await self.app(scope, receive, with_policy)


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
        address = _serve(app, server_name=host, server_port=port, share=share)
    except OSError as error:
        raise InputError(f"no port for the app: {first_line(error)}") from error
    desk.start()
    ready(address)
    if block:
        app.block_thread()
    return app


def _serve(app: gr.Blocks, **where: Any) -> str:
    """Starts the server in the background; returns its address."""
    from starlette.middleware import Middleware

    _, local, public = app.launch(
        quiet=True,
        show_error=True,
        prevent_thread_lock=True,
        footer_links=["api"],
        ssr_mode=False,
        pwa=False,
        mcp_server=False,
        max_file_size="1kb",
        app_kwargs={"middleware": [Middleware(OnlyThisServer)]},
        **look(),
        **where,
    )
    return str(public or local)


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
