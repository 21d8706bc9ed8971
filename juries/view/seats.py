"""Pages for people at seats of the jury: who is waited for, and the form of one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from graphs.minds.deliberator import response_name
from graphs.minds.human_forms import HumanForm, SeatForm
from juries.deliberation.people import WaitingList, read_waiting
from juries.run_directory import RunDirectory
from juries.view.forms import AnswerError, Posted, fields, read
from juries.view.handing_over import HandingOver

LARGEST_ANSWER = 200_000
"""Bytes that a posted form may have."""

FindRun = Callable[[Request], tuple[str, Path]]
MakePage = Callable[..., Response]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One seat that is asked about one item now.

    Attributes:
        item: the item's id.
        form: what all seats are asked there.
        seat: what this one is asked.
    """

    item: str
    form: HumanForm
    seat: SeatForm


class Seats:
    """What the routes below `answer/` answer with.

    Args:
        find: the run that a request names.
        page: makes a page of a template.
        handing_over: where answers go.
    """

    def __init__(self, find: FindRun, page: MakePage, handing_over: HandingOver) -> None:
        self._find = find
        self._page = page
        self._handing_over = handing_over

    async def listed(self, request: Request) -> Response:
        """Who is waited for."""
        name, folder = self._find(request)
        waiting = await asyncio.to_thread(read_waiting, RunDirectory(folder))
        return self._page(
            "answer_list.html.j2",
            run=name,
            waiting=waiting.items,
            problem=self._handing_over.problem(name),
            busy=self._handing_over.busy(name),
            sent={
                (one.item, seat.seat)
                for one in waiting.items
                for seat in one.form.seats
                if self._handing_over.has(name, one.item, one.form, seat.seat)
            },
        )

    async def form(self, request: Request) -> Response:
        """The form of one seat, or its answer."""
        name, folder = self._find(request)
        waiting = await asyncio.to_thread(read_waiting, RunDirectory(folder))
        asked = _asked(waiting, request)
        if asked is None or self._on_its_way(name, asked):
            if request.method == "POST":  # sent twice, or after the time for it
                return RedirectResponse("../../", status_code=303)
            return self._page("answer_none.html.j2", status=404 if asked is None else 200)
        if request.method != "POST":
            return self._shown(asked, {}, asked.seat.error)
        posted = await _posted(request)
        try:
            answer = read(asked.form, asked.seat, posted)
        except AnswerError as error:
            return self._shown(asked, posted, str(error), status=422)
        self._handing_over.take(name, folder, asked.item, asked.form, answer)
        return RedirectResponse("../../", status_code=303)

    def _on_its_way(self, run: str, asked: Asked) -> bool:
        return self._handing_over.has(run, asked.item, asked.form, asked.seat.seat)

    def _shown(
        self, asked: Asked, posted: Posted, problem: str | None, *, status: int = 200
    ) -> Response:
        responses = [(response_name(n), text) for n, text in enumerate(asked.form.responses)]
        return self._page(
            "answer_form.html.j2",
            status=status,
            asked=asked,
            responses=responses,
            fields=fields(asked.seat),
            given={name: values[0] for name, values in posted.items() if values},
            problem=problem,
        )


def _asked(waiting: WaitingList, request: Request) -> Asked | None:
    position, seat = int(request.path_params["item"]), int(request.path_params["seat"])
    for one in waiting.items:
        for form in one.form.seats:
            if (one.form.item, form.seat) == (position, seat):
                return Asked(item=one.item, form=one.form, seat=form)
    return None


async def _posted(request: Request) -> Posted:
    """The fields of a form, as browsers send them.

    Raises:
        HTTPException: it is too large, or no form.
    """
    held = bytearray()
    async for part in request.stream():
        held += part
        if len(held) > LARGEST_ANSWER:
            raise HTTPException(413)
    try:
        return parse_qs(held.decode("ascii"), keep_blank_values=True, max_num_fields=2_000)
    except ValueError as error:
        raise HTTPException(400) from error
