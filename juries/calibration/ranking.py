"""What a jury says of which items people should see: uncertainty, disagreement, spread."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphs.items import Choice, FloatArray
from juries.calibration.answers import Answers
from juries.calibration.planning import Strategy
from juries.calibration.run_answers import JuryTable
from personas.errors import InputError


def item_scores(jury: JuryTable, strategy: Strategy, *, by: Sequence[str] = ()) -> FloatArray:
    """How much each item of a run needs people, [I]; means over models and criteria.

    - `uncertainty`: entropy of the jury's answers as a share of its maximum;
    - `disagreement`: spread of the means of groups of jurors beyond what their size explains, as a
      share of the scale (for choices: of their shares), mean over the attributes `by`;
    - `neyman`: weighted standard deviation of jurors' answers, the predicted spread of people's;
    - `random`: as `uncertainty`, for the ranking alone.

    An item on which the jury failed throughout has the highest score of all.

    Args:
        jury: a run's answers.
        strategy: what is wanted.
        by: attributes of jurors, for `disagreement`.

    Raises:
        InputError: disagreement without an attribute that at least two groups of jurors have.
    """
    if strategy == "disagreement" and not by:
        raise InputError(
            "disagreement between groups needs to know which", hint="Name an attribute with --by."
        )
    columns: list[FloatArray] = []
    for criterion, question in enumerate(jury.questions):
        answers = jury.answers(criterion)
        if strategy == "disagreement":
            ordinal = not isinstance(question, Choice)
            columns += [_between(answers, jury, name, ordinal=ordinal) for name in by]
        elif strategy == "neyman":
            columns.append(_spread(answers, jury.weights, nominal=isinstance(question, Choice)))
        else:
            columns.append(_entropy(answers.shares(jury.weights)))
    table = np.stack(columns, axis=1).reshape(len(jury.items), -1)
    known = np.isfinite(table)
    total = np.where(known, table, 0).sum(axis=1)
    score = np.divide(
        total, known.sum(axis=1), out=np.full(len(table), np.nan), where=known.any(axis=1)
    )
    failed = np.isnan(score)
    score[failed] = 1.0 if failed.all() else float(np.nanmax(score))
    return score


def _entropy(shares: FloatArray) -> FloatArray:
    logs = np.log(np.where(shares > 0, shares, 1.0))
    return np.maximum(-(shares * logs).sum(axis=1), 0.0) / np.log(shares.shape[1])


def _spread(answers: Answers, weights: FloatArray, *, nominal: bool) -> FloatArray:
    shares = answers.shares(weights)
    if nominal:
        return np.sqrt(np.maximum(1 - (shares**2).sum(axis=1), 0.0))
    points = np.arange(1.0, answers.points + 1)
    mean: FloatArray = shares @ points
    return np.sqrt(np.maximum(shares @ points**2 - mean**2, 0.0))


def _between(answers: Answers, jury: JuryTable, attribute: str, *, ordinal: bool) -> FloatArray:
    """Standard deviation between groups, the part that chance explains taken off, [U]."""
    levels = sorted({str(row[attribute]) for row in jury.attributes if attribute in row})
    masks = [jury.group(attribute, level) for level in levels]
    masks = [mask for mask in masks if mask.sum() >= 2]
    if len(masks) < 2:
        raise InputError(
            f"fewer than two groups of jurors differ in {attribute!r}",
            found=", ".join(levels) or "no juror has the attribute",
            expected="at least 2 levels with 2 jurors each",
        )
    share = np.array([jury.weights[mask].sum() for mask in masks])
    share /= share.sum()
    groups = [answers.by_raters(mask) for mask in masks]
    shares = np.stack([group.shares(jury.weights) for group in groups])
    n = np.stack([group.answered() for group in groups]).astype(np.float64)
    n[n < 2] = np.nan  # a group of one says nothing of its own noise: the unit is left out
    if ordinal:
        step = np.arange(answers.points) / (answers.points - 1)
        means: FloatArray = shares @ step
        within = shares @ step**2 - means**2
        means = means[..., None]
    else:
        means, within = shares, 1 - (shares**2).sum(axis=2)
    overall = np.einsum("g,guk->uk", share, means)
    between = share @ ((means - overall) ** 2).sum(axis=2)
    chance = (share * (1 - share)) @ (within / (n - 1))
    return np.sqrt(np.maximum(between - chance, 0.0))
