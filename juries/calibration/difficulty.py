"""GLAD: raters of unlike ability, units of unlike difficulty (Whitehill et al. 2009).

A rater of ability a gives the true label of a unit of difficulty d with probability
sigmoid(a / d), and each other label with an equal share of the rest.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, log_expit, logsumexp

from graphs.items import FloatArray
from juries.calibration.answers import Answers
from juries.calibration.latent_truth import LatentTruth

_M_STEPS = 25


def glad(answers: Answers, *, iterations: int = 50, tolerance: float = 1e-6) -> LatentTruth:
    """Fit abilities and difficulties by expectation-maximisation.

    Ability has a normal prior with mean 1 and variance 1, log difficulty one with mean 0 and
    variance 1; the labels' prior is uniform. The M-step is L-BFGS over all abilities and
    difficulties, which suits tables of up to some million answers.

    Args:
        answers: the table.
        iterations: most EM steps.
        tolerance: stop when the penalised log-likelihood gains less than this share of itself.

    Raises:
        ValueError: no answers.
    """
    if not len(answers) or iterations < 1:
        raise ValueError("needs at least one answer and one iteration")
    raters = len(answers.raters)
    parameters = np.concatenate([np.ones(raters), np.zeros(len(answers.units))])
    posterior, last = _posterior(answers, parameters)
    converged, steps = False, 0
    while steps < iterations and not converged:
        steps += 1
        parameters = _maximise(answers, posterior, parameters)
        posterior, likelihood = _posterior(answers, parameters)
        converged = likelihood - last <= tolerance * abs(likelihood)
        last = likelihood
    return LatentTruth(
        method="GLAD",
        posterior=posterior,
        prior=np.full(answers.points, 1 / answers.points),
        competence=parameters[:raters],
        competence_error=None,
        confusion=None,
        difficulty=np.exp(-parameters[raters:]),
        log_likelihood=last,
        iterations=steps,
        converged=bool(converged),
    )


def _posterior(answers: Answers, parameters: FloatArray) -> tuple[FloatArray, float]:
    """Posterior labels [U, K] and the penalised log-likelihood."""
    logit = _logit(answers, parameters)
    points, units = answers.points, len(answers.units)
    wrong = log_expit(-logit) - np.log(points - 1)  # what the answer says of every other label
    extra = np.bincount(
        answers.unit * points + answers.rating - 1,
        weights=log_expit(logit) - wrong,
        minlength=units * points,
    )
    scores = extra.reshape(units, points) - np.log(points)
    scores += np.bincount(answers.unit, weights=wrong, minlength=units)[:, None]
    evidence = np.asarray(logsumexp(scores, axis=1), dtype=np.float64)
    penalty = _penalty(parameters, len(answers.raters))
    return np.exp(scores - evidence[:, None]), float(evidence.sum()) - penalty


def _maximise(answers: Answers, posterior: FloatArray, start: FloatArray) -> FloatArray:
    """Abilities and minus log difficulties that suit the posterior, in one vector."""
    right = posterior[answers.unit, answers.rating - 1]
    raters, units = len(answers.raters), len(answers.units)

    def loss(parameters: FloatArray) -> tuple[float, FloatArray]:
        logit = _logit(answers, parameters)
        value = -(right * log_expit(logit) + (1 - right) * log_expit(-logit)).sum()
        surplus = expit(logit) - right
        ease = np.exp(parameters[raters:])[answers.unit]
        gradient = parameters.copy()  # of the penalty, but for the mean of the abilities
        gradient[:raters] += np.bincount(answers.rater, surplus * ease, raters) - 1
        gradient[raters:] += np.bincount(answers.unit, surplus * logit, units)
        return float(value) + _penalty(parameters, raters), gradient

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _M_STEPS})
    return np.asarray(found.x, dtype=np.float64)


def _logit(answers: Answers, parameters: FloatArray) -> FloatArray:
    raters = len(answers.raters)
    return parameters[answers.rater] * np.exp(parameters[raters:])[answers.unit]


def _penalty(parameters: FloatArray, raters: int) -> float:
    return float(((parameters[:raters] - 1) ** 2).sum() + (parameters[raters:] ** 2).sum()) / 2
