"""Two runs side by side: what changed in the study, and which scores changed beyond noise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.resampling import FloatArray, percentile_interval
from juries.measures.welfare_functions import WelfareFunction
from juries.report.source import Source
from personas.errors import JuriesError
from personas.identity import generator


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One model's score under one welfare function, here and in the other run.

    Attributes:
        function: the welfare function's name; `label` is for people.
        model: name.
        here: score in this run.
        there: score in the other.
        difference: here less there.
        low: of its interval; `high` is the other end.
        probability: share of resamples in which the score is higher here.
    """

    function: str
    label: str
    model: str
    here: float
    there: float
    difference: float
    low: float
    high: float
    probability: float

    @property
    def beyond_noise(self) -> bool:
        """Whether the interval of the difference leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A setting that differs between two runs."""

    name: str
    here: str
    there: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A run beside another.

    Attributes:
        other: the other run's study and folder, as text.
        label: what produced the other run's figures.
        paired: whether both runs asked the same jurors about the same items, so that both were
            resampled together.
        resampled: what was drawn, in words.
        level: nominal coverage of the intervals.
        changes: models and functions that both have.
        settings: what differs.
    """

    other: str
    label: str
    paired: bool
    resampled: str
    level: float
    changes: tuple[Change, ...]
    settings: tuple[Setting, ...]


def compare(here: Source, there: Source) -> Comparison:
    """Compare two runs on the models and welfare functions that both have.

    Where both asked the same jurors about the same items, both are resampled together; else each
    by itself, and the interval is that of two independent studies.

    Raises:
        JuriesError: they have no model or no welfare function in common.
    """
    models = [model for model in here.models if model in there.models]
    theirs = {function.name for function in there.functions}
    functions = [function for function in here.functions if function.name in theirs]
    if not models or not functions:
        lacking = "model" if not models else "welfare function"
        raise JuriesError(
            f"{here.directory.path} and {there.directory.path} have no {lacking} in common, so "
            "there is nothing to compare."
        )
    paired = _same_seats(here, there)
    replicates = (_together if paired else _apart)(here, there, models, functions)
    return Comparison(
        other=f"{there.record.study} ({there.directory.path})",
        label=there.label,
        paired=paired,
        resampled="items and jurors" + ("" if paired else ", each run by itself"),
        level=here.study.scores.level,
        changes=tuple(_changes(here, models, functions, replicates)),
        settings=tuple(_settings(here, there)),
    )


def _same_seats(here: Source, there: Source) -> bool:
    return [item.id for item in here.items] == [item.id for item in there.items] and [
        (juror.id, juror.weight) for juror in here.jurors
    ] == [(juror.id, juror.weight) for juror in there.jurors]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Pair:
    """Scores and replicates of both runs, arrays [functions, models] and [functions, models, B]."""

    here: FloatArray
    there: FloatArray
    here_replicates: FloatArray
    there_replicates: FloatArray


def _together(
    here: Source, there: Source, models: list[str], functions: list[WelfareFunction]
) -> _Pair:
    """Both runs as one set of models, so that every resample draws for both."""
    both = np.concatenate([_utilities(here, models), _utilities(there, models)])
    boot = welfare_bootstrap(
        both,
        functions,
        weights=here.weights,
        resamples=here.scores.resamples,
        rng=generator(here.record.seed, "report", "compare"),
    )
    size = len(models)
    return _Pair(
        here=boot.estimate[:, :size],
        there=boot.estimate[:, size:],
        here_replicates=boot.replicates[:, :size],
        there_replicates=boot.replicates[:, size:],
    )


def _apart(
    here: Source, there: Source, models: list[str], functions: list[WelfareFunction]
) -> _Pair:
    boots = [
        welfare_bootstrap(
            _utilities(source, models),
            functions,
            weights=source.weights,
            resamples=here.scores.resamples,
            rng=generator(here.record.seed, "report", "compare", name),
        )
        for source, name in ((here, "here"), (there, "there"))
    ]
    return _Pair(
        here=boots[0].estimate,
        there=boots[1].estimate,
        here_replicates=boots[0].replicates,
        there_replicates=boots[1].replicates,
    )


def _utilities(source: Source, models: list[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
    return source.utilities[[source.models.index(model) for model in models]]


def _changes(
    here: Source, models: list[str], functions: list[WelfareFunction], pair: _Pair
) -> Iterator[Change]:
    for f, function in enumerate(functions):
        for m, model in enumerate(models):
            gaps = pair.here_replicates[f, m] - pair.there_replicates[f, m]
            defined = gaps[~np.isnan(gaps)]
            estimate = float(pair.here[f, m] - pair.there[f, m])
            if np.isnan(estimate) or not defined.size:
                continue
            interval = percentile_interval(
                gaps, here.study.scores.level, resampled="items and jurors"
            )
            ahead = (defined > 0).sum() + 0.5 * (defined == 0).sum()
            yield Change(
                function=function.name,
                label=function.label,
                model=model,
                here=float(pair.here[f, m]),
                there=float(pair.there[f, m]),
                difference=estimate,
                low=float(interval.low),
                high=float(interval.high),
                probability=float(ahead / defined.size),
            )


def _settings(here: Source, there: Source) -> Iterator[Setting]:
    """Settings, minds, hashes and versions that are not the same."""
    ours, theirs = (dict(_flat(_identity(source))) for source in (here, there))
    for name in dict.fromkeys((*ours, *theirs)):
        if ours.get(name) != theirs.get(name):
            yield Setting(
                name=name, here=ours.get(name, "not set"), there=theirs.get(name, "not set")
            )


def _identity(source: Source) -> dict[str, Any]:
    return {
        **source.study.model_dump(mode="json"),
        "minds": {m.name: f"{m.version}, {m.jurors} jurors" for m in source.record.minds},
        "hash": source.record.hashes,
        "version": source.record.versions,
        "items covered": source.record.items,
    }


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(cast("dict[str, Any]", value), f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(value)
