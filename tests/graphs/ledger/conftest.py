"""Ledgers to test: every test that asks for `place` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from graphs.ledger import Ledger, LedgerPlace, PostgresPlace, open_ledger
from graphs.ledger.places import connection_url, without_password
from graphs.records import Rating, Status, pack

Opener = Callable[..., Ledger]
Sql = Callable[..., list[tuple[Any, ...]]]
IDS = {"item": ["i0", "i1"], "juror": ["j0"], "mind": ["m"], "criterion": ["overall"]}


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> LedgerPlace:
    """Where a new ledger is to lie."""
    if request.param == "sqlite":
        return tmp_path / "ledger.sqlite"
    url = request.getfixturevalue("postgres_url")
    return PostgresPlace(url=without_password(url), schema=f"juries_{secrets.token_hex(8)}")


@pytest.fixture
def opened(place: LedgerPlace) -> Iterator[Opener]:
    """Opens the ledger at `place`, and closes it at the end."""
    ledgers: list[Ledger] = []

    def opener(fingerprint: str = "f", **changes: Any) -> Ledger:
        ledger = open_ledger(place, **{"fingerprint": fingerprint, "ids": IDS, **changes})
        ledgers.append(ledger)
        return ledger

    yield opener
    for ledger in ledgers:
        ledger.close()


@pytest.fixture
def sql(place: LedgerPlace) -> Sql:
    """Executes a statement on the ledger's database behind its back."""

    def execute(statement: str) -> list[tuple[Any, ...]]:
        if isinstance(place, Path):
            with closing(sqlite3.connect(place)) as connection, connection:
                return connection.execute(statement).fetchall()
        import psycopg

        url = connection_url(place.url).set(drivername="postgresql")
        with psycopg.connect(url.render_as_string(hide_password=False)) as session:
            session.execute(f"SET search_path TO {place.schema}".encode())
            cursor = session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    return execute


@pytest.fixture
def row() -> Callable[..., Rating]:
    """A valid rating; fields by keyword."""

    def make(item: int = 0, juror: int = 0, **changes: Any) -> Rating:
        answer = Rating(
            item=item,
            response=0,
            against=-1,
            juror=juror,
            round=0,
            criterion=0,
            replicate=0,
            status=Status.OK,
            rating=4,
            expected=3.5,
            probabilities=pack(np.array([0.1, 0.2, 0.7])),
            label_mass=None,
            reason="because",
            raw=None,
            mind=0,
            call=None,
        )
        return answer._replace(**changes)

    return make


@pytest.fixture
def put() -> Callable[..., None]:
    """Puts rows and returns when they are durable."""

    def put_rows(ledger: Ledger, *rows: Any) -> None:
        async def work() -> None:
            async with ledger.committing():
                await ledger.put(rows)

        asyncio.run(work())

    return put_rows


@pytest.fixture
def all_rows() -> Callable[[Ledger], list[Rating]]:
    """Every rating of the round that counts."""

    def read(ledger: Ledger) -> list[Rating]:
        return [Rating(*one) for block in ledger.blocks() for one in block]

    return read
