"""Repeats of the same question to the same juror, as an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from graphs.records import Status
from juries.pluralism.evidence import Evidence


def repeated_ratings(evidence: Evidence, criterion: int, kept: NDArray[np.intp]) -> FloatArray:
    """Every point given on one criterion, [jurors, responses, replicates]; NaN for none.

    Responses are those of all models to the items kept, models outer. With one replicate nothing
    is read again.
    """
    jurors = len(evidence.jurors)
    if evidence.replicates == 1:
        points = evidence.verdicts.points[criterion][:, kept].astype(np.float64)
        points[points < 0] = np.nan
        return points.reshape(-1, jurors).T[:, :, None]
    table = np.full((len(evidence.models), len(kept), jurors, evidence.replicates), np.nan)
    place = {int(item): at for at, item in enumerate(kept)}
    number = {model: at for at, model in enumerate(evidence.models)}
    columns = ("item", "response", "juror", "criterion", "replicate", "rating", "status")
    with evidence.ledger() as ledger:
        for rows in ledger.blocks(columns, items=len(evidence.items)):
            for item, response, juror, asked, replicate, rating, status in rows:
                if asked == criterion and status == Status.OK and item in place:
                    model = number[evidence.items[item].responses[response].model]
                    table[model, place[item], juror, replicate] = rating
    return table.reshape(-1, jurors, evidence.replicates).swapaxes(0, 1)
