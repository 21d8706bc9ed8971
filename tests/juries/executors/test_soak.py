"""The short soak: `benchmarks/soak.py` with few kills and a few seconds of faults."""

from __future__ import annotations

import asyncio
import importlib.util
import random
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def soak():
    spec = importlib.util.spec_from_file_location("soak", ROOT / "benchmarks" / "soak.py")
    module = sys.modules["soak"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("protocol", "executor", "items"), [("none", "processes", 300), ("discussion", "local", 40)]
)
def test_killed_runs_end_as_if_nobody_had(soak, protocol, executor, items, tmp_path):
    tally = soak.Tally()
    soak.kills(
        tally,
        tmp_path,
        protocol=protocol,
        executor=executor,
        wanted=2,
        chance=random.Random(protocol),
        items=items,
    )
    assert tally.kills == 2
    assert tally.runs >= 1
    assert tally.rows > 0
    assert tally.clean, tally


def test_killed_runs_in_a_database_too(soak, postgres_server, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSWORD", postgres_server.password)
    tally = soak.Tally()
    soak.kills(
        tally,
        tmp_path,
        protocol="none",
        executor="local",
        wanted=1,
        chance=random.Random(5),
        postgres=postgres_server.create_database(),
        items=100,
    )
    assert tally.kills == 1
    assert tally.clean, tally


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_server_that_misbehaves_invents_and_loses_nothing(soak, tmp_path):
    tally = soak.Tally()
    work = soak.faults(tally, tmp_path, seconds=1, share=0.1, chance=random.Random(1))
    asyncio.run(work)
    assert tally.runs >= 1
    assert sum(tally.faults.values()) > 0
    assert tally.rows == tally.runs * 30 * 3 * 12
    assert tally.clean, tally
