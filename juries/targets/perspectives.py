"""A small set of perspectives that covers the jury: medoid personas with their shares.

Jurors are compared by what they rate above and below their own mean, relative to the jury, over
all responses. k medoids are found by PAM (Kaufman & Rousseeuw 1990). Coverage of k perspectives is
the share of the jurors' disagreement that they account for,

    1 - sum_j p_j d(j, nearest of k) / sum_j p_j d(j, the one best medoid),

measured on items that took no part in choosing medoids and members, so that fitting noise does
not count as covering. The smallest k that reaches a share of the best coverage is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from juries.targets.evidence import Evidence
from juries.targets.medoids import choose_medoids
from juries.targets.provenance import Provenance
from personas.errors import InputError
from personas.identity import generator
from personas.portrait import Template, portray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

MOST = 8
REACHED = 0.9
"""Share of the best coverage that the k taken must reach."""

_FOLDS = 10
_MARKED = 1.25
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An attribute level more common among a perspective's members than in the jury."""

    attribute: str
    level: str
    share: float
    share_in_jury: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Perspective:
    """One perspective.

    Attributes:
        name: `perspective 1` …, the largest share first.
        share: of the jury's weight nearest to it.
        jurors: how many seats.
        medoid: id of the juror that stands for it.
        prompt: system prompt that steers a model to it.
        marks: what its members have in common, the most telling first.
        utilities: mean utility of each model among its members.
    """

    name: str
    share: float
    jurors: int
    medoid: str
    prompt: str
    marks: tuple[Mark, ...]
    utilities: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Perspectives:
    """The set, and how well it covers.

    Attributes:
        perspectives: the largest first.
        coverage: held-out coverage of 1, 2 … perspectives (0 for one, by definition).
        reading: what was found, in words.
        unplaced: jurors without a valid rating, in no perspective.
        provenance: where they come from.
    """

    perspectives: tuple[Perspective, ...]
    coverage: tuple[float, ...]
    reading: str
    unplaced: int
    provenance: Provenance


