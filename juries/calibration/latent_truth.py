"""Aggregates that assume one true label for each unit, and the alternative that does not.

- `dawid_skene`: a confusion matrix for every rater (Dawid and Skene 1979).
- `mace`: every rater knows the truth or spams (Hovy et al. 2013).
- `glad`: raters differ in ability, units in difficulty (Whitehill et al. 2009); in
  `juries.calibration.difficulty`.
- `soft_labels`: the answers' own distribution. Where people disagree because they value different
  things there is no latent truth to find, and this is the honest aggregate.

Dawid-Skene and MACE share one pass over the data (gather, softmax, scatter) and differ in the
M-step. People and jurors go in together as raters of one `Answers` table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from graphs.items import FloatArray
from juries.calibration.answers import Answers, IntArray

Method = Literal["Dawid-Skene", "MACE", "GLAD"]
_BLOCK = 1 << 16  # units at a time: their posteriors then stay in the processor's cache
_TINY = 1e-300


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LatentTruth:
    """Posterior labels of U units and what was learned of R raters; K points.

    Attributes:
        method: the model fitted.
        posterior: probability of each point, [U, K]; the prior where nobody answered.
        prior: share of each point, [K].
        competence: by rater, [R]: probability of the true label (Dawid-Skene, averaged over the
            prior), of not spamming (MACE), or ability (GLAD, unbounded; 0 is chance).
        competence_error: standard error of it given the posterior, [R]; None for GLAD.
        confusion: probability that a rater answers l where k is true, [R, K, K]; None for GLAD.
        difficulty: of each unit, [U], positive, higher is harder; GLAD only.
        log_likelihood: of the answers under the fit (GLAD: with its priors).
        iterations: EM steps taken.
        converged: whether the log-likelihood settled before the steps ran out.
    """

    method: Method
    posterior: FloatArray
    prior: FloatArray
    competence: FloatArray
    competence_error: FloatArray | None
    confusion: FloatArray | None
    difficulty: FloatArray | None
    log_likelihood: float
    iterations: int
    converged: bool

    @property
    def labels(self) -> IntArray:
        """The most probable point 1..K of each unit, [U]; the lower one in a tie."""
        return self.posterior.argmax(axis=1) + 1


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SoftLabels:
    """The distribution of answers to each unit.

    Attributes:
        distribution: share of each point, [U, K]; NaN where nobody answered.
        standard_error: of the shares, from the effective number of answers, [U, K].
        entropy: in nats, [U].
        effective: effective number of answers after weights (Kish), [U].
    """

    distribution: FloatArray
    standard_error: FloatArray
    entropy: FloatArray
    effective: FloatArray


def soft_labels(
    answers: Answers, *, weights: ArrayLike | None = None, smoothing: float = 0.0
) -> SoftLabels:
    """Share of each point in the answers to each unit, nothing assumed.

    Args:
        answers: the table.
        weights: of the raters, [R]; equal without.
        smoothing: added to each point's weight before sharing out (a Dirichlet prior).
    """
    per_answer = np.ones(len(answers))
    if weights is not None:
        per_answer = np.asarray(weights, dtype=np.float64)[answers.rater]
    units, points = len(answers.units), answers.points
    cell = answers.unit * points + answers.rating - 1
    mass = np.bincount(cell, weights=per_answer, minlength=units * points).reshape(units, points)
    squares = np.bincount(answers.unit, weights=per_answer**2, minlength=units)
    total = mass.sum(axis=1)
    effective = np.divide(total**2, squares, out=np.zeros(units), where=squares > 0)
    mass = np.where(total[:, None] > 0, mass + smoothing, np.nan)
    shares = mass / mass.sum(axis=1, keepdims=True)
    log_shares = np.log(np.where(shares > 0, shares, 1.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(shares * (1 - shares) / effective[:, None])
    return SoftLabels(
        distribution=shares,
        standard_error=error,
        entropy=-(shares * log_shares).sum(axis=1),
        effective=effective,
    )


def dawid_skene(
    answers: Answers, *, iterations: int = 100, tolerance: float = 1e-7, smoothing: float = 0.0
) -> LatentTruth:
    """Fit a confusion matrix for every rater by expectation-maximisation.

    Starts from the shares of the answers, as the authors do.

    Args:
        answers: the table; a rater may answer a unit more than once.
        iterations: most EM steps.
        tolerance: stop when the log-likelihood gains less than this share of itself; below 0,
            take every step.
        smoothing: added to every cell of the confusion counts.
    """

    def maximise(counts: FloatArray) -> FloatArray:
        cells = counts + smoothing
        totals = cells.sum(axis=2, keepdims=True)
        even = np.full_like(cells, 1 / answers.points)  # never seen where k is true
        return np.divide(cells, totals, out=even, where=totals > 0)

    fit = _expectation_maximisation(
        answers, maximise, iterations=iterations, tolerance=tolerance, free_prior=True
    )
    correct = np.einsum("rkk->rk", fit.confusion)
    seen = np.maximum(fit.counts.sum(axis=2), 1.0)
    error = np.sqrt((fit.prior**2 * correct * (1 - correct) / seen).sum(axis=1))
    return _result("Dawid-Skene", fit, correct @ fit.prior, error)


def mace(
    answers: Answers, *, iterations: int = 100, tolerance: float = 1e-7, smoothing: float = 0.1
) -> LatentTruth:
    """Fit, for every rater, how often they know the truth and what they answer when they do not.

    P(l | k) = competence * 1{l = k} + (1 - competence) * spam(l), the labels' prior uniform as in
    the original; started from the shares of the answers, so that no restarts are needed.

    Args:
        answers: the table.
        iterations: most EM steps.
        tolerance: as in `dawid_skene`.
        smoothing: added to the counts of knowing, of spamming, and of each spammed label.
    """
    points = answers.points
    raters = len(answers.raters)
    known, spam = np.full(raters, 0.5), np.full((raters, points), 1 / points)

    def maximise(counts: FloatArray) -> FloatArray:
        nonlocal known, spam
        diagonal = np.einsum("rkk->rk", counts)
        copying = known[:, None] / (known[:, None] + (1 - known[:, None]) * spam + _TINY)
        copied = diagonal * copying
        spammed = counts.sum(axis=1) - copied + smoothing / points
        knowing = copied.sum(axis=1) + smoothing
        known = knowing / (knowing + spammed.sum(axis=1))
        spam = spammed / np.maximum(spammed.sum(axis=1, keepdims=True), _TINY)
        return known[:, None, None] * np.eye(points) + ((1 - known)[:, None] * spam)[:, None, :]

    fit = _expectation_maximisation(
        answers, maximise, iterations=iterations, tolerance=tolerance, free_prior=False
    )
    given = np.maximum(np.bincount(answers.rater, minlength=raters), 1)
    return _result("MACE", fit, known, np.sqrt(known * (1 - known) / given))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    posterior: FloatArray
    prior: FloatArray
    confusion: FloatArray
    counts: FloatArray
    log_likelihood: float
    iterations: int
    converged: bool


def _expectation_maximisation(
    answers: Answers,
    maximise: Callable[[FloatArray], FloatArray],
    *,
    iterations: int,
    tolerance: float,
    free_prior: bool,
) -> _Fit:
    """EM over confusion matrices; `maximise` takes expected counts [R, K true, K said] to them."""
    if not len(answers) or iterations < 1:
        raise ValueError("needs at least one answer and one iteration")
    raters, points = len(answers.raters), answers.points
    blocks = list(_incidence(answers))
    posterior = np.full((len(answers.units), points), 1 / points)
    counts = np.zeros((raters, points, points))
    for start, block in blocks:
        votes = np.asarray(block.sum(axis=1)).ravel()
        said = block @ np.tile(np.eye(points), (raters, 1))
        rows = posterior[start : start + len(votes)]
        np.divide(said, votes[:, None], out=rows, where=votes[:, None] > 0)
        counts += _scatter(block, rows, raters)
    answered = answers.answered() > 0
    last, converged, steps = -np.inf, False, 0
    prior = np.full(points, 1 / points)
    confusion = np.empty_like(counts)
    while steps < iterations:
        steps += 1
        if free_prior:
            prior = posterior[answered].mean(axis=0)
        confusion = maximise(counts)
        log_likelihood, counts = _expectation(blocks, prior, confusion, posterior)
        converged = log_likelihood - last <= tolerance * abs(log_likelihood)
        last = log_likelihood
        if converged and tolerance >= 0:
            break
    return _Fit(
        posterior=posterior,
        prior=prior,
        confusion=confusion,
        counts=counts,
        log_likelihood=last,
        iterations=steps,
        converged=bool(converged),
    )


def _incidence(answers: Answers) -> Iterator[tuple[int, Any]]:
    """Sparse [units of a block, R * K] counts of what each rater said, with the block's start."""
    columns = len(answers.raters) * answers.points
    order = np.argsort(answers.unit, kind="stable")
    unit = answers.unit[order]
    said = (answers.rater * answers.points + answers.rating - 1)[order]
    for start in range(0, len(answers.units), _BLOCK):
        stop = min(start + _BLOCK, len(answers.units))
        first, last = np.searchsorted(unit, [start, stop])
        yield (
            start,
            sparse.csr_array(
                (np.ones(last - first), (unit[first:last] - start, said[first:last])),
                shape=(stop - start, columns),
            ),
        )


