"""`verdicts.parquet`: what the jury concludes of each response, one row an item and model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from graphs.items import FloatArray
from juries.measures.welfare_functions import WelfareFunction
from juries.verdicts import Verdicts
from personas.files import replacing

_BLOCK = 4096
"""Items at a time, so that memory does not grow with the study."""


def verdict_table(
    verdicts: Verdicts, weights: FloatArray, functions: Sequence[WelfareFunction]
) -> pl.DataFrame:
    """Welfare of every response under every function, and how far jurors differ on it.

    Args:
        verdicts: arrays of the jury's answers.
        weights: of jurors, in seat order.
        functions: welfare functions; each makes a column under its name.

    Returns:
        Columns `item_id`, `model`, `jurors` (who validly answered), `asked` (who were asked),
        `spread` (weighted standard deviation of utilities), and one per function; null where
        nobody validly answered. Responses that do not exist have no row.
    """
    utilities = verdicts.overall()
    parts = [
        _block(utilities[m, start : start + _BLOCK], weights, functions).with_columns(
            pl.Series("item_id", verdicts.item_ids[start : start + _BLOCK], dtype=pl.String),
            pl.lit(model).alias("model"),
            pl.Series("present", verdicts.present[m, start : start + _BLOCK]),
        )
        for start in range(0, len(verdicts.item_ids), _BLOCK)
        for m, model in enumerate(verdicts.models)
    ]
    order = ["item_id", "model", "jurors", "asked", "spread", *(f.name for f in functions)]
    return pl.concat(parts).filter("present").select(order)


def write_verdicts(path: Path, table: pl.DataFrame) -> None:
    """Write the table, whole or not at all."""
    with replacing(path, binary=True) as file:
        table.write_parquet(file)


def _block(
    utilities: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    weights: FloatArray,
    functions: Sequence[WelfareFunction],
) -> pl.DataFrame:
    values = utilities.astype(np.float64)
    valid = ~np.isnan(values)
    share = np.where(valid, weights, 0.0)
    total = share.sum(axis=1)
    with np.errstate(invalid="ignore"):  # 0/0 is NaN: nobody validly answered
        mean = np.where(valid, values * weights, 0.0).sum(axis=1) / total
        square = np.where(valid, (values - mean[:, None]) ** 2 * weights, 0.0).sum(axis=1) / total
    columns = {function.name: function(values, weights) for function in functions}
    return pl.DataFrame(
        {
            "jurors": valid.sum(axis=1),
            "asked": np.full(len(values), values.shape[1]),
            "spread": np.sqrt(square),
            **columns,
        }
    ).with_columns(pl.col("spread", *columns).fill_nan(None))
