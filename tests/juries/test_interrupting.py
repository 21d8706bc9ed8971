"""Signals while a run is on: the first drains, the second stops, wherever it strikes."""

from __future__ import annotations

import asyncio
import logging
import signal
import sqlite3
import time

import pytest
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from juries.cli.interrupting import interruptible
from juries.progress import Silent


class _StruckWhileDeleted:
    """What an interrupt does in a connection's destructor: Python drops the exception."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_the_first_signal_asks_for_an_end_and_the_second_makes_it() -> None:
    stop = asyncio.Event()

    def signalled_twice() -> None:
        signal.raise_signal(signal.SIGINT)
        assert stop.is_set()
        signal.raise_signal(signal.SIGINT)
        pytest.fail("the second signal was swallowed")

    with pytest.raises(KeyboardInterrupt), interruptible(stop, Silent()):
        signalled_twice()


def test_a_second_signal_is_not_lost_where_nothing_can_be_raised(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def struck() -> None:
        signal.raise_signal(signal.SIGINT)
        _StruckWhileDeleted()
        time.sleep(10)
        pytest.fail("the interrupt was dropped")

    with pytest.raises(KeyboardInterrupt), interruptible(asyncio.Event(), Silent()):
        struck()
    assert "Traceback" not in capfd.readouterr().err


class _StruckWhileClosed(sqlite3.Connection):
    """A connection that an interrupt meets as it closes."""

    def close(self) -> None:
        super().close()
        signal.raise_signal(signal.SIGINT)


def test_a_second_signal_while_a_connection_closes_shows_no_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    engine = sa.create_engine(
        "sqlite://",
        poolclass=NullPool,
        creator=lambda: sqlite3.connect(":memory:", factory=_StruckWhileClosed),
    )

    def struck() -> None:
        with engine.connect():
            signal.raise_signal(signal.SIGINT)
        pytest.fail("the interrupt was dropped")

    pool = logging.getLogger("sqlalchemy.pool")
    before, logged = pool.level, logging.StreamHandler()
    pool.addHandler(logged)
    try:
        with pytest.raises(KeyboardInterrupt), interruptible(asyncio.Event(), Silent()):
            struck()
    finally:
        pool.removeHandler(logged)
    assert "Traceback" not in capfd.readouterr().err
    assert pool.level == before
