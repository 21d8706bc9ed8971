"""A plan as a file: every item with its rank, stratum and inclusion probability."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from juries.calibration.planning import STRATEGIES, Sample, Strategy
from personas.errors import InputError
from personas.files import write_rows
from personas.tables import Row, read_rows, require_columns

_COLUMNS = (
    "item_id",
    "rank",
    "score",
    "stratum",
    "inclusion",
    "selected",
    "strategy",
    "random_share",
    "seed",
)
_T = TypeVar("_T", int, float, bool)


def write_sample(path: Path, sample: Sample) -> None:
    """Write a plan, most in need of people first, in the format of the path's suffix.

    Inclusion probabilities are written in full: they are needed again to weigh people's answers.
    """
    order: list[int] = np.argsort(sample.rank).tolist()
    write_rows(
        path,
        [
            {
                "item_id": sample.units[i],
                "rank": int(sample.rank[i]),
                "score": float(sample.score[i]),
                "stratum": int(sample.stratum[i]),
                "inclusion": float(sample.inclusion[i]),
                "selected": bool(sample.selected[i]),
                "strategy": sample.strategy,
                "random_share": sample.random_share,
                "seed": sample.seed,
            }
            for i in order
        ],
    )


def read_sample(path: Path) -> Sample:
    """Read a plan back.

    Raises:
        InputError: a column is missing, a value cannot be one of a plan, an item stands twice, or
            the inclusion probabilities are not those of the strata.
    """
    rows = list(read_rows(path))
    require_columns(_COLUMNS, rows[0].data, where=path)
    names = tuple(str(row.data["item_id"]) for row in rows)
    _refuse_doubles(rows, path)
    strategy: Strategy | None = next(
        (known for known in STRATEGIES if known == rows[0].data["strategy"]), None
    )
    if strategy is None:
        raise InputError(
            "the plan's strategy is unknown", where=path, found=rows[0].data["strategy"]
        )
    sample = Sample(
        units=names,
        score=np.array([_value(row, "score", float, path) for row in rows]),
        rank=np.array([_value(row, "rank", int, path) for row in rows]),
        stratum=np.array([_value(row, "stratum", int, path) for row in rows]),
        inclusion=np.array([_value(row, "inclusion", float, path) for row in rows]),
        selected=np.array([_value(row, "selected", _truth, path) for row in rows], dtype=np.bool_),
        strategy=strategy,
        random_share=_value(rows[0], "random_share", float, path),
        seed=_value(rows[0], "seed", int, path),
    )
    _check(sample, path)
    return sample


def _refuse_doubles(rows: list[Row], path: Path) -> None:
    seen: set[str] = set()
    for row in rows:
        name = str(row.data["item_id"])
        if name in seen:
            raise InputError(
                "the item stands twice in the plan", where=path, line=row.number, found=name
            )
        seen.add(name)


def _check(sample: Sample, path: Path) -> None:
    if sample.stratum.min() < 0:
        raise InputError("a stratum is below 0", where=path)
    sizes = np.maximum(sample.stratum_sizes, 1)
    drawn = np.bincount(sample.stratum, weights=sample.selected, minlength=len(sizes))
    if not np.allclose(sample.inclusion, (drawn / sizes)[sample.stratum], atol=1e-9):
        raise InputError(
            "the inclusion probabilities are not the shares selected in the strata",
            where=path,
            hint="Use the file as `juries plan` wrote it, with every item and nothing edited.",
        )


def _value(row: Row, column: str, read: Callable[[str], _T], path: Path) -> _T:
    value = row.data[column]
    try:
        return read(str(value))
    except ValueError:
        raise InputError(
            f"column {column!r} cannot be read", where=path, line=row.number, found=value
        ) from None


def _truth(text: str) -> bool:
    known = {"true": True, "1": True, "false": False, "0": False}
    if text.lower() not in known:
        raise ValueError(text)
    return known[text.lower()]
