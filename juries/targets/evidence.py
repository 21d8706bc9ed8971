"""What targets are computed from: utilities of a run, checked once, with what their axes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray, Item
from graphs.panel import Juror
from graphs.records import Status
from juries.scores import Scores
from juries.targets.provenance import UNCALIBRATED, Provenance, origin
from juries.verdicts import Verdicts
from personas.errors import InputError, nearest

if TYPE_CHECKING:
    from juries.runs import Run

BoolArray = NDArray[np.bool_]
AnyFloat = NDArray[np.floating]

NOT_STATED = "(not stated)"
_MAJORITY = 0.5
_SMALLEST_GROUP = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """A jury's utilities; M models, I items, J jurors, C criteria.

    Attributes:
        items: in study order, length I.
        models: names, length M.
        jurors: in seat order, length J.
        criteria: names, length C.
        by_criterion: float32 [C, M, I, J] in [0, 1]; NaN where there is no valid answer.
        utilities: of the whole response, float32 [M, I, J].
        present: bool [M, I], whether the model has a response to the item.
        put: bool [I, J], who was to be asked about which item.
        origin: provenance, before a target is named.
        seed: of the study; targets draw from streams of their own.
    """

    items: Sequence[Item]
    models: tuple[str, ...]
    jurors: tuple[Juror, ...]
    criteria: tuple[str, ...]
    by_criterion: AnyFloat
    utilities: AnyFloat
    present: BoolArray
    put: BoolArray
    origin: Provenance
    seed: int

    @cached_property
    def weights(self) -> FloatArray:
        """Weights of the jurors, [J], sum 1."""
        return np.array([juror.weight for juror in self.jurors])

    def asked(self, item: int) -> int:
        """How many jurors were to be asked about an item."""
        return int(self.put[item].sum())

    def text(self, model: int, item: int) -> str:
        """The response of a model to an item."""
        name = self.models[model]
        return next(r.text for r in self.items[item].responses if r.model == name)

    def groups(self, attribute: str) -> dict[str, BoolArray]:
        """Members of each level of an attribute, bool [J]; levels with one juror are left out.

        Raises:
            InputError: no juror has the attribute, or no level has two jurors.
        """
        values = [juror.persona.attributes.get(attribute) for juror in self.jurors]
        if all(value is None for value in values):
            known = sorted({name for juror in self.jurors for name in juror.persona.attributes})
            raise InputError(
                f"no juror has the attribute {attribute!r}",
                expected="one of " + ", ".join(known),
                hint=nearest(attribute, known),
            )
        labels = [NOT_STATED if value is None else str(value) for value in values]
        members = {level: np.array([one == level for one in labels]) for level in sorted({*labels})}
        kept = {level: who for level, who in members.items() if who.sum() >= _SMALLEST_GROUP}
        if not kept:
            raise InputError(
                f"no two jurors share a level of {attribute!r}",
                hint="Band the attribute in the study (`population: derive`).",
            )
        return kept


def evidence(run: Run) -> Evidence:
    """The evidence of a run.

    Raises:
        InputError: the scale has no utilities, no item has two responses, or fewer than half of
            the questions put were validly answered.
        JuriesError: nothing was recorded yet.
    """
    gathered = run.gather()
    if any(question.utilities is None for question in gathered.questions):
        raise InputError(
            "the scale states no `worth` of its options, so there is no welfare to steer by",
            where=run.directory.study,
            hint="Give `scale: worth`, or ask for the target `distributions`, which needs none.",
        )
    answered = answered_share(gathered.verdicts)
    _require_majority(run, answered)
    return Evidence(
        items=gathered.items,
        models=gathered.verdicts.models,
        jurors=gathered.jurors,
        criteria=gathered.criteria,
        by_criterion=gathered.verdicts.utilities,
        utilities=gathered.verdicts.overall(),
        present=gathered.verdicts.present,
        put=gathered.verdicts.put,
        origin=origin(run.record, answered=answered, calibration=calibration_of(run)),
        seed=run.record.seed,
    )


def answered_share(verdicts: Verdicts) -> float:
    """Validly answered questions, as a share of all that were to be put."""
    valid = verdicts.statuses[:, list(Status).index(Status.OK)].sum()
    return float(valid / max(int(verdicts.asked.sum()), 1))


def calibration_of(run: Run) -> str:
    """What the run's scores say of calibration; uncalibrated where there are none."""
    if not run.directory.scores.exists():
        return UNCALIBRATED
    return Scores.model_validate_json(run.directory.scores.read_bytes()).calibration


def _require_majority(run: Run, answered: float) -> None:
    if answered > _MAJORITY:
        return
    raise InputError(
        f"only {answered:.0%} of the questions were validly answered",
        where=run.path,
        expected="more than half",
        hint="See the statuses in `juries score`; run again with the same --out to ask what "
        "failed once more. No target is computed from a failed majority.",
    )


def require_two_responses(evidence: Evidence) -> None:
    """Refuse a run in which no item has two responses to choose between.

    Raises:
        InputError: saying how many models there are.
    """
    most = int(evidence.present.sum(axis=0).max(initial=0))
    if most < 2:
        raise InputError(
            "no item has two responses, so there is nothing to choose between",
            found=f"{len(evidence.models)} model(s), at most {most} response(s) an item",
            expected="responses of two models or more",
        )


def group_label(attribute: str, level: str) -> str:
    """How a group is named in every target, such as `outlook=decisive`."""
    return f"{attribute}={level}"


def labelled_groups(evidence: Evidence, attributes: Sequence[str]) -> Mapping[str, BoolArray]:
    """Members of every level of several attributes, under their labels."""
    return {
        group_label(attribute, level): members
        for attribute in attributes
        for level, members in evidence.groups(attribute).items()
    }