def _expectation(
    blocks: list[tuple[int, Any]], prior: FloatArray, confusion: FloatArray, posterior: FloatArray
) -> tuple[float, FloatArray]:
    """Fill `posterior` in place; return the log-likelihood and the expected counts."""
    raters, points = confusion.shape[0], len(prior)
    said = np.log(np.maximum(confusion, _TINY)).transpose(0, 2, 1).reshape(raters * points, points)
    log_prior = np.log(np.maximum(prior, _TINY))
    counts = np.zeros_like(confusion)
    total = 0.0
    for start, block in blocks:
        scores = np.ascontiguousarray((block @ said).T)  # by point: numpy is slow on short rows
        scores += log_prior[:, None]
        top = scores.max(axis=0)
        np.exp(scores - top, out=scores)
        mass = scores.sum(axis=0)
        total += float(np.log(mass).sum() + top.sum())
        rows = posterior[start : start + scores.shape[1]]
        np.divide(scores.T, mass[:, None], out=rows)
        counts += _scatter(block, rows, raters)
    return total, counts


def _scatter(block: Any, posterior: FloatArray, raters: int) -> FloatArray:
    """Expected counts [R, K true, K said] of one block."""
    points = posterior.shape[1]
    return np.asarray(block.T @ posterior).reshape(raters, points, points).transpose(0, 2, 1)


def _result(
    method: Method, fit: _Fit, competence: FloatArray, competence_error: FloatArray
) -> LatentTruth:
    return LatentTruth(
        method=method,
        posterior=fit.posterior,
        prior=fit.prior,
        competence=competence,
        competence_error=competence_error,
        confusion=fit.confusion,
        difficulty=None,
        log_likelihood=fit.log_likelihood,
        iterations=fit.iterations,
        converged=fit.converged,
    )
