"""Every executor: the same ratings bit for bit, nothing lost and nothing twice."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphs.ledger import open_ledger
from graphs.minds.opening import open_mind
from graphs.panel import Panel
from graphs.rating import Bench
from graphs.records import Preference, Rating, Statement
from juries.deliberation.asking import plan_deliberation
from juries.executors.contexts import make_context
from juries.executors.dispatch import DistributedExecutor
from juries.executors.local import LocalExecutor
from juries.executors.options import RunOptions
from juries.executors.protocol import WorkerLostError
from juries.executors.station import Desk
from juries.executors.wire import Setup
from juries.running import prepare
from juries.runs import load_study
from personas.errors import InputError, JuriesError

ROOT = Path(__file__).resolve().parents[3]
EXECUTORS = ["local", "processes", "ray"]
# Ray leaves sockets to the garbage collector, and announces a change of defaults.
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning:ray"),
]


@pytest.fixture(params=EXECUTORS)
def executor(request):
    if request.param == "ray":
        request.getfixturevalue("ray_here")
    return request.param


@pytest.fixture(scope="module")
def ray_here():
    """Ray on this machine, once for the module: it takes long to start."""
    if not os.environ.get("JURIES_REQUIRE_RAY"):
        pytest.importorskip("ray")
    import ray

    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield
    ray.shutdown()


def test_the_same_ratings_bit_for_bit(executor, small_study, rated, rows, tmp_path):
    study = small_study(items=40, replicates=2)
    here = rated(study, tmp_path / "here")
    there = rated(study, tmp_path / "there", executor)
    assert there.record.complete
    assert there.record.recorded == here.record.recorded == 40 * 3 * 10 * 2
    assert rows(there) == rows(here)


def test_every_executor_keeps_to_a_sparse_design(executor, small_study, rated, rows, tmp_path):
    study = small_study(items=40, design={"items_per_juror": 10})
    here = rated(study, tmp_path / "here")
    there = rated(study, tmp_path / "there", executor)
    assert there.record.complete
    assert there.record.recorded == there.record.questions == 10 * 10 * 3
    assert rows(there) == rows(here)


def test_a_run_begun_by_one_executor_is_completed_by_another(
    executor, small_study, rated, rows, tmp_path
):
    study = small_study(items=40)
    here = rated(study, tmp_path / "here")
    part = rated(study, tmp_path / "there", "local", limit=15)
    assert part.record.recorded == 15 * 30
    # Items that are answered in part are completed, not asked again.
    delete = "DELETE FROM ratings WHERE (item + juror + response) % 3 = 0"
    connection = sqlite3.connect(part.directory.ledger)
    connection.execute(delete)
    connection.commit()
    connection.close()
    assert rows(rated(study, tmp_path / "there", executor)) == rows(here)


@pytest.mark.parametrize("executor", ["processes", "ray"], indirect=True)
def test_a_worker_killed_loses_nothing(
    executor, small_study, rated, rows, watcher, kill_a_worker, tmp_path
):
    study = small_study(items=1800)  # enough that whoever is killed has some under way
    here = rated(study, tmp_path / "here")
    watch = watcher(kill_a_worker)
    there = rated(study, tmp_path / "there", executor, progress=watch)
    assert watch.act is None
    assert any("was lost" in said for said in watch.said)
    assert watch.answered == 1800 * 30
    assert rows(there) == rows(here)


@pytest.mark.parametrize("kind", ["processes", "ray"])
def test_a_driver_killed_and_restarted_loses_nothing_and_leaves_no_worker(
    kind, small_study, rated, rows, workers_of, tmp_path, needs_ray
):
    study = small_study(items=1500, baselines={"share": 0}, injection={"share": 0})
    out = tmp_path / "there"
    command = [sys.executable, "-m", "juries", "run", str(study), "--out", str(out)]
    command += ["--executor", kind, "--workers", "2", "--display", "none"]
    ledger = out / "ledger.sqlite-wal"
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as driver:
        deadline = time.monotonic() + 120
        while not (ledger.exists() and ledger.stat().st_size > 200_000):
            assert driver.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        workers = workers_of(driver.pid)
        driver.send_signal(signal.SIGKILL)
    assert len(workers) == 2
    deadline = time.monotonic() + 60
    while any(Path(f"/proc/{pid}").exists() for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    left = 1500 * 30 - _count(out / "ledger.sqlite")
    assert left > 0  # it was killed midway
    there = rated(study, out, "processes")
    here = rated(study, tmp_path / "here")
    assert there.record.sessions == 2
    assert rows(there) == rows(here)


def _count(path):
    connection = sqlite3.connect(path)
    try:
        return connection.execute("SELECT count(*) FROM ratings").fetchone()[0]
    finally:
        connection.close()


def test_stopping_ends_the_chunks_under_way_and_no_other(
    executor, small_study, rated, rows, watcher, tmp_path
):
    study = small_study(items=600)
    stop = asyncio.Event()
    watch = watcher(stop.set)
    part = rated(study, tmp_path / "out", executor, progress=watch, stop=stop, in_flight=2)
    assert not part.record.complete
    assert 0 < part.record.recorded == watch.answered
    assert part.record.recorded % 30 == 0
    whole = rated(study, tmp_path / "out", executor)
    assert rows(whole) == rows(rated(study, tmp_path / "here"))


def test_workers_end_with_the_run(small_study, rated, workers_of, tmp_path):
    rated(small_study(), tmp_path / "out", "processes")
    assert workers_of(os.getpid()) == []


def test_a_run_with_nothing_left_hires_nobody(small_study, rated, watcher, tmp_path):
    study = small_study()
    first = rated(study, tmp_path / "out")
    watch = watcher()
    again = rated(study, tmp_path / "out", "processes", progress=watch)
    assert again.record.recorded == first.record.recorded
    assert watch.answered == 0


def test_people_at_seats_need_the_local_executor(small_study, rated, tmp_path):
    study = small_study(
        mind={"kind": "human"}, deliberation={"protocol": "independent", "rounds": 1}
    )
    with pytest.raises(InputError, match="is asked by one process"):
        rated(study, tmp_path / "out", "processes")


# the wire and the queue, over a station in this process


class InProcess:
    """A worker in this process, which can be told to die at some requests."""

    def __init__(self, dies_at=()):
        self.desk = Desk()
        self.dies_at = set(dies_at)
        self.asked = 0
        self.dead = False

    async def request(self, kind, body):
        self.asked += kind == "ask"
        if self.dead or (kind == "ask" and self.asked in self.dies_at):
            self.dead = True
            raise WorkerLostError("told to")
        reply = await self.desk.handle(kind, body)
        if self.dead:
            raise WorkerLostError("told to")
        return reply


class InProcessCrew:
    """Hires such workers; `deaths` says at which requests each one that is hired dies."""

    def __init__(self, size, deaths=()):
        self.size = size
        self.deaths = list(deaths)
        self.hired = 0

    async def hire(self, place, setup):
        self.hired += 1
        return InProcess(self.deaths.pop(0) if self.deaths else ())


async def _ask(study, out, crew=None):
    """Ask a study's jury, by hand, of one process or of a crew; all rows."""
    loaded, base = load_study(study)
    prepared = prepare(loaded, base)
    study = prepared.study
    plan = plan_deliberation(study, prepared.jurors, prepared.items)
    async with open_mind(study.mind, position=0, seed=study.seed) as mind:
        bench = Bench(mind=mind, panel=Panel(prepared.jurors))
        ledger = open_ledger(out, fingerprint="test", ids={})
        context = make_context(
            study, plan, prepared.items, benches=[bench], ledger=ledger, partial=frozenset()
        )
        if crew is None:
            executor = LocalExecutor()
        else:
            setup = Setup(
                study=study, jurors=prepared.jurors, items=len(prepared.items), most_responses=3
            )
            executor = DistributedExecutor(crew, setup, [f"{mind.name} {mind.version}"])
        async with ledger.committing():
            await executor.ask(range(len(prepared.items)), context, RunOptions())
        found = [list(ledger.every(kind)) for kind in (Rating, Statement, Preference)]
        ledger.close()
        return found


