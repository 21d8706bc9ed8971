"""Filling a run: what was never asked is imputed, marked cell by cell, and scored.

`filled.parquet` has one row per response and juror: `imputed` says which utilities nobody gave, and
`sd` how far the completed data sets differ there. `filled.json` has the scores. The run's own
ratings and scores stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from pydantic_core import to_json

from graphs.records import Status
from juries.measures.welfare_functions import WelfareFunction
from juries.paired_verdicts import rated_scale
from juries.surrogate.filling import (
    FilledScores,
    Pooling,
    completed_utilities,
    never_asked,
    pool_scores,
)
from juries.surrogate.fitting import SurrogateSettings
from juries.surrogate.modelling import model_run
from personas.errors import InputError
from personas.files import replacing

if TYPE_CHECKING:
    import polars as pl

    from juries.concluding import Gathered
    from juries.runs import Run

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FilledRun:
    """A run with its gaps filled.

    Attributes:
        scores: welfare with intervals that hold what imputation does not know.
        cells: one row per response and juror: `item_id, model, juror_id, weight, utility, sd,
            imputed`; `utility` is null where a question was put and not validly answered.
        produced_by: which minds the surrogate learnt from.
    """

    scores: FilledScores
    cells: pl.DataFrame
    produced_by: str

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write `filled.parquet` and `filled.json`, each whole or not at all."""
        table, scores = folder / "filled.parquet", folder / "filled.json"
        with replacing(table, binary=True) as file:
            self.cells.write_parquet(file)
        content = {**asdict(self.scores), "produced_by": self.produced_by}
        with replacing(scores, binary=True) as file:
            file.write(to_json(content, indent=1, inf_nan_mode="null", fallback=_listed) + b"\n")
        return table, scores


def fill_run(
    run: Run,
    functions: Sequence[WelfareFunction],
    *,
    pooling: Pooling | None = None,
    settings: SurrogateSettings | None = None,
) -> FilledRun:
    """Impute what a run never asked, and score it.

    A question counts as asked as soon as the ledger holds a row for it that did not fail; one that
    a juror refused or answered unreadably stays missing.

    Args:
        run: with questions that were not put: each juror rated a share of the items, or the run
            was stopped.
        functions: welfare functions.
        pooling: how completed data sets are drawn and pooled.
        settings: of the surrogate.

    Raises:
        InputError: every question was put, a study of pairs, a scale without utilities, or too few
            ratings.
    """
    pooling = pooling or Pooling(seed=run.record.seed)
    rated_scale(run.study.scale, "a surrogate of the jury")
    gathered = run.gather()
    missing = never_asked(gathered, asked_cells(run, gathered))
    there = np.broadcast_to(gathered.verdicts.present[:, :, None], missing.shape)
    if not missing.any():
        raise InputError(
            "every question was put, so there is nothing to fill",
            where=run.path,
            hint="`juries recompose` predicts the scores of another jury.",
        )
    model = model_run(gathered, settings)
    seen = _Seen(missing.shape)
    scores = pool_scores(
        seen.watched(completed_utilities(gathered, model, missing, pooling)),
        functions,
        models=gathered.verdicts.models,
        weights=np.array([juror.weight for juror in gathered.jurors]),
        imputed=float(missing.sum() / there.sum()),
        points=model.points,
        reports=tuple(each.report for each in model.surrogates),
        pooling=pooling,
    )
    return FilledRun(
        scores=scores,
        cells=_cells(gathered, missing, there, seen),
        produced_by=f"a surrogate of: {run.scores().produced_by}",
    )


def asked_cells(run: Run, gathered: Gathered) -> BoolArray:
    """Which questions were put and came back, bool [models, items, jurors]."""
    import polars as pl

    ratings = pl.scan_parquet(run.directory.ratings).filter(pl.col("status") != Status.FAILED.value)
    known = ratings.select("model", "item_id", "juror_id").unique().collect()
    asked = np.zeros(gathered.verdicts.points.shape[1:], dtype=np.bool_)
    axes = (
        {name: at for at, name in enumerate(gathered.verdicts.models)},
        {item.id: at for at, item in enumerate(gathered.items)},
        {juror.id: at for at, juror in enumerate(gathered.jurors)},
    )
    places = [
        known[column].replace_strict(axis, return_dtype=pl.Int64).to_numpy()
        for column, axis in zip(("model", "item_id", "juror_id"), axes, strict=True)
    ]
    asked[tuple(places)] = True
    return asked


class _Seen:
    """Mean and spread of every cell over the completed data sets that pass."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._draws = 0
        self._total = np.zeros(shape)
        self._squares = np.zeros(shape)

    def watched(self, completed: Iterator[FloatArray]) -> Iterator[FloatArray]:
        for utilities in completed:
            self._draws += 1
            self._total += utilities
            self._squares += utilities**2
            yield utilities

    @property
    def mean(self) -> FloatArray:
        return self._total / self._draws

    @property
    def sd(self) -> FloatArray:
        spread = self._squares - self._total**2 / self._draws
        return np.sqrt(np.maximum(spread, 0.0) / (self._draws - 1))


def _cells(gathered: Gathered, missing: BoolArray, there: BoolArray, seen: _Seen) -> pl.DataFrame:
    import polars as pl

    models, items, jurors = np.nonzero(there)
    weights = np.array([juror.weight for juror in gathered.jurors])
    place = (models, items, jurors)
    return pl.DataFrame(
        {
            "item_id": np.array([item.id for item in gathered.items], dtype=object)[items],
            "model": np.array(gathered.verdicts.models, dtype=object)[models],
            "juror_id": np.array([juror.id for juror in gathered.jurors], dtype=object)[jurors],
            "weight": weights[jurors],
            "utility": seen.mean[place],
            "sd": np.where(missing, seen.sd, 0.0)[place],
            "imputed": missing[place],
        },
        schema_overrides=dict.fromkeys(("item_id", "model", "juror_id"), pl.String),
    ).with_columns(
        utility=pl.col("utility").fill_nan(None),
        sd=pl.when(pl.col("utility").is_nan()).then(None).otherwise(pl.col("sd")),
    )


def _listed(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return cast("object", value.tolist())
    raise TypeError(f"{type(value).__name__} in a result")
