"""A planted key reaches the server, and no row, log, error or picture of an object."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import traceback

import pytest

from graphs.items import Likert, questions
from graphs.llm.settings import EndpointSettings
from graphs.minds.llm import open_llm_mind
from graphs.minds.protocol import RatingTask
from personas.errors import JuriesError

KEY = "sk-planted-0123456789"


@pytest.fixture
def keyed(server, settings, monkeypatch):
    """Settings that name the key, for the running server."""
    monkeypatch.setenv("PLANTED", KEY)
    return lambda **more: settings(
        endpoints=(EndpointSettings(base_url=server.url, api_key_env="PLANTED"),), **more
    )


def _task(item, panel):
    likert = Likert(question="How good?", points=("bad", "fair", "good"))
    return RatingTask(item=item, position=0, panel=panel, questions=questions(likert), seed=1)


def _echo(server):
    """Let the server put the key it was sent into whatever it says."""
    from aiohttp import web

    async def leak(request, victims):
        error = {"error": {"message": f"bad key {request.headers['Authorization']}"}}
        return web.json_response(error, status=400)

    async def leak_in_text(request, victims):
        for choice in victims.choices:
            choice["message"]["content"] = request.headers["Authorization"]
            choice.pop("logprobs", None)
        return web.json_response(victims.reply)

    return leak, leak_in_text


def test_the_key_is_sent_and_written_nowhere(
    server, script, keyed, ask, item, panel, caplog, monkeypatch
):
    leak, leak_in_text = _echo(server)
    caplog.set_level(logging.DEBUG)

    async def run():
        faults = sys.modules[type(server).__module__].FAULTS
        monkeypatch.setitem(faults, "leak", leak)
        monkeypatch.setitem(faults, "leak in text", leak_in_text)
        server.scripts = [
            script("leak", holds="juror-001-"), script("leak in text", holds="juror-002-")
        ]  # fmt: skip
        async with server.running():
            settings = keyed(panel_batch=0)
            asked = await ask(settings, _task(item, panel(4)))
            return asked, settings, await asked.mind.report()

    asked, settings, report = asyncio.run(run())
    assert any(headers.get("Authorization") == f"Bearer {KEY}" for headers in server.headers)
    statuses = {row.juror: row.status for row in asked.rows}
    assert statuses == {0: "ok", 1: "failed", 2: "unparseable", 3: "ok"}
    session = asked.mind.session
    said = [
        repr(asked.rows), repr(asked.calls), json.dumps(report), repr(settings), caplog.text,
        settings.model_dump_json(), json.dumps(settings.identity()), repr(session.client.endpoints),
        repr(vars(session)), repr(session.client.endpoints[0].__dict__),
    ]  # fmt: skip
    assert [text for text in said if KEY in text] == []
    assert any("[key]" in text for text in said)


def test_errors_do_not_hold_the_key(server, keyed, monkeypatch):
    from aiohttp import web

    async def denied(request):
        said = f"wrong key {request.headers['Authorization']}"
        return web.json_response({"error": {"message": said}}, status=401)

    async def run():
        monkeypatch.setattr(server, "_models", denied)
        async with server.running(), open_llm_mind(keyed(), position=0, seed=1):
            pass

    with pytest.raises(JuriesError) as caught:
        asyncio.run(run())
    text = "".join(traceback.format_exception(caught.value))
    assert "wrong key Bearer [key]" in text
    assert KEY not in text


def test_without_a_key_none_is_taken_from_the_environment(
    server, settings, ask, item, panel, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org-planted")

    async def run():
        async with server.running():
            await ask(settings(), _task(item, panel(2)))

    asyncio.run(run())
    assert all(KEY not in json.dumps(headers) for headers in server.headers)
    assert all("org-planted" not in json.dumps(headers) for headers in server.headers)