TALK = {"kind": "embedded", "talk": {"susceptibility": 0.4}}
PROTOCOLS = ["independent", "discussion", "delphi", "debate", "devils_advocate", "mediator"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_travels(protocol, small_study, tmp_path):
    talk = {"protocol": protocol, "rounds": 2, "control": 0.5}
    study = small_study(items=6, mind=TALK, deliberation=talk, jury={"seats": 7})
    here = asyncio.run(_ask(study, tmp_path / "here.sqlite"))
    there = asyncio.run(_ask(study, tmp_path / "there.sqlite", InProcessCrew(2)))
    assert there == here
    assert len(here[0]) >= 6 * 3 * 7


@pytest.mark.parametrize("deaths", [[{1}], [{2}, {1}, {3}], [{1}, {1}, {1}, {2}]])
def test_what_lost_workers_had_is_asked_of_others(deaths, small_study, tmp_path):
    study = small_study(items=60, jury={"seats": 5})
    here = asyncio.run(_ask(study, tmp_path / "here.sqlite"))
    crew = InProcessCrew(2, deaths)
    assert asyncio.run(_ask(study, tmp_path / "there.sqlite", crew)) == here
    assert crew.hired > 2


def test_items_that_kill_every_worker_are_named(small_study, tmp_path):
    study = small_study(items=3, jury={"seats": 5})
    crew = InProcessCrew(1, [{1}] * 20)
    with pytest.raises(JuriesError, match=r"5 workers died over the same items \(.+\)"):
        asyncio.run(_ask(study, tmp_path / "there.sqlite", crew))


def _somebody(prepared):
    """A context that is not deserted, and that nothing is put into."""
    bench = Bench(mind=None, panel=Panel(prepared.jurors))
    return make_context(
        prepared.study, None, prepared.items, benches=[bench], ledger=None, partial=frozenset()
    )


def test_a_worker_with_other_minds_is_refused(small_study, tmp_path):
    loaded, base = load_study(small_study())
    prepared = prepare(loaded, base)
    setup = Setup(
        study=prepared.study, jurors=prepared.jurors, items=len(prepared.items), most_responses=3
    )
    executor = DistributedExecutor(InProcessCrew(1), setup, ["another mind 1"])
    context = _somebody(prepared)
    with pytest.raises(JuriesError, match="opened other minds than the driver"):
        asyncio.run(executor.ask([0], context, RunOptions()))


def test_a_mistake_that_only_a_worker_sees_is_a_users_error(small_study, tmp_path):
    loaded, base = load_study(small_study())
    prepared = prepare(loaded, base)
    llm = {"kind": "llm", "model": "m", "endpoints": []}
    from pydantic import TypeAdapter

    from graphs.minds.opening import MindSettings

    mind = TypeAdapter(MindSettings).validate_python(llm)
    setup = Setup(
        study=prepared.study.model_copy(update={"mind": mind}),
        jurors=prepared.jurors,
        items=len(prepared.items),
        most_responses=3,
    )
    executor = DistributedExecutor(InProcessCrew(1), setup, [])
    context = _somebody(prepared)
    with pytest.raises(JuriesError, match="no server is named"):
        asyncio.run(executor.ask([0], context, RunOptions()))
