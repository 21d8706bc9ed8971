"""Who may look: whoever has the token, from a page of this server, by its own name.

A page on the web can make a browser send requests to 127.0.0.1. The token keeps it from knowing
where to; the Host check keeps it from pointing a name of its own here (DNS rebinding); the Origin
check keeps it from sending anything even so. Nothing can be sent but the answer of a person at a
seat of the jury, and that only by a page of this server.
"""

from __future__ import annotations

import re
import secrets

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
}
"""On every answer: the token is in the address, so the address must not leave this page."""

_FORM = re.compile(r"/[^/]+/run/[^/]+/answer/\d+/\d+/")
"""Paths to which something may be sent."""


class Guard:
    """Lets only requests through that hold the token and come from where they should.

    Args:
        app: what is guarded.
        token: the first part of every path.
        hosts: names and port under which the server may be asked, such as `127.0.0.1:8765`.
    """

    def __init__(self, app: ASGIApp, token: str, hosts: frozenset[str]) -> None:
        self._app = app
        self._token = token
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or refuse."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(Headers(scope=scope), scope["path"], scope["method"])
        answer: ASGIApp = self._app if refusal is None else refusal
        await answer(scope, receive, send_guarded)

    def _refusal(self, headers: Headers, path: str, method: str) -> PlainTextResponse | None:
        if headers.get("host") not in self._hosts:
            return PlainTextResponse("Ask by the address that was printed.", status_code=421)
        origin = headers.get("origin")
        sends = method not in ("GET", "HEAD")
        if sends and not (method == "POST" and _FORM.fullmatch(path)):
            return PlainTextResponse("This server is read-only.", status_code=405)
        named = origin is not None or sends  # who sends must say from where
        if named and origin not in {f"http://{host}" for host in self._hosts}:
            return PlainTextResponse("Not from another page.", status_code=403)
        if headers.get("sec-fetch-site") == "cross-site":
            return PlainTextResponse("Not from another page.", status_code=403)
        given = path.split("/")[1] if path.count("/") > 1 else ""
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            return PlainTextResponse("The address lacks its token.", status_code=404)
        return None
