"""Whether a run survives: killed at random moments, and asked of a server that misbehaves.

`kills` starts studies of every protocol and kills them with SIGKILL at random moments until each is
through, on SQLite and, with --postgres, in a database; rows and scores are then held against those
of a run that nobody killed. `faults` runs studies against a server that answers one request in
twenty with a fault, each kind as often, and kills some of the sessions too.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from graphs.ledger import open_ledger
from graphs.records import Preference, Rating, Statement
from juries.run_directory import RunDirectory

ROOT = Path(__file__).resolve().parent.parent
PROTOCOLS = (
    "none",
    "independent",
    "discussion",
    "delphi",
    "debate",
    "devils_advocate",
    "mediator",
)
PATIENCE = 40
"""Sessions after which a run that does not come through is an error."""


@dataclass(kw_only=True)
class Tally:
    """What a soak saw.

    Attributes:
        runs: studies taken to their end.
        sessions: processes started for them.
        kills: of these, those that were killed.
        midway: kills that found some rows recorded, and not all.
        rows: recorded in the end.
        lost: rows of the undisturbed run that are not there.
        doubled: rows there twice.
        changed: rows that say something else than in the undisturbed run.
        scores_differ: runs whose scores are not the same to the byte.
        statuses: of the ratings, where a server misbehaved.
        faults: how often each fault befell a request.
        exits: how sessions that were not killed ended.
    """

    runs: int = 0
    sessions: int = 0
    kills: int = 0
    midway: int = 0
    rows: int = 0
    lost: int = 0
    doubled: int = 0
    changed: int = 0
    scores_differ: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    exits: Counter[int] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Nothing was lost, doubled or changed."""
        return not (self.lost or self.doubled or self.changed or self.scores_differ)


