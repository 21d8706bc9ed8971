"""Runs followed in a browser while they run: a local server, for this machine's user alone.

- `build_app(folder, token)` is the server as an ASGI application; `juries view` starts it.
"""

from __future__ import annotations

from juries.view.app import build_app

__all__ = ["build_app"]
