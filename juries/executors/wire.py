"""What driver and workers say to each other, as bytes.

Everything is MessagePack, with JSON inside for what a person wrote, whose whole numbers know no
bound. Nothing that travels can name code to be run. Rows arrive as they were, floats bit for bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

import ormsgpack

from graphs.item_store import item_of, item_row
from graphs.items import Item
from graphs.ledger import Record
from graphs.ledger.tables import flat, tuples
from graphs.panel import Juror
from graphs.records import Call, Preference, Rating, Statement
from juries.run_directory import juror_of, juror_row
from juries.spec import Study

KINDS: tuple[type[Record], ...] = (Call, Rating, Statement, Preference)
"""Row types, by their number on the wire; accounts of calls come before what came of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a worker must know before the first item.

    Attributes:
        study: as it runs; language models with the addresses of their servers.
        jurors: all, in seat order.
        items: how many the study has.
        most_responses: of any item of the study.
        workers: how many there are, who share the servers' connections.
    """

    study: Study
    jurors: tuple[Juror, ...]
    items: int
    most_responses: int
    workers: int = 1

    def for_workers(self, workers: int) -> Setup:
        """The same for so many workers."""
        return replace(self, workers=workers)

    def pack(self) -> bytes:
        """As bytes."""
        study = json.dumps(self.study.model_dump(mode="json"))
        jurors = json.dumps([juror_row(juror) for juror in self.jurors])
        return ormsgpack.packb([study, jurors, self.items, self.most_responses, self.workers])

    @classmethod
    def unpack(cls, data: bytes) -> Setup:
        """The setup behind `pack`."""
        study, jurors, items, most_responses, workers = ormsgpack.unpackb(data)
        return cls(
            study=Study.model_validate(json.loads(study)),
            jurors=tuple(juror_of(row) for row in json.loads(jurors)),
            items=items,
            most_responses=most_responses,
            workers=workers,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """An item to put to the whole jury.

    Attributes:
        position: of the item in the study.
        item: with its texts.
        known: rows that the ledger holds of it.
    """

    position: int
    item: Item
    known: tuple[Record, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What became of some jobs.

    Attributes:
        values: of the rows recorded, row after row, by type of row.
        answered: questions of the ballot that counts that were answered.
        unavailable: minds that no server answers for any more, by place, and what was said.
    """

    values: dict[type[Record], list[Any]]
    answered: int
    unavailable: dict[int, str]


def pack_jobs(jobs: Sequence[Job]) -> bytes:
    """Jobs as bytes."""
    return ormsgpack.packb(
        [[job.position, json.dumps(item_row(job.item)), _by_kind(job.known)] for job in jobs]
    )


def unpack_jobs(data: bytes) -> list[Job]:
    """The jobs behind `pack_jobs`."""
    return [
        Job(
            position=position,
            item=item_of(json.loads(item)),
            known=tuple(
                row
                for kind, values in zip(KINDS, known, strict=True)
                for row in map(kind._make, tuples(kind, values))  # pyright: ignore[reportPrivateUsage] (a named tuple's own)
            ),
        )
        for position, item, known in ormsgpack.unpackb(data)
    ]


def pack_done(rows: Iterable[Record], answered: int, unavailable: dict[int, str]) -> bytes:
    """What became of jobs, as bytes."""
    return ormsgpack.packb([_by_kind(rows), answered, list(unavailable.items())])


def unpack_done(data: bytes) -> Done:
    """What `pack_done` packed."""
    values, answered, unavailable = ormsgpack.unpackb(data)
    return Done(
        values=dict(zip(KINDS, values, strict=True)),
        answered=answered,
        unavailable=dict(unavailable),
    )


def _by_kind(rows: Iterable[Record]) -> list[list[Any]]:
    """Values of rows, row after row, in the order of `KINDS`."""
    found: dict[type, list[Any]] = {kind: [] for kind in KINDS}
    for kind, some in groupby(rows, type):
        found[kind].extend(flat(some))
    return list(found.values())
