"""Studies by the embedded rater simulator whose truth is known, for `coverage.py` and the tests.

A study draws jurors of two sides and items of two topics from populations without end. Model `b`
gains `MODEL_SHIFT` logits with everyone and `SIDE_SHIFT` more with the left side on questions of
law. What the populations would say follows from the declared parameters by Gauss-Hermite
quadrature, without the simulator's own noise: that is the truth which intervals should cover.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from graphs.items import Item, Likert, Response, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.minds.psychometric.features import read_text, typical_quality
from graphs.minds.psychometric.model import even_thresholds, expected_point, graded
from graphs.minds.psychometric.traits import panel_traits
from graphs.panel import Juror, Panel
from graphs.records import unpack
from juries.measures.coincidences import disagreement
from juries.measures.welfare_functions import WelfareFunction
from personas.identity import generator
from personas.persona import Persona

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

POINTS = 5
MODELS = ("a", "b")
PROMPT = "Should the rule be kept?"
TEXT = "Some people would keep it, others would not, and both sides have good grounds for it."
MODEL_SHIFT = 0.3
SIDE_SHIFT = 0.9
SETTINGS = PsychometricSettings(
    value_weight=0.0,
    severity_sd=0.7,
    residual_sd=0.5,
    planted=(
        Planted(models=("b",), shift=MODEL_SHIFT),
        Planted(where={"side": "left"}, models=("b",), items={"topic": "law"}, shift=SIDE_SHIFT),
    ),
)
SCALE = Likert(question="How good is this answer?", points=("1", "2", "3", "4", "5"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Study:
    """What one jury said.

    Attributes:
        expected: expected ratings, 1 to 5, [models, items, jurors, replicates].
        points: ratings drawn, the same shape.
        probabilities: of the five points, [models, items, jurors, replicates, 5].
        left: which jurors are of the left side, [jurors].
        severity: logits, [jurors].
        discrimination: slopes, [jurors].
    """

    expected: FloatArray
    points: FloatArray
    probabilities: FloatArray
    left: BoolArray
    severity: FloatArray
    discrimination: FloatArray

    @property
    def utilities(self) -> FloatArray:
        """Utilities in [0, 1] of the first replicate, [models, items, jurors]."""
        return (self.expected[..., 0] - 1) / (POINTS - 1)


def panel(jurors: int) -> Panel:
    """A panel whose first half is of the left side."""
    return Panel(
        tuple(
            Juror(
                position=seat,
                id=f"juror {seat}",
                persona=Persona(
                    attributes={"seat": seat, "side": "left" if seat < jurors // 2 else "right"}
                ),
                weight=1 / jurors,
                mind="embedded",
            )
            for seat in range(jurors)
        )
    )


def simulate(
    asked: Panel,
    items: int,
    *,
    seed: int,
    replicates: int = 1,
    settings: PsychometricSettings = SETTINGS,
    prefix: str = "item",
) -> Study:
    """Put `items` new items to a panel: another seed brings other jurors and other items.

    Another prefix with the same seed brings other items for the same jurors.
    """
    mind = PsychometricMind(settings)
    traits = panel_traits(asked.jurors, settings, seed)
    law = generator(seed, "topics", prefix).random(items) < 0.5
    shape = (len(MODELS), items, len(asked), replicates)
    points, probabilities = np.empty(shape), np.empty((*shape, POINTS))
    for position in range(items):
        item = Item(
            id=f"{prefix} {position}",
            prompt=PROMPT,
            responses=tuple(Response(model=model, text=TEXT) for model in MODELS),
            attributes={"topic": "law" if law[position] else "other"},
        )
        task = RatingTask(
            item=item,
            position=position,
            panel=asked,
            questions=questions(SCALE),
            seed=seed,
            replicates=replicates,
        )
        for replicate, rows in enumerate(mind.answers(task)):
            said = np.array([row.rating for row in rows]).reshape(len(MODELS), -1)
            points[:, position, :, replicate] = said
            packed = b"".join(row.probabilities or b"" for row in rows)
            probabilities[:, position, :, replicate] = unpack(packed).reshape(*said.shape, POINTS)
    left = np.array([juror.persona.attributes["side"] == "left" for juror in asked.jurors])
    return Study(
        expected=expected_point(probabilities),
        points=points,
        probabilities=probabilities,
        left=left,
        severity=traits.severity,
        discrimination=traits.discrimination,
    )


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What populations of jurors and items would say, from the declared parameters alone."""

    settings: PsychometricSettings = SETTINGS

    @cached_property
    def base(self) -> float:
        """Logits that every response of the study starts from."""
        weights = self.settings.quality_weights("overall")
        features = read_text(PROMPT, TEXT).quality - typical_quality()
        return float(features @ np.array(list(weights.values()))) - self.settings.severity_mean

    @cached_property
    def thresholds(self) -> FloatArray:
        return even_thresholds(POINTS, self.settings.threshold_span)

    def shift(self, model: str, *, left: BoolArray, law: bool) -> FloatArray:
        """Planted logits of each juror."""
        total = np.zeros(len(left))
        for effect in self.settings.planted:
            named = (effect.models is None or model in effect.models) and (law or not effect.items)
            total += effect.shift * named * (left if effect.where else 1.0)
        return total

    def items(self, nodes: int = 31) -> tuple[FloatArray, BoolArray, FloatArray]:
        """Kinds of items: residual, whether of law, and weight; each [kinds]."""
        residual, weight = normal_nodes(nodes)
        sd = self.settings.residual_sd
        law = np.repeat([False, True], nodes)
        return np.tile(sd * residual, 2), law, np.tile(weight / 2, 2)

    def distributions(
        self, model: str, severity: FloatArray, discrimination: FloatArray, left: BoolArray
    ) -> FloatArray:
        """Each juror's distribution of ratings on each kind of item, [jurors, kinds, 5]."""
        noise, weight = normal_nodes(31)
        s = self.settings
        sd = np.sqrt(s.item_sd**2 + s.taste_sd**2 + s.replicate_sd**2)
        residual, law, _ = self.items()
        shift = np.stack([self.shift(model, left=left, law=bool(each)) for each in law], axis=1)
        standing = self.base - severity[:, None] + residual + shift
        spread = graded(
            standing[..., None] + sd * noise, discrimination[:, None, None], self.thresholds
        )
        return np.einsum("jxnk,n->jxk", spread, weight)

    def jurors(self, *, left: bool) -> tuple[FloatArray, FloatArray, BoolArray, FloatArray]:
        """Kinds of jurors of one side: severity, discrimination, side, weight; each [kinds]."""
        a, a_weight = normal_nodes(11)
        sev, sev_weight = normal_nodes(31)
        slope = self.settings.discrimination * np.exp(self.settings.discrimination_sd * a)
        severity = np.repeat(self.settings.severity_sd * sev, a.size)
        kinds = severity.size
        return (
            severity,
            np.tile(slope, sev.size),
            np.full(kinds, left),
            np.outer(sev_weight, a_weight).ravel(),
        )

    def group_mean(self, model: str, *, left: bool) -> float:
        """Mean utility of one side."""
        severity, slope, side, weight = self.jurors(left=left)
        spread = self.distributions(model, severity, slope, side)
        utility = (expected_point(spread) - 1) / (POINTS - 1)
        return float(weight @ utility @ self.items()[2])

    def group_effect(self, model: str) -> float:
        """Mean utility of the left side less that of the right."""
        return self.group_mean(model, left=True) - self.group_mean(model, left=False)

    def model_effect(self) -> float:
        """Mean utility of model b less that of model a, both sides equally many."""
        means = [[self.group_mean(m, left=s) for s in (True, False)] for m in MODELS]
        return float(np.mean(means[1]) - np.mean(means[0]))

    def welfare(self, model: str, functions: Sequence[WelfareFunction]) -> FloatArray:
        """Mean welfare over items of the whole population of jurors, [functions].

        The population is a fine grid: 2,000 quantiles of what moves a standing by 25 of the slope.
        """
        s = self.settings
        squares = s.severity_sd**2 + s.item_sd**2 + s.taste_sd**2 + s.replicate_sd**2
        noise = np.sqrt(squares) * normal_quantiles(2000)
        slope = s.discrimination * np.exp(s.discrimination_sd * normal_quantiles(25))
        total = np.zeros(len(functions))
        for residual, law, weight in zip(*self.items(15), strict=True):
            sides = self.shift(model, left=np.array([True, False]), law=bool(law))
            standing = self.base + residual + sides[:, None, None] + noise[:, None] + 0 * slope
            points = expected_point(graded(standing, slope, self.thresholds))
            utilities = (points.ravel() - 1) / (POINTS - 1)
            total += weight * np.array([float(function(utilities)) for function in functions])
        return total

    def alpha(self, model: str, study: Study) -> float:
        """Ordinal alpha of the study's own jurors over the population of items."""
        spread = self.distributions(model, study.severity, study.discrimination, study.left)
        _, _, weight = self.items()
        jurors = len(spread)
        total = spread.sum(axis=0)
        pairs = np.einsum("x,xc,xk->ck", weight, total, total)
        pairs -= np.einsum("x,jxc,jxk->ck", weight, spread, spread)
        pairs /= jurors - 1
        marginals = pairs.sum(axis=0)
        gaps = disagreement("ordinal", np.arange(1.0, POINTS + 1), marginals)
        observed = (pairs * gaps).sum() / jurors
        return float(1 - observed / (marginals @ gaps @ marginals / jurors**2))

    def effective_jurors(self, model: str, study: Study) -> float:
        """Effective number of the study's own jurors over the population of items, ratings."""
        spread = self.distributions(model, study.severity, study.discrimination, study.left)
        weight = self.items()[2]
        means = expected_point(spread)
        squares = spread @ np.arange(1.0, POINTS + 1) ** 2
        centred = means - (means @ weight)[:, None]
        shared = (centred * weight) @ centred.T
        variance = squares @ weight - (means @ weight) ** 2
        correlations = shared / np.sqrt(np.outer(variance, variance))
        jurors = len(spread)
        r = (correlations.sum() - np.trace(correlations)) / (jurors * (jurors - 1))
        return float(jurors / (1 + (jurors - 1) * r))

    def variance_shares(self, model: str) -> FloatArray:
        """Shares of item, persona, persona x item and replicate in the ratings drawn, [4]."""
        cell, cell_weight = normal_nodes(15)
        occasion, occasion_weight = normal_nodes(11)
        s = self.settings
        residual, law, item_weight = self.items(15)
        noise = np.sqrt(s.item_sd**2 + s.taste_sd**2) * cell[:, None] + s.replicate_sd * occasion
        scores = np.arange(1.0, POINTS + 1)
        kinds = [self.jurors(left=side) for side in (True, False)]
        severity, slope, side = (
            np.concatenate(each) for each in list(zip(*kinds, strict=True))[:3]
        )
        weight = np.concatenate([each[3] for each in kinds]) / 2
        means = np.empty((severity.size, residual.size))
        within, again = np.zeros((2, severity.size, residual.size))
        for at, (kind, of_law) in enumerate(zip(residual, law, strict=True)):
            shift = self.shift(model, left=side, law=bool(of_law))
            standing = (self.base + kind - severity + shift)[:, None, None] + noise
            spread = graded(standing, slope[:, None, None], self.thresholds) @ np.stack(
                [scores, scores**2], axis=1
            )
            of_cell = np.einsum("jcov,o->jcv", spread, occasion_weight)
            of_both = np.einsum("jcv,c->jv", of_cell, cell_weight)
            means[:, at] = of_both[:, 0]
            within[:, at] = of_cell[..., 0] ** 2 @ cell_weight - of_both[:, 0] ** 2
            again[:, at] = of_both[:, 1] - of_cell[..., 0] ** 2 @ cell_weight
        whole = float(weight @ means @ item_weight)
        of_item = float((weight @ means - whole) ** 2 @ item_weight)
        of_persona = float(weight @ (means @ item_weight - whole) ** 2)
        spread_of_means = float(weight @ (means - whole) ** 2 @ item_weight)
        both = spread_of_means - of_item - of_persona + float(weight @ within @ item_weight)
        parts = np.array([of_item, of_persona, both, float(weight @ again @ item_weight)])
        return parts / parts.sum()


def normal_nodes(count: int) -> tuple[FloatArray, FloatArray]:
    """Gauss-Hermite nodes and weights of the standard normal distribution, each [count]."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(count)
    return nodes, weights / weights.sum()


def normal_quantiles(count: int) -> FloatArray:
    """Standard normal quantiles at (k - 1/2) / count, [count]."""
    return ndtri((np.arange(count) + 0.5) / count)
