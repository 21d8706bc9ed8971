"""`juries sensitivity` over what only language models read: portraits and layouts."""

from __future__ import annotations

import asyncio
import json
import threading

import yaml

import juries
from juries.sensitivity import Options, sensitivity


def _served(server):
    """Run the server in a thread of its own; returns how to stop it."""
    loop = asyncio.new_event_loop()
    started, done = threading.Event(), asyncio.Event()

    async def serve():
        async with server.running():
            started.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert started.wait(10)

    def stop():
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()

    return stop


def _study(folder, server):
    rows = [
        {"id": f"i{n}", "prompt": f"prompt {n}", "responses": {"ash": f"a {n}", "birch": f"b {n}"}}
        for n in range(3)
    ]
    (folder / "items.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    people = "\n".join(f"p{n},{20 + n},{'left' if n % 2 else 'right'}" for n in range(6))
    (folder / "people.csv").write_text(f"id,age,side\n{people}\n")
    study = {
        "name": "variants",
        "items": {"path": "items.jsonl", "id": "id"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
        "population": {"path": "people.csv", "columns": {"id": "id"}},
        "mind": {"kind": "llm", "model": server.model, "endpoints": [{"base_url": server.url}]},
        "baselines": {"share": 0},
        "scores": {"resamples": 100, "welfare": ["power:1"]},
    }
    (folder / "study.yaml").write_text(yaml.safe_dump(study))
    return folder / "study.yaml"


def test_portraits_and_layouts_are_put_to_the_same_jurors(make_server, tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")
    server = make_server()
    stop = _served(server)
    try:
        path, out = _study(tmp_path, server), tmp_path / "run"
        found = sensitivity(path, over=["portrait", "layout"], options=Options(out=out))
    finally:
        stop()
    names = [variant.name for variant in found.variants]
    assert names == [
        "as written", "portrait=prose", "portrait=interview", "layout=persona-first"
    ]  # fmt: skip
    assert not found.skipped
    assert {each.conclusion for each in found.conclusions} == {"best model", "ash > birch"}
    written = juries.open_run(out)
    portraits = {written.directory.read_jury()[0].portrait}
    for name in names[1:]:
        run = juries.open_run(out / "sensitivity" / name)
        assert run.record.recorded == 3 * 2 * 6
        jury = run.directory.read_jury()
        assert [j.persona.id for j in jury] == [j.persona.id for j in written.directory.read_jury()]
        portraits.add(jury[0].portrait)
        assert run.record.fingerprint != written.record.fingerprint
    assert len(portraits) == 3  # list, prose, interview; the layout changes none of them
