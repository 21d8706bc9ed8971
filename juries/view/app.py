"""The server's pages: the list of runs, one run as it goes on, its report, people's seats."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.routing import Route

from juries.report.needs import require_report
from juries.view.access import Guard
from juries.view.growing import Reports
from juries.view.handing_over import HandingOver
from juries.view.seats import Seats
from juries.view.watching import look, revision, run_folders
from personas.errors import JuriesError

LOOK_EVERY = 0.5
"""Seconds between two looks at a run that is followed."""
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "frame-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)
_FILES = resources.files("juries.view")
_STATIC = {"view.css": "text/css", "view.js": "text/javascript"}


def build_app(root: Path, *, token: str, hosts: frozenset[str]) -> Starlette:
    """The server for the runs below a folder.

    Args:
        root: folder of runs, or of one run.
        token: the first part of every path.
        hosts: names and port under which it may be asked.

    Raises:
        JuriesError: what reports are made with is not installed.
    """
    require_report()
    viewer = Viewer(root)
    base = f"/{token}"
    routes = [
        Route(f"{base}/", viewer.index),
        Route(f"{base}/static/{{file}}", viewer.static),
        Route(f"{base}/run/{{name}}/", viewer.run),
        Route(f"{base}/run/{{name}}/events", viewer.events),
        Route(f"{base}/run/{{name}}/report", viewer.report),
        Route(f"{base}/run/{{name}}/report-items/{{chunk}}", viewer.chunk),
        Route(f"{base}/run/{{name}}/answer/", viewer.seats.listed),
        Route(
            f"{base}/run/{{name}}/answer/{{item:int}}/{{seat:int}}/",
            viewer.seats.form,
            methods=["GET", "POST"],
        ),
    ]

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await viewer.handing_over.close()
        viewer.reports.close()

    guard = Middleware(Guard, token=token, hosts=hosts)
    return Starlette(routes=routes, middleware=[guard], lifespan=lifespan)


class Viewer:
    """What the routes answer with."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.reports = Reports()
        self.handing_over = HandingOver()
        self.seats = Seats(self._folder, self._page, self.handing_over)
        self._templates = Environment(autoescape=True, undefined=StrictUndefined)

    async def index(self, _: Request) -> Response:
        """The list of runs."""
        seen: list[dict[str, object]] = []
        for name, folder in run_folders(self._root):
            with contextlib.suppress(JuriesError):  # a damaged record is no run
                seen.append(await self._look(name, folder))
        return self._page("index.html.j2", runs=seen, root=str(self._root))

    async def run(self, request: Request) -> Response:
        """One run: how far it is, and its report."""
        name, folder = self._folder(request)
        return self._page("run.html.j2", run=await self._look(name, folder))

    async def events(self, request: Request) -> Response:
        """How far a run is, as it changes: server-sent events that end with the run."""
        name, folder = self._folder(request)

        async def stream() -> AsyncIterator[str]:
            before: tuple[object, ...] | None = None
            while not await request.is_disconnected():
                seen = await self._look(name, folder, closely=before is None)
                current = await asyncio.to_thread(revision, folder)
                self.reports.refresh(name, folder, current)
                report = self.reports.number(name)
                if (current, seen["running"], seen["waiting"], report) != before:
                    before = (current, seen["running"], seen["waiting"], report)
                    yield _event("progress", {**seen, "report": report})
                if not seen["running"] and self.reports.is_current(name, folder, current):
                    yield _event("end", {"complete": seen["complete"], "report": report})
                    return
                await asyncio.sleep(LOOK_EVERY)

        return StreamingResponse(stream(), media_type="text/event-stream")

    async def report(self, request: Request) -> Response:
        """The newest report of a run."""
        name, folder = self._folder(request)
        page = self.reports.newest(name, folder)
        if page is None:
            said = self.reports.problem(name) or "The first report is being written."
            return self._page("waiting.html.j2", said=said)
        return FileResponse(page, media_type="text/html")

    async def chunk(self, request: Request) -> Response:
        """Items of a report that is too large for one page."""
        name, folder = self._folder(request)
        file = request.path_params["chunk"]
        page = self.reports.newest(name, folder)
        if page is None or not re.fullmatch(r"\d+\.js", file):
            raise HTTPException(404)
        path = page.with_name("report-items") / file
        if not path.is_file():
            raise HTTPException(404)
        return FileResponse(path, media_type="text/javascript")

    async def static(self, request: Request) -> Response:
        """The style sheet and the script."""
        file = request.path_params["file"]
        if file not in _STATIC:
            raise HTTPException(404)
        return Response((_FILES / file).read_text("utf-8"), media_type=_STATIC[file])

    async def _look(self, name: str, folder: Path, *, closely: bool = False) -> dict[str, object]:
        """How far a run is; one that answers are on their way to runs, or is about to."""
        seen = await asyncio.to_thread(look, name, folder, closely=closely)
        if self.handing_over.busy(name):
            seen = replace(seen, running=True, waiting=0)
        return seen.plain() | {"problem": self.handing_over.problem(name)}

    def _folder(self, request: Request) -> tuple[str, Path]:
        """The run that a path names; only those that are there can be named."""
        name = request.path_params["name"]
        folder = dict(run_folders(self._root)).get(name)
        if folder is None:
            raise HTTPException(404)
        return name, folder

    def _page(self, file: str, status: int = 200, **values: Any) -> Response:
        template = self._templates.from_string((_FILES / file).read_text("utf-8"))
        layout = self._templates.from_string((_FILES / "layout.html.j2").read_text("utf-8"))
        body = Markup(template.render(**values))  # noqa: S704 (escaped by its own template)
        html = layout.render(body=body)
        return HTMLResponse(html, status, headers={"Content-Security-Policy": _POLICY})


def _event(kind: str, data: dict[str, object]) -> str:
    return f"event: {kind}\ndata: {json.dumps(data)}\n\n"
