"""Comparisons at a server that misbehaves: both orders counted, nothing invented, place found."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import numpy as np
import pytest
import yaml

from graphs.items import Pairwise
from graphs.minds.protocol import RatingTask
from graphs.records import Status
from juries.prompts import item_prompts
from juries.runs import run

JURORS, VICTIM, ITEMS = 6, 2, 5
WAYS = {
    "chosen tokens, in batches": {},
    "structured, singly": {"server": "other", "elicitation": "structured"},
}
WANTED = {
    "400": Status.FAILED,
    "refusal": Status.REFUSED,
    "missing logprobs": Status.UNPARSEABLE,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", WANTED)
def test_a_fault_leaves_one_juror_s_pairs_with_a_status(
    fault, way, server, script, settings, ask, item, panel
):
    options = dict(WAYS[way])
    server.kind = options.pop("server", "vllm")
    server.vocabulary = server.kind == "vllm"
    server.scripts = [script(fault, holds=f"juror-{VICTIM:03d}-", times=10**6)]
    asked = (Pairwise(ties=True),)
    task = RatingTask(item=item, position=7, panel=panel(JURORS), questions=asked, seed=11)

    async def inside():
        async with server.running():
            return await ask(settings(**options), task)

    found = asyncio.run(inside())
    assert server.befallen[fault] > 0
    assert Counter(row.cell for row in found.rows) == {
        (7, one, 1 - one, juror, 0, 0, 0): 1 for one in range(2) for juror in range(JURORS)
    }
    for row in found.rows:
        wanted = WANTED[fault] if row.juror == VICTIM else Status.OK
        assert (row.juror, row.status) == (row.juror, wanted)
        assert (row.rating in {1, 2, 3}) if row.status == Status.OK else row.rating is None


@pytest.fixture
def pairwise_study(tmp_path, server, settings):
    """A study at the server of five items with three responses, for six jurors."""

    def write(**mind):
        items = [
            {"id": f"i{n}", "prompt": f"Question {n}?", "out": {m: f"{m} {n}" for m in "abc"}}
            for n in range(ITEMS)
        ]
        people = [{"id": f"p{n}", "town": f"juror-{n:03d}-town"} for n in range(JURORS)]
        for name, rows in (("items", items), ("people", people)):
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (tmp_path / f"{name}.jsonl").write_text(lines)
        asked = settings(**mind).model_dump(mode="json")
        study = {
            "name": "pairs",
            "items": {"path": "items.jsonl", "id": "id", "prompt": "prompt", "responses": "out"},
            "scale": {"kind": "pairwise", "ties": True},
            "population": {
                "path": "people.jsonl",
                "format": "table",
                "columns": {"id": "id", "attributes": ["town"]},
            },
            "scores": {"resamples": 100, "welfare": ["power:1"]},
            "mind": asked,
        }
        path = tmp_path / "study.yaml"
        path.write_text(yaml.safe_dump(study))
        return path

    return write


def test_a_server_that_likes_the_first_place_moves_no_score(
    server, script, pairwise_study, tmp_path
):
    """It puts 0.6 on A, 0.2 on each of B and C, whatever stands there; one juror is refused."""
    server.weights = lambda _, size: [0.6] + [0.4 / (size - 1)] * (size - 1)
    server.scripts = [script("refusal", holds=f"juror-{VICTIM:03d}-", times=10**6)]

    async def whole():
        async with server.running():
            path = pairwise_study()
            return await asyncio.to_thread(run, path, out=tmp_path / "run")

    result = asyncio.run(whole())
    pairs = ITEMS * 6
    assert result.record.questions == result.record.recorded == pairs * JURORS
    (asking,) = result.record.asking
    assert asking["usage"]["calls"] == asking["estimate"]["calls"] == pairs * JURORS
    assert Counter(result.ratings["status"]) == {"ok": pairs * (JURORS - 1), "refused": pairs}
    utilities = result.gather().verdicts.overall()
    seat = [juror.id for juror in result.gather().jurors].index(
        result.ratings.filter(result.ratings["status"] == "refused")["juror_id"][0]
    )
    assert np.isnan(utilities[:, :, seat]).all()
    np.testing.assert_allclose(np.delete(utilities, seat, axis=2), 0.5, atol=1e-6)
    rows = {row.check: row for row in result.scores().validity}
    assert rows["preference for the first shown"].value == pytest.approx(0.7, abs=1e-6)
    assert rows["valid answers"].value == pytest.approx(5 / 6)
    prompts = item_prompts(result.directory, "i0")
    assert (len(prompts.sent), prompts.missing) == (6 * JURORS, 0)
    assert len({prompt.about for prompt in prompts.sent}) == 6
