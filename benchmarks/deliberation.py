"""Deliberation: turns a CPU second on the embedded mind, what checkpoints cost, what caches save.

    python benchmarks/deliberation.py
    python benchmarks/deliberation.py --base-url http://localhost:8000/v1 --model NAME

A juror-turn is one juror's part in one round of talk: a statement, and with it the running vote.
Items are in flight as in a run. Each figure is the median of five, all in one process; CPU is of
all threads, the ledger's included.
With a server it also counts, round by round, which share of prompt tokens came from its cache.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from graphs.deliberation.build import compile_graph
from graphs.deliberation.context import DeliberationContext, TalkingBench
from graphs.deliberation.plan import check_deliberation
from graphs.deliberation.spec import Deliberation
from graphs.deliberation.threads import Threads, open_saver
from graphs.items import Item, Likert, Response, questions
from graphs.ledger import open_ledger
from graphs.llm.settings import EndpointSettings, LlmSettings
from graphs.minds.deliberator import Deliberator
from graphs.minds.llm import open_llm_mind
from graphs.minds.psychometric import PsychometricMind
from graphs.panel import Juror, Panel
from juries.executors.local import LocalExecutor
from juries.executors.options import RunOptions
from personas.persona import Persona

ROUNDS, SEATS, REPEATS = 3, 12, 5
SCALE = Likert(question="How good?", points=("very bad", "bad", "fair", "good", "very good"))
LONG = "Some people find it fair, since those who gained most can give most; others fear for jobs. "
SHORT = "It must be raised, and every objection is nonsense. "


def jurors(portrait: str = "") -> tuple[Juror, ...]:
    return tuple(
        Juror(
            position=seat,
            id=f"juror-{seat}",
            persona=Persona(attributes={"seat": seat}),
            weight=1 / SEATS,
            mind="benchmark",
            portrait=f"You have sat on chair {seat} for years. {portrait}",
        )
        for seat in range(SEATS)
    )


def items(count: int, length: int = 3) -> tuple[Item, ...]:
    return tuple(
        Item(
            id=f"item-{n}",
            prompt=f"Should tax {n} be raised?",
            responses=(
                Response(model="long", text=f"{n}: " + LONG * length),
                Response(model="short", text=f"{n}: " + SHORT * length),
            ),
        )
        for n in range(count)
    )


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU seconds, and bytes of the checkpoints."""

    cpu: float
    checkpoints: int = 0


async def deliberate(
    mind: Deliberator,
    judged: tuple[Item, ...],
    folder: Path,
    *,
    saved: bool = False,
    portrait: str = "",
    spec: Deliberation,
) -> Cost:
    """Every item once, with the ledger on, and with checkpoints if `saved`."""
    seated, asked = jurors(portrait), questions(SCALE)
    plan = check_deliberation(spec, jurors=seated, questions=asked, most_responses=2, seed=1)
    ledger = open_ledger(
        folder / "ledger.sqlite", fingerprint="benchmark", ids={"item": [i.id for i in judged]}
    )
    if hasattr(mind, "record_calls"):
        mind.record_calls(ledger.add)
    context = DeliberationContext(
        items=judged,
        benches=(TalkingBench(mind=mind, panel=Panel(seated)),),
        questions=asked,
        plan=plan,
        ledger=ledger,
        seed=1,
    )
    async with open_saver(folder / "checkpoints.sqlite") as saver:
        graph = compile_graph(spec.protocol.kind, saver if saved else None)
        threads = Threads(graph=graph, name="benchmark") if saved else None
        executor = LocalExecutor(threads=threads)
        start = time.process_time()
        async with ledger.committing():
            await executor.ask(range(len(judged)), context, RunOptions())
        cpu = time.process_time() - start
    ledger.close()
    size = sum(file.stat().st_size for file in folder.glob("checkpoints.sqlite*"))  # noqa: ASYNC240 (at the end)
    return Cost(cpu=cpu, checkpoints=size if saved else 0)


def speed(count: int) -> None:
    """Turns a CPU second, and what checkpoints add to a turn; runs alternate."""
    judged, spec = items(count), Deliberation(rounds=ROUNDS, control=0)
    plain: list[Cost] = []
    saved: list[Cost] = []
    for repeat in range(REPEATS + 1):
        for costs, on in ((plain, False), (saved, True)):
            with tempfile.TemporaryDirectory() as folder:
                work = deliberate(PsychometricMind(), judged, Path(folder), saved=on, spec=spec)
                cost = asyncio.run(work)
            if repeat:  # the first round warms up
                costs.append(cost)
    turns = count * ROUNDS * SEATS
    median = statistics.median(cost.cpu for cost in plain)
    added = statistics.median(b.cpu - a.cpu for a, b in zip(plain, saved, strict=True))
    size = statistics.median(cost.checkpoints for cost in saved)
    print(f"{count} items, {SEATS} jurors, {ROUNDS} rounds, {turns:,} juror-turns")
    print(f"turns a CPU second, ledger on     {turns / median:,.0f}")
    print(f"CPU ms a turn                     {median / turns * 1e3:.3f}")
    print(f"checkpoints add, CPU ms a turn    {added / turns * 1e3:.3f}")
    print(f"checkpoints, database, MB         {size / 1e6:,.2f}")
    print(f"checkpoints, bytes a thread       {size / count:,.0f}")


def caching(base_url: str, model: str, count: int) -> None:
    """Share of prompt tokens from the server's cache, by round and purpose."""
    settings = LlmSettings(
        model=model,
        endpoints=(EndpointSettings(base_url=base_url),),
        min_label_mass=0,
        panel_batch=0,  # asked one by one, each call says what was cached
        temperature=0,
    )
    spec = Deliberation(rounds=ROUNDS, control=0, statement_characters=300)

    async def ask(folder: Path) -> None:
        async with open_llm_mind(settings, position=0, seed=1) as mind:
            judged, portrait = items(count, length=20), LONG * 3
            await deliberate(mind, judged, folder, portrait=portrait, spec=spec)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(ask(Path(folder)))
        with sqlite3.connect(Path(folder) / "ledger.sqlite") as connection:
            rows = connection.execute(
                "select round, purpose, count(*), sum(prompt_tokens), sum(cached_tokens) "
                "from calls group by round, purpose"
            ).fetchall()
    print("round  purpose      calls  prompt tokens  from cache")
    for round_, purpose, calls, prompt, cached in rows:
        print(f"{round_:5}  {purpose:10} {calls:7}  {prompt:13,}  {cached / prompt:10.1%}")
    second = [row for row in rows if row[0] == 2]
    share = sum(row[4] for row in second) / sum(row[3] for row in second)
    print(f"round 2: {share:.1%} of prompt tokens from the cache")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--base-url")
    parser.add_argument("--model")
    asked = parser.parse_args()
    if asked.base_url:
        caching(asked.base_url, asked.model, min(asked.items, 4))
    else:
        speed(asked.items)


if __name__ == "__main__":
    main()
