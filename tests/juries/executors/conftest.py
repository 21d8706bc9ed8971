"""Runs under every executor, and the processes that belong to one."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import juries
from graphs.ledger import open_ledger
from graphs.records import Rating
from juries.executors import Placement
from juries.runs import load_study, rate


def _children(pid: int) -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
            if parent == pid:
                yield int(entry.name)


def _descendants(pid: int) -> Iterator[int]:
    for child in _children(pid):
        yield child
        yield from _descendants(child)


@pytest.fixture
def workers_of() -> Callable[[int], list[int]]:
    """Process ids of the workers below a process, of both executors that have any."""

    def find(pid: int) -> list[int]:
        found: list[int] = []
        for each in _descendants(pid):
            try:
                command = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ")
            except OSError:
                continue
            if b"juries.executors.worker" in command or b"ray::StationActor" in command:
                found.append(each)
        return found

    return find


class Watcher:
    """Progress that does something once, as soon as some answers are there."""

    def __init__(self, act: Callable[[], object] | None = None) -> None:
        self.act = act
        self.answered = 0
        self.said: list[str] = []

    def start(self, *, total: int, done: int) -> None: ...
    def finish(self) -> None: ...

    def say(self, message: str) -> None:
        self.said.append(message)

    def advance(self, answered: int) -> None:
        self.answered += answered
        act, self.act = self.act, None
        if act is not None:
            act()


@pytest.fixture
def watcher() -> type[Watcher]:
    """A progress that acts once."""
    return Watcher


@pytest.fixture
def kill_a_worker(workers_of: Callable[[int], list[int]]) -> Callable[[], None]:
    """SIGKILL to one of this process's workers."""

    def kill() -> None:
        os.kill(workers_of(os.getpid())[0], signal.SIGKILL)

    return kill


@pytest.fixture
def rated() -> Callable[..., juries.Run]:
    """Put a study to its jury under an executor, without baselines or scores."""

    def run(study: Path, out: Path, executor: str = "local", **more: Any) -> juries.Run:
        loaded, base = load_study(study)
        loaded = loaded.located(base)
        none = loaded.baselines.model_copy(update={"share": 0})
        loaded = loaded.model_copy(update={"baselines": none})
        workers = more.pop("workers", 2)
        placement = Placement(executor=executor, workers=workers)  # type: ignore[arg-type]
        return rate(loaded, out=out, placement=placement, **more)

    return run


@pytest.fixture
def rows() -> Callable[[juries.Run], list[Rating]]:
    """Every rating in a run's ledger, in key order."""

    def read(run: juries.Run) -> list[Rating]:
        ledger = open_ledger(run.directory.ledger, fingerprint=run.record.fingerprint, ids={})
        try:
            return list(ledger.every(Rating))
        finally:
            ledger.close()

    return read


@pytest.fixture
def needs_ray() -> None:
    """Skip where Ray is not installed, unless it must be."""
    if os.environ.get("JURIES_REQUIRE_RAY"):
        import ray  # noqa: F401
    else:
        pytest.importorskip("ray")
