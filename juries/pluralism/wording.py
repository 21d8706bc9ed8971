"""Rows of the validity table that rest on how questions were put: option order and wording."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import ValidationError

from graphs.items import Choice
from graphs.records import Call, Status
from juries.figures import Bounds, ValidityRow
from juries.measures.order_effects import OptionOrderEffect, option_order_effect
from juries.pluralism.evidence import Evidence
from juries.sensitivity_record import SensitivityRecord

_CHECK = "order of options"
_MOST_ITEMS = 200


def order_row(evidence: Evidence) -> ValidityRow:
    """How far answers follow the place of an option, where the order shown was logged."""
    places, items = _places(evidence)
    if not len(places):
        return ValidityRow(
            check=_CHECK,
            value=None,
            shown="n/a",
            reading="Only a choice among options that were shown in a logged order can tell it.",
        )
    size = len(evidence.questions[0].points)
    found = option_order_effect(
        places, size, items, rng=evidence.rng("order"), resamples=evidence.spec.resamples
    )
    shown = "n/a" if found.distance is None else f"{found.distance:.3f}"
    return ValidityRow(
        check=_CHECK,
        value=found.distance,
        interval=_first(found),
        shown=shown,
        reading=found.reading,
    )


def _first(found: OptionOrderEffect) -> Bounds | None:
    del found  # the distance has a simulated comparison with chance, not an interval
    return None


def _places(evidence: Evidence) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], list[int]]:
    """Place at which each chosen option of the first question was shown, and its item.

    Ordinal scales are shown up to one half of the jury and down to the other, so the first place
    is the lowest point for one and the highest for the other; only a single choice, whose options
    are rotated, tells a place from a taste.
    """
    places: list[int] = []
    items: list[int] = []
    if not isinstance(evidence.questions[0], Choice):
        return np.array(places, dtype=np.int64), items
    columns = ("item", "rating", "status", "call", "criterion")
    with evidence.ledger() as ledger:
        orders: dict[str, str] = {}
        at = -1
        for rows in ledger.blocks(columns, items=min(len(evidence.items), _MOST_ITEMS)):
            for item, rating, status, call, criterion in rows:
                if item != at:
                    orders = {one.key: one.order for one in ledger.of_item(Call, item)}
                    at = item
                shown = orders.get(call, "").split(";")[0]
                if criterion == 0 and status == Status.OK and shown:
                    places.append(shown.split(",").index(str(rating)))
                    items.append(item)
    return np.array(places, dtype=np.int64), items


def sensitivity_row(folder: Path) -> ValidityRow:
    """What `juries sensitivity` found for this run, if it was run."""
    check = "wording and settings"
    try:
        record = SensitivityRecord.model_validate_json((folder / "sensitivity.json").read_bytes())
    except (OSError, ValidationError):
        return ValidityRow(
            check=check,
            value=None,
            shown="not run",
            reading="Run `juries sensitivity STUDY.yaml` to see which conclusions change when "
            "portraits, scales or seeds do.",
        )
    shown = "n/a" if record.changed is None else f"{record.changed:.0%} change"
    return ValidityRow(check=check, value=record.changed, shown=shown, reading=record.reading)
