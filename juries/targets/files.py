"""All targets of a run as files: one JSON or JSONL a kind, its provenance inside or beside.

- `write_targets(run, folder, kinds, settings)`: computes and writes the kinds asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from pydantic_core import to_json

from graphs.items import Pairwise
from juries.exports.forms import ExportSettings, export
from juries.targets.evidence import Evidence, evidence
from juries.targets.gaps import Gap, gaps
from juries.targets.pairs import PairSettings
from juries.targets.perspectives import Perspectives, perspectives
from juries.targets.serving import ModelMixture, item_mixtures, model_mixture
from juries.targets.trade_offs import TradeOffs, trade_offs
from personas.errors import InputError, nearest
from personas.files import replacing

if TYPE_CHECKING:
    from juries.runs import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetSettings:
    """What the targets are computed with.

    Attributes:
        pairs: preferences: welfare function and filters; the function serves the mixture too.
        groups: attributes of the jurors: objectives of trade-offs, groups of gaps and
            distributions.
        k: how many perspectives; chosen by coverage when None.
        resamples: bootstrap resamples.
        level: coverage of intervals.
    """

    pairs: PairSettings = field(default_factory=PairSettings)
    groups: tuple[str, ...] = ()
    k: int | None = None
    resamples: int = 1000
    level: float = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One target that was written.

    Attributes:
        kind: a name of `KINDS`.
        path: of its file; None where there was nothing to write.
        said: what it says, in a few lines.
    """

    kind: str
    path: Path | None
    said: tuple[str, ...]


def write_targets(
    run: Run, folder: Path, kinds: Sequence[str], settings: TargetSettings
) -> tuple[Written, ...]:
    """Compute targets and write each to a file of the folder, whole or not at all.

    Args:
        run: with a majority of valid answers.
        folder: made if need be.
        kinds: names of `KINDS`; a kind that the run cannot have is refused.
        settings: what they are computed with.

    Raises:
        InputError: an unknown kind, or a target that cannot be computed from this run.
    """
    for kind in kinds:
        if kind not in KINDS:
            hint = nearest(kind, KINDS)
            expected = "one of " + ", ".join(KINDS)
            raise InputError(f"unknown target {kind!r}", expected=expected, hint=hint)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be made ({error.strerror})", where=folder) from None
    known = None if set(kinds) == {"distributions"} else evidence(run)
    return tuple(KINDS[kind](run, known, folder, settings) for kind in kinds)


def _exported(kind: str) -> Callable[..., Written]:
    """A target that is a form of export too."""

    def write(run: Run, known: Evidence | None, folder: Path, settings: TargetSettings) -> Written:
        del known
        path = folder / f"{kind}.jsonl"
        wanted = ExportSettings(pairs=settings.pairs, groups=settings.groups)
        written = export(run, kind, path, wanted)
        rows = sum(written.files.values())
        return Written(kind=kind, path=path, said=(f"{rows:,} rows",))

    return write


def _mixture(run: Run, known: Evidence | None, folder: Path, settings: TargetSettings) -> Written:
    del run
    assert known is not None  # noqa: S101 (narrowing; write_targets reads the evidence)
    found = model_mixture(
        known,
        settings.pairs.welfare,
        resamples=min(settings.resamples, 200),
        level=settings.level,
    )
    items = [
        {**asdict(each), "item": known.items[each.item].id}
        for each in item_mixtures(known, settings.pairs.welfare)
    ]
    content = {"models": found, "items": items}
    return _written("mixture", folder, content, _mixture_said(found))


def _mixture_said(found: ModelMixture) -> tuple[str, ...]:
    solution = found.solution
    shares = [
        f"{model} {share:.0%} ({low:.0%} to {high:.0%})"
        for model, share, low, high in zip(
            found.models,
            solution.optimum.probabilities,
            solution.probabilities.low,
            solution.probabilities.high,
            strict=True,
        )
    ]
    optimum = solution.optimum
    gain = optimum.welfare - optimum.welfare_single
    return (
        "serve " + ", ".join(shares),
        f"welfare {optimum.welfare:.3f} ({found.provenance.welfare}), {gain:.3f} above always "
        f"{found.models[optimum.best_single]} ({float(solution.gain.low):.3f} to "
        f"{float(solution.gain.high):.3f}, {solution.gain.resampled} resampled)",
    )