def write_study(folder: Path, *, items: int, **sections: Any) -> Path:
    """A study of three models and a dozen jurors; sections are added to it."""
    rng = np.random.default_rng(len(folder.name) + items)
    words = (ROOT / "LICENSE").read_text().split()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "items.jsonl").open("w") as file:
        for number in range(items):
            texts = {m: " ".join(rng.choice(words, 20)) for m in ("ash", "birch", "cedar")}
            row = {"id": f"i{number}", "prompt": " ".join(rng.choice(words, 8)), "out": texts}
            file.write(json.dumps(row) + "\n")
    rows = [f"{20 + n % 60},{'left' if n % 2 else 'right'}" for n in range(30)]
    (folder / "people.csv").write_text("\n".join(["age,side", *rows]))
    study = {
        "name": folder.name,
        "items": {"path": "items.jsonl", "id": "id", "prompt": "prompt", "responses": "out"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["a", "b", "c", "d", "e"]},
        "population": {"path": "people.csv"},
        "jury": {"seats": 12},
        "scores": {"resamples": 100},
        **sections,
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def talk(protocol: str) -> dict[str, Any]:
    """The sections that a protocol needs."""
    if protocol == "none":
        return {}
    return {
        "mind": {"kind": "embedded", "talk": {"susceptibility": 0.4}},
        "deliberation": {"protocol": protocol, "rounds": 2, "control": 0.3},
    }


def command(study: Path, out: Path, *options: str) -> list[str]:
    """The command of one session."""
    run = [sys.executable, "-m", "juries", "run", str(study), "--out", str(out), "--no-report"]
    return [*run, "--display", "none", *options]


def recorded(out: Path) -> list[list[tuple[Any, ...]]]:
    """Every row in a run's ledger, by table; none where there is no run yet."""
    directory = RunDirectory(out)
    if not directory.record.exists():
        return [[], [], []]
    fingerprint = directory.read_record().fingerprint
    ledger = open_ledger(directory.ledger_place, fingerprint=fingerprint, ids={})
    with contextlib.closing(ledger):
        return [list(ledger.every(kind)) for kind in (Rating, Statement, Preference)]


def compare(tally: Tally, out: Path, reference: Path) -> None:
    """Hold what a disturbed run left against an undisturbed one."""
    for kind, found, wanted in zip((7, 5, 3), recorded(out), recorded(reference), strict=True):
        by_key = {row[:kind]: row for row in found}
        tally.rows += len(found)
        tally.doubled += len(found) - len(by_key)
        tally.lost += sum(row[:kind] not in by_key for row in wanted)
        tally.changed += sum(by_key.get(row[:kind], row) != row for row in wanted)
        tally.changed += len(by_key.keys() - {row[:kind] for row in wanted})
    same = (out / "scores.json").read_bytes() == (reference / "scores.json").read_bytes()
    tally.scores_differ += not same


def session(
    arguments: Sequence[str], kill_after: float | None, allowed: Container[int] = (0, 1, 2)
) -> int | None:
    """Run a session; its exit code, None where it was killed first.

    Raises:
        SystemExit: it ended by itself with a code that is not allowed.
    """
    with subprocess.Popen(
        arguments, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    ) as process:
        try:
            _, said = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return None
    if process.returncode not in allowed:
        raise SystemExit(f"a session ended with {process.returncode}:\n{said.decode()}")
    return process.returncode


def kills(
    tally: Tally,
    folder: Path,
    *,
    protocol: str,
    executor: str,
    wanted: int,
    chance: random.Random,
    postgres: str | None = None,
    items: int | None = None,
) -> None:
    """Kill runs of one protocol until there were so many kills; each run is taken to its end.

    Moments are drawn evenly over the time that the undisturbed run took, its start included.
    """
    items = items or (1500 if protocol == "none" else 120)
    store = {} if postgres is None else {"ledger": {"url": postgres, "run": "whole"}}
    study = write_study(folder / f"{protocol}_whole", items=items, **talk(protocol), **store)
    options = ["--executor", executor, "--max-connections", "2"]
    options += ["--workers", "2"] if executor != "local" else []
    begun = time.monotonic()
    session(command(study, folder / "whole", *options), None, {0})
    took = time.monotonic() - begun
    total = sum(map(len, recorded(folder / "whole")))
    goal, number = tally.kills + wanted, 0
    while tally.kills < goal:
        out = folder / f"killed-{number}"
        if postgres is not None:
            named = {"ledger": {"url": postgres, "run": f"killed_{number}"}}
            content = yaml.safe_load(study.read_text()) | named
            study.write_text(yaml.safe_dump(content))
        number += 1
        for _ in range(PATIENCE):
            left = tally.kills < goal
            code = session(command(study, out, *options), chance.uniform(0, took) if left else None)
            tally.sessions += 1
            if code is None:
                tally.kills += 1
                there = sum(map(len, recorded(out))) if out.exists() else 0
                tally.midway += 0 < there < total
            else:
                tally.exits[code] += 1
                if code == 0:
                    break
        else:
            raise SystemExit(f"{out} did not come through in {PATIENCE} sessions")
        tally.runs += 1
        compare(tally, out, folder / "whole")


def misbehaving() -> Any:
    """The module of the server that the tests misbehave with."""
    path = ROOT / "tests" / "servers" / "conftest.py"
    spec = importlib.util.spec_from_file_location("misbehaving_server", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["misbehaving_server"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def faults(
    tally: Tally, folder: Path, *, seconds: float, share: float, chance: random.Random
) -> None:
    """Ask a server that misbehaves in every way, for so long; every run is taken to its end."""
    module = misbehaving()
    names = sorted(module.FAULTS)

    class Moody(module.MisbehavingServer):
        share = 0.0

        async def _respond(self, request: Any, body: dict[str, Any]) -> Any:
            if chance.random() < self.share:
                name = names[chance.randrange(len(names))]
                tally.faults[name] += 1
                return await module.FAULTS[name](request, self._victims(body, ""))
            return await super()._respond(request, body)

    server = Moody()
    async with server.running():
        mind = {
            "kind": "llm",
            "model": server.model,
            "endpoints": [{"base_url": server.url}],
            "elicitation": "probabilities",
            "panel_batch": 4,
            "limits": {"connect_s": 2, "read_s": 3, "call_s": 8, "attempts": 4},
        }
        end, number = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            study = write_study(folder / f"faults-{number}", items=30, mind=mind, seed=number,
                                baselines={"share": 0}, injection={"share": 0})  # fmt: skip
            server.share = 0.0
            whole = folder / f"faults-{number}-whole"
            await asyncio.to_thread(session, command(study, whole), None, {0})
            server.share = share
            out = folder / f"faults-{number}-out"
            for _ in range(PATIENCE):
                left = chance.random() < 0.2 and time.monotonic() < end
                moment = chance.uniform(0, 10) if left else None
                code = await asyncio.to_thread(session, command(study, out), moment)
                tally.sessions += 1
                tally.kills += code is None
                if code is not None:
                    tally.exits[code] += 1
                if code == 0:
                    break
            else:
                raise SystemExit(f"{out} did not come through in {PATIENCE} sessions")
            tally.runs += 1
            _compare_answers(tally, out, whole)
            number += 1


def _compare_answers(tally: Tally, out: Path, reference: Path) -> None:
    """Every question has one row; what is `ok` is what the server said when it behaved."""
    (found, *_), (wanted, *_) = recorded(out), recorded(reference)
    by_cell = {row[:7]: row for row in found}
    tally.rows += len(found)
    tally.doubled += len(found) - len(by_cell)
    tally.statuses.update(row.status for row in found)
    for row in wanted:
        there = by_cell.get(row[:7])
        tally.lost += there is None
        if there is not None and there.status == "ok":
            tally.changed += (there.rating, there.probabilities) != (row.rating, row.probabilities)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("kills", "faults"), nargs="?", default="kills")
    parser.add_argument("--kills", type=int, default=28, help="in all, shared out")
    parser.add_argument("--postgres", metavar="URL", help="kill runs in this database too")
    parser.add_argument("--seconds", type=float, default=60.0, help="of a misbehaving server")
    parser.add_argument("--share", type=float, default=0.05, help="of requests that go wrong")
    parser.add_argument("--seed", type=int, default=9)
    options = parser.parse_args()
    chance, tally = random.Random(options.seed), Tally()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="juries-soak-") as temporary:
        folder = Path(temporary)
        if options.what == "faults":
            work = faults(
                tally, folder, seconds=options.seconds, share=options.share, chance=chance
            )
            asyncio.run(work)
        else:
            stores = [None, options.postgres] if options.postgres else [None]
            cases = [(p, s) for p in PROTOCOLS for s in stores]
            for n, (protocol, store) in enumerate(cases):
                share = options.kills * (n + 1) // len(cases) - options.kills * n // len(cases)
                executor = "processes" if n % 3 == 2 else "local"
                place = folder / str(n)
                kills(tally, place, protocol=protocol, executor=executor, wanted=share,
                      chance=chance, postgres=store)  # fmt: skip
                kind = "SQLite" if store is None else "PostgreSQL"
                found = f"{tally.lost} lost, {tally.doubled} doubled, {tally.changed} changed"
                so_far = f"{tally.runs} runs, {tally.kills} kills ({tally.midway} midway), {found}"
                print(f"{protocol:16} {kind:10} {executor:10} {so_far}", flush=True)
    for name, value in vars(tally).items():
        if value or not isinstance(value, Counter):
            print(f"{name:14} {dict(value) if isinstance(value, Counter) else f'{value:,}'}")
    print(f"minutes        {(time.monotonic() - begun) / 60:.1f}, load {os.getloadavg()[0]:.1f}")
    if not tally.clean:
        raise SystemExit("something was lost, doubled or changed")


if __name__ == "__main__":
    main()
