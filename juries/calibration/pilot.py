"""Variance components for planning, from a pilot of people or, with less right, from a jury."""

from __future__ import annotations

import numpy as np

from juries.calibration.answers import Answers
from juries.calibration.study_size import Components
from juries.measures.variance import variance_shares
from personas.errors import InputError

_MOST_CELLS = 50_000_000


def components_of(answers: Answers, *, rng: np.random.Generator) -> Components:
    """Item, rater and residual variance of a table of answers, in squared points.

    Negative estimates of a variance are taken as 0.

    Args:
        answers: of at least two raters about at least two units, some of them shared.
        rng: asked for by the estimator; the components do not depend on it.

    Raises:
        InputError: the components cannot be told apart, or the table is too large for a pilot.
    """
    units, unit = np.unique(answers.unit, return_inverse=True)
    raters, rater = np.unique(answers.rater, return_inverse=True)
    if len(units) * len(raters) > _MOST_CELLS:
        raise InputError(
            f"a pilot of {len(raters):,} raters and {len(units):,} units is too large to hold",
            hint="Use a part of it; a few hundred of each are plenty.",
        )
    table = np.full((len(raters), len(units)), np.nan)
    table[rater.ravel(), unit.ravel()] = answers.rating
    shares = variance_shares(table, rng=rng, resamples=1)
    if shares.components is None:
        raise InputError(f"variances cannot be told from these answers: {shares.reason}")
    item, persona, rest = np.maximum(shares.components[:3], 0.0)
    return Components(item=float(item), rater=float(persona), residual=float(rest))