def _trade_offs(
    run: Run, known: Evidence | None, folder: Path, settings: TargetSettings
) -> Written:
    del run
    assert known is not None  # noqa: S101 (as above)
    if not settings.groups and len(known.criteria) < 2:
        said = ("one criterion and no group named: nothing to trade off (--group ATTRIBUTE)",)
        return Written(kind="trade_offs", path=None, said=said)
    # Groups of one attribute are weighed against each other; those of two would overlap.
    by: Sequence[tuple[str, ...]] = [(name,) for name in settings.groups] or [()]
    found = [
        trade_offs(known, groups=groups, resamples=settings.resamples, level=settings.level)
        for groups in by
    ]
    said = tuple(line for each in found for line in _trade_offs_said(each))
    return _written("trade_offs", folder, found, said)


def _trade_offs_said(found: TradeOffs) -> tuple[str, ...]:
    if not found.switches:
        equal = found.always_best
        said = f"{found.models[int(found.best[0])]} is best"
        if len(equal) > 1:
            said = f"{' and '.join(equal)} are equally good"
        return (f"{said} under every weighing of {', '.join(found.objectives)}",)
    return tuple(
        f"{switch.below} until {switch.share:.0%} of the weight moves from "
        f"{switch.from_objective} to {switch.to_objective}, then {switch.above}"
        for switch in found.switches
    )


def _gaps(run: Run, known: Evidence | None, folder: Path, settings: TargetSettings) -> Written:
    del run
    assert known is not None  # noqa: S101 (as above)
    found = gaps(known, groups=settings.groups, resamples=settings.resamples, level=settings.level)
    said = tuple(_gap_said(gap) for gap in found.gaps[:3])
    return _written("gaps", folder, found, said)


def _gap_said(gap: Gap) -> str:
    moves = [
        f"{move.goal} {move.change.value:+.2f}"
        for move in gap.moves
        if move.change.value is not None and move.goal.startswith("text:")
    ][:2]
    return f"{gap.model} for {gap.group}: {gap.gap} below the best; {', '.join(moves)}"


def _perspectives(
    run: Run, known: Evidence | None, folder: Path, settings: TargetSettings
) -> Written:
    del run
    assert known is not None  # noqa: S101 (as above)
    found = perspectives(known, k=settings.k)
    return _written("perspectives", folder, found, _perspectives_said(found))


def _perspectives_said(found: Perspectives) -> tuple[str, ...]:
    lines = [found.reading]
    for each in found.perspectives:
        marks = ", ".join(f"{mark.attribute} = {mark.level}" for mark in each.marks[:2])
        lines.append(f"{each.name}: {each.share:.0%} of the jury; {marks or 'no common mark'}")
    return tuple(lines)


def _written(kind: str, folder: Path, content: object, said: tuple[str, ...]) -> Written:
    path = folder / f"{kind}.json"
    with replacing(path, binary=True) as file:
        file.write(to_json(content, indent=1, inf_nan_mode="null", fallback=_listed) + b"\n")
    return Written(kind=kind, path=path, said=said)


def _listed(value: Any) -> object:
    """Arrays and their numbers as lists and plain numbers."""
    if isinstance(value, np.ndarray | np.generic):
        return cast("object", value.tolist())
    raise TypeError(f"{type(value).__name__} in a target")


KINDS: Mapping[str, Callable[..., Written]] = {
    "preferences": _exported("preferences"),
    "distributions": _exported("distributions"),
    "perspectives": _perspectives,
    "trade_offs": _trade_offs,
    "gaps": _gaps,
    "mixture": _mixture,
}
"""Every target that needs no model weights, by the name that `juries targets` takes."""


def kinds_for(run: Run) -> tuple[str, ...]:
    """The targets that a run can have by its scale; comparisons have no distribution of ratings."""
    pairs = isinstance(run.study.scale, Pairwise)
    return tuple(kind for kind in KINDS if not (pairs and kind == "distributions"))