def perspectives(
    evidence: Evidence,
    *,
    k: int | None = None,
    most: int = MOST,
    template: Template = "prose",
) -> Perspectives:
    """Steering prompts that cover the jury.

    Args:
        evidence: a run's utilities.
        k: how many; chosen by coverage when None.
        most: largest number considered.
        template: how a medoid persona is put in words.

    Raises:
        InputError: fewer than four jurors with valid ratings, fewer than two items, or a k that
            is out of range.
    """
    tastes, placed = _tastes(evidence)
    jurors = np.flatnonzero(placed)
    if len(jurors) < 4 or len(evidence.items) < 2:
        raise InputError(
            "too little to tell perspectives apart",
            found=f"{len(jurors)} jurors with ratings, {len(evidence.items)} items",
            expected="four jurors and two items at least",
        )
    most = min(most, len(jurors) // 2)
    if k is not None and not 1 <= k <= len(jurors):
        raise InputError(f"{k} perspectives of {len(jurors)} jurors", expected="1 to the jurors")
    weights = evidence.weights[jurors] / evidence.weights[jurors].sum()
    coverage = _coverage(tastes[jurors], weights, max(most, k or 1), evidence.seed)
    count = k or _enough(coverage)
    chosen = choose_medoids(_distances(tastes[jurors].reshape(len(jurors), -1)), weights, count)
    found = _describe(evidence, jurors, weights, chosen.medoids, chosen.labels, template)
    reading = (
        f"{count} perspective(s) account for {coverage[count - 1]:.0%} of the jurors' "
        f"disagreement on items that took no part in finding them (at best "
        f"{max(coverage):.0%}, with {int(np.argmax(coverage)) + 1})."
    )
    if not evidence.put.all():
        reading += (
            f" Jurors were asked about {evidence.put.mean():.0%} of the items, and what they were "
            "not asked counts as the common view: that hides perspectives."
        )
    return Perspectives(
        perspectives=found,
        coverage=tuple(coverage.tolist()),
        reading=reading,
        unplaced=int((~placed).sum()),
        provenance=evidence.origin.of(
            "perspectives", settings={"k": count, "chosen": k is None, "template": template}
        ),
    )


def _tastes(evidence: Evidence) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Utilities less the response's and the juror's mean, [jurors, items, models]; 0 missing."""
    values = evidence.utilities.astype(np.float64).transpose(2, 1, 0)
    there = ~np.isnan(values)
    weight = evidence.weights[:, None, None] * there
    total = weight.sum(axis=0)
    filled = np.where(there, values, 0.0)
    mean = np.divide(
        (filled * weight).sum(axis=0), total, out=np.zeros_like(total), where=total > 0
    )
    tastes = np.where(there, values - mean, 0.0)
    answered = there.sum(axis=(1, 2))
    own = tastes.sum(axis=(1, 2)) / np.maximum(answered, 1)
    return np.where(there, tastes - own[:, None, None], 0.0), answered > 0


def _distances(tastes: FloatArray) -> FloatArray:
    """Mean squared differences between jurors, [jurors, jurors]."""
    norms = (tastes**2).sum(axis=1)
    squared = norms[:, None] + norms[None] - 2 * tastes @ tastes.T
    np.fill_diagonal(squared, 0.0)
    return np.maximum(squared, 0.0) / max(tastes.shape[1], 1)


def _coverage(tastes: FloatArray, weights: FloatArray, most: int, seed: int) -> FloatArray:
    """Held-out coverage of 1 … most perspectives, mean over random halves of the items.

    On the held-out half a juror is compared with the mean of the others in its cluster, the
    perspective, not with the noise of the one medoid.
    """
    rng = generator(seed, "targets", "perspectives")
    items = tastes.shape[1]
    left = np.zeros(most)
    for _ in range(_FOLDS):
        dealt = rng.permutation(items)
        for fit, held in (
            (dealt[: items // 2], dealt[items // 2 :]),
            (dealt[items // 2 :], dealt[: items // 2]),
        ):
            known = tastes[:, fit].reshape(len(tastes), -1)
            apart = _distances(known)
            new = tastes[:, held].reshape(len(tastes), -1)
            for count in range(1, most + 1):
                labels = choose_medoids(apart, weights, count).labels
                left[count - 1] += _unexplained(new, labels, weights)
    return 1.0 - left / left[0] if left[0] > 0 else np.zeros(most)


def _unexplained(tastes: FloatArray, labels: IntArray, weights: FloatArray) -> float:
    """Weighted squared distance of jurors to the mean of the others in their cluster."""
    member = np.equal.outer(labels, np.arange(int(labels.max()) + 1)).astype(np.float64)
    mass = (member * weights[:, None]).T
    others = (mass @ tastes)[labels] - weights[:, None] * tastes
    rest = mass.sum(axis=1)[labels] - weights
    alone = rest <= 1e-12
    centre = np.divide(others, rest[:, None], out=np.zeros_like(others), where=~alone[:, None])
    return float((weights * ((tastes - centre) ** 2).sum(axis=1)).sum())


def _enough(coverage: FloatArray) -> int:
    best = float(coverage.max())
    if best <= 0:
        return 1
    return int(np.flatnonzero(coverage >= REACHED * best)[0]) + 1


def _describe(
    evidence: Evidence,
    jurors: IntArray,
    weights: FloatArray,
    medoids: IntArray,
    labels: IntArray,
    template: Template,
) -> tuple[Perspective, ...]:
    shares = np.bincount(labels, weights, minlength=len(medoids))
    found: list[Perspective] = []
    for rank, cluster in enumerate(np.argsort(-shares, kind="stable").tolist()):
        members = jurors[labels == cluster]
        medoid = evidence.jurors[int(jurors[medoids[cluster]])]
        found.append(
            Perspective(
                name=f"perspective {rank + 1}",
                share=float(shares[cluster]),
                jurors=len(members),
                medoid=medoid.id,
                prompt=steering_prompt(portray(medoid.persona, template)),
                marks=_marks(evidence, members),
                utilities=_means(evidence, members),
            )
        )
    return tuple(found)


def steering_prompt(portrait: str) -> str:
    """A system prompt that asks for the answer that a person described would find best."""
    return (
        "Answer as would best serve the person described below: weigh what they would find "
        "important, in the tone they would want. Do not mention this description.\n\n"
        f"{portrait}"
    )


def _marks(evidence: Evidence, members: IntArray) -> tuple[Mark, ...]:
    """Levels at least a quarter more common among members than in the jury, by distinctness."""
    inside = evidence.weights[members] / evidence.weights[members].sum()
    names = sorted({name for juror in evidence.jurors for name in juror.persona.attributes})
    marks: list[Mark] = []
    for name in names:
        levels = [str(juror.persona.attributes.get(name, "")) for juror in evidence.jurors]
        for level in sorted({levels[int(seat)] for seat in members} - {""}):
            holds = np.array([one == level for one in levels])
            share, overall = float(inside @ holds[members]), float(evidence.weights @ holds)
            if share >= _MARKED * overall and holds[members].sum() > 1:
                marks.append(Mark(attribute=name, level=level, share=share, share_in_jury=overall))
    return tuple(sorted(marks, key=lambda mark: mark.share_in_jury - mark.share)[:_NAMED])


def _means(evidence: Evidence, members: IntArray) -> dict[str, float]:
    """Mean utility of each model among members who rated it; models that none rated are absent."""
    found: dict[str, float] = {}
    weights = evidence.weights[members]
    for name, utilities in zip(evidence.models, evidence.utilities, strict=True):
        values = utilities[:, members].astype(np.float64)
        mass = ~np.isnan(values) * weights
        if mass.sum() > 0:
            found[name] = float((np.nan_to_num(values) * mass).sum() / mass.sum())
    return found
