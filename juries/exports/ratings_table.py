"""`ratings.parquet`: every rating as one flat table with ids in place of positions.

Streamed from the ledger block by block, so memory does not grow with the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from polars.io.plugins import register_io_source

from graphs.items import FloatArray, Item
from graphs.ledger import Ledger
from graphs.panel import Juror
from graphs.records import Rating, Status, unpack
from juries.verdicts import Block, shares_table
from personas.files import replacing

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

READ_ROWS = 500_000
"""Rows read at once; they take about 50 MB."""


def ratings_are_current(path: Path, ledger: Ledger, items: int) -> bool:
    """Whether the table holds what the ledger holds now of the first so many items."""
    if not path.exists():
        return False
    return pl.read_parquet_metadata(path).get("state") == _state(ledger, items)


def write_ratings(
    path: Path,
    ledger: Ledger,
    *,
    run_id: str,
    items: Sequence[Item],
    jurors: Sequence[Juror],
    criteria: Sequence[str],
    minds: Sequence[tuple[str, str]],
) -> None:
    """Write every row of the ledger to a Parquet file, whole or not at all.

    Args:
        path: of the Parquet file.
        ledger: where the rows are.
        run_id: the study's fingerprint.
        items: of the study; rows of items beyond them are left out.
        jurors: in seat order.
        criteria: names, in the order of `Rating.criterion`.
        minds: name and version, in the order of `Rating.mind`.
    """
    item_ids = pl.Series([item.id for item in items], dtype=pl.String)
    juror_ids = pl.Series([juror.id for juror in jurors], dtype=pl.String)
    weights = np.array([juror.weight for juror in jurors])
    models = [[response.model for response in item.responses] for item in items]
    criterion_names = pl.Series(criteria, dtype=pl.String)
    mind_names = pl.Series([name for name, _ in minds], dtype=pl.String)
    mind_versions = pl.Series([version for _, version in minds], dtype=pl.String)

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
                "run_id": pl.repeat(run_id, len(rows), eager=True),
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

    def source(
        with_columns: list[str] | None,
        predicate: pl.Expr | None,
        n_rows: int | None,
        batch_size: int | None,
    ) -> Iterator[pl.DataFrame]:
        del with_columns, predicate, n_rows, batch_size  # the sink asks for everything
        for rows in ledger.blocks(items=len(items), rounds="all"):
            yield frame(rows)

    state = _state(ledger, len(items))
    with replacing(path, binary=True) as file:
        register_io_source(source, schema=SCHEMA).sink_parquet(file, metadata={"state": state})


def read_ratings(
    path: Path,
    *,
    items: Sequence[str],
    models: Sequence[str],
    jurors: Sequence[str],
    criteria: Sequence[str],
    round_: int,
    shares: bool,
) -> Iterator[Block]:
    """The ratings of one ballot, `READ_ROWS` at a time, so that memory does not grow with the run.

    Args:
        path: what `write_ratings` wrote.
        items: ids, in study order.
        models: names, in the order of the result.
        jurors: ids, in seat order.
        criteria: names, in the order of the questions.
        round_: of the ballot.
        shares: read whole distributions; otherwise their mean points.
    """
    known = "probabilities" if shares else "expected"
    places = {"criterion": criteria, "model": models, "item_id": items, "juror_id": jurors}
    wanted = [pl.col(name).cast(pl.Enum(ids)).to_physical() for name, ids in places.items()]
    # A response's id is that of its item, a slash and its model.
    other = pl.col("against_id").str.slice(pl.col("item_id").str.len_chars() + 1)
    against = other.cast(pl.Enum(models)).to_physical().cast(pl.Int64).fill_null(-1)
    table = pl.scan_parquet(path)
    for start in range(0, table.select(pl.len()).collect().item(), READ_ROWS):
        frame = (
            table.slice(start, READ_ROWS)
            .filter(pl.col("round") == round_)
            .select(
                *wanted,
                against,
                pl.col("replicate"),
                pl.col("status").to_physical(),
                pl.col("rating").fill_null(-1),
                pl.col(known),
            )
            .collect()
        )
        places_of = {name: frame[name].cast(pl.Int64).to_numpy() for name in frame.columns[:-1]}
        found = frame[known]
        yield Block(
            criterion=places_of["criterion"],
            model=places_of["model"],
            against=places_of["against_id"],
            item=places_of["item_id"],
            juror=places_of["juror_id"],
            replicate=places_of["replicate"],
            status=places_of["status"],
            rating=places_of["rating"],
            known=_shares(found) if shares else found.fill_null(np.nan).to_numpy(),
        )


def _shares(lists: pl.Series) -> FloatArray:
    lengths = lists.list.len().fill_null(0)
    width = lengths.max()
    if len(lists) and lengths.min() == width and width:
        return lists.explode().to_numpy().reshape(len(lists), -1).astype(np.float64)
    return shares_table([np.array(one if one is not None else ()) for one in lists.to_list()])


def _state(ledger: Ledger, items: int) -> str:
    return f"revision {ledger.revision()}, items {items}"


def _distributions(packed: Sequence[bytes | None]) -> pl.Series:
    """Packed distributions as lists; where all have one length, without a Python object each."""
    known = [one for one in packed if one is not None]
    if len(known) == len(packed) and len({len(one) for one in known}) == 1:
        return pl.Series(unpack(b"".join(known)).reshape(len(known), -1)).cast(pl.List(pl.Float32))
    lists = [None if one is None else unpack(one).tolist() for one in packed]
    return pl.Series(lists, dtype=pl.List(pl.Float32))
