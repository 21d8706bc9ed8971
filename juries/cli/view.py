"""`juries view`: runs in a browser, followed while they run."""

from __future__ import annotations

import secrets
import socket
from contextlib import closing
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from personas.errors import InputError, JuriesError

_LOOPBACK = "127.0.0.1"


def view(
    runs: Annotated[
        Path, typer.Argument(metavar="RUNS_DIR", help="Folder of runs, or of one run.")
    ] = Path("runs"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 0,
    host: Annotated[
        str, typer.Option(help="Interface to listen on; others than loopback are your decision.")
    ] = _LOOPBACK,
    browse: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the page in a browser.")
    ] = True,
) -> None:
    """Look at runs in a browser, and follow those that are running.

    Only this machine can ask, and only by the address printed, which holds a token.
    """
    if not all(find_spec(name) for name in ("starlette", "uvicorn")):
        raise JuriesError(
            "The live view needs starlette and uvicorn. Install them: pip install 'juries[view]'"
        )
    if not runs.is_dir():
        raise InputError(
            "there is no such folder", where=runs, hint="Name the folder of your runs."
        )
    import uvicorn

    from juries.view import build_app

    token = secrets.token_urlsafe(24)
    with closing(_listen(host, port)) as listener:
        bound = listener.getsockname()[1]
        names = {host, _LOOPBACK, "localhost"} if host == _LOOPBACK else {host}
        hosts = frozenset(f"{name}:{bound}" for name in names)
        address = f"http://{host}:{bound}/{token}/"
        app = build_app(runs, token=token, hosts=hosts)
        typer.echo(address)
        typer.echo("Ctrl-C stops it.", err=True)
        if browse:
            typer.launch(address)
        config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False)
        config.timeout_graceful_shutdown = 1
        uvicorn.Server(config).run(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # who asks before the server is up waits, and is not refused
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen here ({error.strerror})", where=f"{host}:{port}",
            hint="Choose another --port.",
        ) from None  # fmt: skip
    return listener
