"""What reaches the server when a jury talks: whole rounds, and prompts that grow at their end."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from graphs.deliberation.build import deliberation_graph
from graphs.deliberation.context import DeliberationContext, TalkingBench
from graphs.deliberation.plan import check_deliberation
from graphs.deliberation.spec import Deliberation
from graphs.items import Likert, questions
from graphs.ledger import open_ledger
from graphs.minds.llm import open_llm_mind
from graphs.records import Statement

LIKERT = questions(
    Likert(question="How good is it?", points=("bad", "poor", "fair", "good", "best"))
)
SEATS = 12


def deliberate(server, settings, panel, item, folder: Path, **section: Any) -> list[Statement]:
    """One item before twelve jurors, with a server that answers slowly."""
    seated, spec = panel(SEATS), Deliberation(control=0, **section)

    async def go() -> list[Statement]:
        async with server.running():
            server.delay = 0.2
            ledger = open_ledger(folder / "ledger.sqlite", fingerprint="x", ids={})
            async with open_llm_mind(settings(), position=0, seed=1) as mind:
                context = DeliberationContext(
                    items=(item,),
                    benches=(TalkingBench(mind=mind, panel=seated),),
                    questions=LIKERT,
                    plan=check_deliberation(
                        spec, jurors=seated.jurors, questions=LIKERT, most_responses=2, seed=1
                    ),
                    ledger=ledger,
                    seed=1,
                )
                async with ledger.committing():
                    await deliberation_graph(spec.protocol.kind).ainvoke(
                        {"item": 0}, context=context
                    )
            rows = ledger.of_item(Statement, 0)
            ledger.close()
            return rows

    return asyncio.run(go())


def conversations(server) -> list[list[dict[str, str]]]:
    """Everything sent, conversations that travelled together taken apart."""
    found: list[list[dict[str, str]]] = []
    for body in server.requests:
        messages = body["messages"]
        found += messages if isinstance(messages[0], list) else [messages]
    return found


@pytest.mark.parametrize("batch", [0, 64])
def test_all_turns_of_a_round_are_at_the_server_together(
    server, settings, panel, item, tmp_path, batch
) -> None:
    deliberate(
        server, lambda: settings(panel_batch=batch), panel, item, tmp_path,
        protocol="discussion", rounds=2,
    )  # fmt: skip
    turns = [body for body in server.requests if "Round 1" in json.dumps(body["messages"])]
    assert turns
    if batch:
        # ballots travel as one request a response; statements are seeded, and so go one by one
        together = [
            body
            for body in server.requests
            if isinstance(body["messages"][0], list) and "juror-" in json.dumps(body)
        ]
        assert {len(body["messages"]) for body in together} == {SEATS}
    assert server.most_in_flight == SEATS


def test_prompts_grow_at_their_end_only(server, settings, panel, item, tmp_path) -> None:
    rows = deliberate(
        server, lambda: settings(panel_batch=0), panel, item, tmp_path,
        protocol="discussion", rounds=3,
    )  # fmt: skip
    assert len([row for row in rows if row.kind == "statement"]) == 3 * SEATS
    by_juror: dict[str, list[str]] = defaultdict(list)
    for messages in conversations(server):
        said = "".join(f"<{message['role']}>{message['content']}" for message in messages)
        for name in (f"You are juror-{n:03d}-" for n in range(SEATS)):
            if name in said:  # not when the server is tried out
                by_juror[name].append(said)
    assert len(by_juror) == SEATS
    for sent in by_juror.values():
        asked = [text for text in sent if text.endswith("without a heading or quotation marks.")]
        assert len(asked) == 3
        # What a juror was sent in a round stands whole at the start of all they are sent later.
        for before, after in zip(asked, [*asked[1:], sent[-1]], strict=True):
            assert after.startswith(before)
            assert len(after) > len(before)
        assert sent[-2].startswith(asked[-1])
