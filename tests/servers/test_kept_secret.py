"""A whole run at a server that echoes its key: the key is in no file, export, page or message."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import urllib.request
from pathlib import Path

from aiohttp import web

from juries.exports.forms import FORMS, ExportSettings, export
from juries.runs import open_run

KEY = "sk-planted-0123456789"


async def command(*arguments: str | Path) -> bytes:
    """All that a command of juries says, what its libraries log included."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "juries", *map(str, arguments),
        env={**os.environ, "PLANTED": KEY, "PYTHONASYNCIODEBUG": "1", "OPENAI_LOG": "debug"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return said


def pages(folder: Path, unpacked) -> dict[str, bytes]:
    """What `juries view` shows of the run `run` in a folder."""
    server = subprocess.Popen(
        [sys.executable, "-m", "juries", "view", str(folder), "--no-open"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PLANTED": KEY, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        found: dict[str, bytes] = {}
        for path in ("", "run/run/", "run/run/events", "run/run/report"):
            with urllib.request.urlopen(address + path, timeout=60) as reply:
                found[path] = unpacked(reply.read()) + str(reply.headers).encode()
        return found
    finally:
        server.terminate()
        server.communicate(timeout=20)


def test_a_key_is_in_no_file_page_or_message_of_a_run(
    server, script, write_study, everything_in, unpacked, tmp_path, monkeypatch
):
    out = tmp_path / "runs" / "run"
    exports = tmp_path / "exports"
    exports.mkdir()

    async def leak(request, victims):
        error = {"error": {"message": f"bad key {request.headers['Authorization']}"}}
        return web.json_response(error, status=400)

    async def leak_in_text(request, victims):
        for choice in victims.choices:
            choice["message"]["content"] = request.headers["Authorization"]
            choice.pop("logprobs", None)
        return web.json_response(victims.reply)

    faults = sys.modules[type(server).__module__].FAULTS
    monkeypatch.setitem(faults, "leak", leak)
    monkeypatch.setitem(faults, "leak in text", leak_in_text)
    server.scripts = [
        script("leak", holds="Question 3?"),
        script("leak in text", holds="Question 5?"),
    ]

    async def whole():
        async with server.running():
            endpoint = {"base_url": server.url, "api_key_env": "PLANTED"}
            mind = {"kind": "llm", "model": "stub", "endpoints": [endpoint], "panel_batch": 0}
            return await command("run", write_study([{"mind": mind, "share": 1}]), "--out", out)

    said = asyncio.run(whole())
    settings = ExportSettings(model="a")
    for name, form in FORMS.items():
        path = exports / (name if form.folder else name + form.suffix)
        export(open_run(out), name, path, settings)
    assert any(headers.get("Authorization") == f"Bearer {KEY}" for headers in server.headers)
    files, exported, shown = everything_in(out), everything_in(exports), pages(out.parent, unpacked)
    # What the search must be able to see: texts that were judged, and what stands for the key.
    assert {"run.json", "scores.json", "report.html", "ledger.sqlite"} <= set(files)
    assert all(b"[key]" in files[name] for name in ("ledger.sqlite", "ratings.parquet"))
    assert all(b"Question 7?" in text for text in (files["report.html"], shown["run/run/report"]))
    assert {re.split(r"[./]", name)[0] for name in exported} == set(FORMS)
    assert b"openai._base_client" in said
    everywhere = {**files, **exported, **shown, "said": said}
    assert [name for name, text in everywhere.items() if KEY.encode() in text] == []
