"""What the page knows of each item: texts, every answer, what was said. Read item by item."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from graphs.items import Item
from graphs.ledger import Ledger
from graphs.records import Preference, Rating, Statement, Status, unpack
from juries.report.prompts import Prompts
from juries.report.source import Source

RATINGS_A_CHUNK = 20_000
"""Ratings that are decoded together when one of their items is opened."""

NOT_ASKED = "not_asked"
"""What stands for a question that the study's design did not put, after the statuses."""

_CODES = {status.value: -code for code, status in enumerate(Status)} | {NOT_ASKED: -len(Status)}


def chunks(source: Source) -> Iterator[list[dict[str, Any]]]:
    """Items in study order, some at a time, as plain values ready for JSON."""
    held: list[dict[str, Any]] = []
    answers = 0
    prompts = Prompts(source)
    with source.ledger() as ledger:
        for position, item in enumerate(source.items):
            detail, count = item_detail(ledger, position, item, empty=_empty(source, position))
            held.append(detail | prompts.of(item.id))
            answers += count
            if answers >= RATINGS_A_CHUNK:
                yield held
                held, answers = [], 0
    if held:
        yield held


def _empty(source: Source, position: int) -> list[int]:
    """An item's points before anything is recorded: 0 for who was asked, by seat."""
    if source.assignment is None:
        return [0] * len(source.jurors)
    asked = source.assignment.asked[position]
    return np.where(asked, 0, _CODES[NOT_ASKED]).tolist()


def item_detail(
    ledger: Ledger, position: int, item: Item, *, empty: list[int]
) -> tuple[dict[str, Any], int]:
    """One item with all that was answered about it, and how many answers that is.

    Answers stand in blocks, one for each round, criterion, replicate and response. A block's
    `points` has a number for each seat: the rating 1..K, 0 where nothing is recorded, else the
    status counted from -1 in the order of `Status` without `ok`, and after them `NOT_ASKED`.
    Reasons are numbers into `texts`, -1 for none; `shares` are distributions in thousandths, K to
    a seat. `empty` are the points of a block in which nothing is recorded.
    """
    rows = ledger.of_item(Rating, position)
    texts: dict[str, int] = {}
    blocks: dict[tuple[int, ...], list[Rating]] = {}
    for row in rows:
        key = (row.round, row.criterion, row.replicate, row.response, row.against)
        blocks.setdefault(key, []).append(row)
    detail = {
        "position": position,
        "prompt": item.prompt,
        "responses": [{"model": r.model, "text": r.text} for r in item.responses],
        "blocks": [_block(key, answers, empty, texts) for key, answers in sorted(blocks.items())],
        "texts": list(texts),
        "talk": [_said(one) for one in ledger.of_item(Statement, position)],
        "polls": [_polled(one) for one in ledger.of_item(Preference, position)],
    }
    return detail, len(rows)


def _block(
    key: tuple[int, ...], rows: Sequence[Rating], empty: list[int], texts: dict[str, int]
) -> dict[str, Any]:
    seats = len(empty)
    points, reasons = [*empty], [-1] * seats
    raw: list[tuple[int, str]] = []
    for row in rows:
        ok = row.status == Status.OK.value
        points[row.juror] = (row.rating or 0) if ok else _CODES[row.status]
        if row.reason:
            reasons[row.juror] = texts.setdefault(row.reason, len(texts))
        if row.raw:
            raw.append((row.juror, row.raw))
    round_, criterion, replicate, response, against = key
    block: dict[str, Any] = {
        "round": round_,
        "criterion": criterion,
        "replicate": replicate,
        "response": response,
        "points": points,
    }
    optional = {
        "against": against if against >= 0 else None,
        "reasons": reasons if max(reasons) >= 0 else None,
        "raw": raw or None,
        "shares": _shares(rows, seats),
    }
    return block | {name: value for name, value in optional.items() if value is not None}


def _shares(rows: Sequence[Rating], seats: int) -> list[int] | None:
    """Distributions in thousandths, [seats · K] row by row; -1 where a seat has none."""
    known = [(row.juror, unpack(row.probabilities)) for row in rows if row.probabilities]
    if not known:
        return None
    table = np.full((seats, len(known[0][1])), -1, dtype=np.int64)
    for juror, distribution in known:
        table[juror] = np.rint(1000 * distribution)
    return table.ravel().tolist()


def _said(row: Statement) -> dict[str, Any]:
    return {
        "round": row.round,
        "kind": row.kind,
        "juror": row.juror,
        "order": row.order,
        "status": row.status,
        "text": row.text,
        "raw": row.raw,
    }


def _polled(row: Preference) -> dict[str, Any]:
    return {
        "round": row.round,
        "juror": row.juror,
        "status": row.status,
        "ranking": row.ranking,
        "endorsed": row.endorsed,
    }
