"""Rows of the ledger as rows of the ratings table: ids in place of positions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from graphs.items import Item
from graphs.panel import Juror
from graphs.records import Rating, Status, unpack

SCHEMA = pl.Schema(
    {
        "run_id": pl.String(),
        "item_id": pl.String(),
        "response_id": pl.String(),
        "model": pl.String(),
        "against_id": pl.String(),
        "juror_id": pl.String(),
        "round": pl.Int32(),
        "criterion": pl.String(),
        "replicate": pl.Int32(),
        "status": pl.Enum([status.value for status in Status]),
        "rating": pl.Int32(),
        "expected": pl.Float64(),
        "probabilities": pl.List(pl.Float32()),
        "label_mass": pl.Float64(),
        "reason": pl.String(),
        "raw": pl.String(),
        "weight": pl.Float64(),
        "mind": pl.String(),
        "mind_version": pl.String(),
        "call": pl.String(),
    }
)
"""Columns, in order. `weight` is the juror's share of the jury; ratings count from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the positions in a ledger stand for.

    Attributes:
        run_id: the study's fingerprint.
        items: that the run covers, in study order.
        jurors: in seat order.
        criteria: names, in the order of `Rating.criterion`.
        minds: name and version, in the order of `Rating.mind`.
    """

    run_id: str
    items: Sequence[Item]
    jurors: Sequence[Juror]
    criteria: Sequence[str]
    minds: Sequence[tuple[str, str]]


def framing(names: Names) -> Callable[[Sequence[tuple[Any, ...]]], pl.DataFrame]:
    """A function from rows with all of `Rating`'s fields to a frame with `SCHEMA`."""
    item_ids = pl.Series([item.id for item in names.items], dtype=pl.String)
    juror_ids = pl.Series([juror.id for juror in names.jurors], dtype=pl.String)
    weights = np.array([juror.weight for juror in names.jurors])
    models = [[response.model for response in item.responses] for item in names.items]
    criterion_names = pl.Series(names.criteria, dtype=pl.String)
    mind_names = pl.Series([name for name, _ in names.minds], dtype=pl.String)
    mind_versions = pl.Series([version for _, version in names.minds], dtype=pl.String)

    def frame(rows: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
        columns = dict(zip(Rating._fields, zip(*rows, strict=True), strict=True))
        item, juror = np.array(columns["item"]), np.array(columns["juror"])
        ids = item_ids.gather(item)
        model = pl.Series(
            [models[i][r] for i, r in zip(columns["item"], columns["response"], strict=True)]
        )
        against = pl.Series(
            [
                None if a < 0 else models[i][a]
                for i, a in zip(columns["item"], columns["against"], strict=True)
            ],
            dtype=pl.String,
        )
        mind = np.array(columns["mind"])
        return pl.DataFrame(
            {
                "run_id": pl.repeat(names.run_id, len(rows), eager=True),
                "item_id": ids,
                "response_id": ids + "/" + model,
                "model": model,
                "against_id": ids + "/" + against,
                "juror_id": juror_ids.gather(juror),
                "round": columns["round"],
                "criterion": criterion_names.gather(np.array(columns["criterion"])),
                "replicate": columns["replicate"],
                "status": columns["status"],
                "rating": columns["rating"],
                "expected": columns["expected"],
                "probabilities": _distributions(columns["probabilities"]),
                "label_mass": columns["label_mass"],
                "reason": columns["reason"],
                "raw": columns["raw"],
                "weight": weights[juror],
                "mind": mind_names.gather(mind),
                "mind_version": mind_versions.gather(mind),
                "call": columns["call"],
            },
            schema=SCHEMA,
        )

    return frame


def _distributions(packed: Sequence[bytes | None]) -> pl.Series:
    """Packed distributions as lists; where all have one length, without a Python object each."""
    known = [one for one in packed if one is not None]
    if len(known) == len(packed) and len({len(one) for one in known}) == 1:
        return pl.Series(unpack(b"".join(known)).reshape(len(known), -1)).cast(pl.List(pl.Float32))
    lists = [None if one is None else unpack(one).tolist() for one in packed]
    return pl.Series(lists, dtype=pl.List(pl.Float32))
