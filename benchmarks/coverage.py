"""How often the project's intervals hold the truth, in studies by the embedded rater simulator.

Each study draws new jurors and new items (or new items only, where that is what an interval is
about); `planted.py` says what is planted and works out the truth. Printed per figure: how often the
interval held the truth, with its binomial standard error, how often the truth lay below and above,
the median width, and how far the median estimate lay from the truth.

Run: `python benchmarks/coverage.py [--studies 400] [--jurors 24] [--items 30] [--resamples 500]`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from planted import MODELS, POINTS, SETTINGS, FloatArray, Study, Truth, panel, simulate

from juries.measures.agreement import krippendorff_alpha_bootstrap
from juries.measures.bootstrap import welfare_bootstrap
from juries.measures.distances import js_distance
from juries.measures.distributional import compare_to_population
from juries.measures.effective import effective_jurors
from juries.measures.estimates import Estimate
from juries.measures.group_effects import group_difference
from juries.measures.overton import OvertonCoverage, overton_coverage
from juries.measures.references import PopulationReference, SurveyQuestion
from juries.measures.resampling import percentile_interval
from juries.measures.two_way import TwoWay
from juries.measures.variance import variance_shares
from juries.measures.welfare_functions import DEFAULT_FAMILY, PowerMean

LEVEL = 0.95
JUROR_ITEM = "items and jurors"
TAU = 3.0
LABELS = tuple(str(point + 1) for point in range(POINTS))


@dataclass(kw_only=True)
class Row:
    """One figure over all studies."""

    varies: str
    estimates: list[float] = field(default_factory=list)
    lows: list[float] = field(default_factory=list)
    highs: list[float] = field(default_factory=list)
    truths: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        low, high, truth = (np.array(each) for each in (self.lows, self.highs, self.truths))
        below, above = float(np.mean(truth < low)), float(np.mean(truth > high))
        held = 1 - below - above
        error = math.sqrt(held * (1 - held) / len(truth))
        width = float(np.median(high - low))
        off = float(np.median(np.array(self.estimates) - truth))
        return (
            f"{name:44s} {self.varies:17s} {LEVEL:6.0%} {held:8.1%} ± {error:4.1%} "
            f"{below:7.1%} {above:7.1%} {width:8.3f} {off:+8.3f}{'  unusable' * (held < 0.5)}"
        )


class Table:
    """Figures by name, in the order in which they came first."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}

    def add(
        self, name: str, varies: str, estimate: float, ends: Sequence[Any], truth: float
    ) -> None:
        low, high = ends
        row = self.rows.setdefault(name, Row(varies=varies))
        row.estimates.append(estimate)
        row.lows.append(float(low))
        row.highs.append(math.inf if high is None else float(high))  # None: unbounded
        row.truths.append(truth)


def new_juries(table: Table, options: argparse.Namespace) -> None:
    """Figures about populations of jurors and items, and about one jury's population of items."""
    truth = Truth()
    welfare = truth.welfare("b", DEFAULT_FAMILY)
    planted = {
        "effect": truth.group_effect("b"),
        "group": truth.group_mean("b", left=True),
        "models": truth.model_effect(),
    }
    shares = truth.variance_shares("b")
    asked = panel(options.jurors)
    for number in range(options.studies):
        study = simulate(asked, options.items, seed=options.seed + number, replicates=2)
        rng = np.random.default_rng([options.seed, number])
        welfare_rows(table, study, welfare, planted["models"], options.resamples, rng)
        group_rows(table, study, planted, options.resamples, rng)
        agreement_rows(table, study, truth, options.resamples, rng)
        found = variance_shares(
            study.points[1].transpose(1, 0, 2), rng=rng, resamples=options.resamples
        )
        interval = found.interval()
        if interval is not None and found.shares is not None:
            for at, source in enumerate(found.sources):
                ends = (interval.low[at], interval.high[at])
                name = f"variance share, {source}"
                table.add(name, JUROR_ITEM, found.shares[at], ends, shares[at])


def welfare_rows(
    table: Table,
    study: Study,
    truth: FloatArray,
    gap: float,
    resamples: int,
    rng: np.random.Generator,
) -> None:
    found = welfare_bootstrap(study.utilities, DEFAULT_FAMILY, resamples=resamples, rng=rng)
    interval = found.interval()
    for at, function in enumerate(DEFAULT_FAMILY):
        ends = (interval.low[at, 1], interval.high[at, 1])
        name = f"welfare, {function.name}"
        table.add(name, JUROR_ITEM, found.estimate[at, 1], ends, truth[at])
    row = found.differences()[0]
    ends = (-float(row.interval.high), -float(row.interval.low))
    table.add("model difference, power:1", JUROR_ITEM, -row.estimate, ends, gap)


def group_rows(
    table: Table,
    study: Study,
    truth: dict[str, float],
    resamples: int,
    rng: np.random.Generator,
) -> None:
    values, left = study.utilities[1], study.left
    effect = group_difference(values, left, ~left).effect
    name = "group effect, crossed standard error"
    table.add(name, JUROR_ITEM, effect.value or 0.0, (effect.low, effect.high), truth["effect"])
    drawn = TwoWay.draw(values[None], resamples=resamples, rng=rng)
    gap = drawn.mean(0, left) - drawn.mean(0, ~left)
    ends = percentile_interval(gap[1:], resampled=JUROR_ITEM)
    name = "group effect, two-way bootstrap"
    table.add(name, JUROR_ITEM, gap[0], (ends.low, ends.high), truth["effect"])
    own = welfare_bootstrap(
        study.utilities[1:, :, left], (PowerMean(power=1.0),), resamples=resamples, rng=rng
    )
    ends = own.interval()
    name = "group mean, two-way bootstrap"
    said = own.estimate[0, 0]
    table.add(name, JUROR_ITEM, said, (ends.low[0, 0], ends.high[0, 0]), truth["group"])


def agreement_rows(
    table: Table, study: Study, truth: Truth, resamples: int, rng: np.random.Generator
) -> None:
    ratings = study.points[1, :, :, 0].T
    found = krippendorff_alpha_bootstrap(ratings, "ordinal", resamples=resamples, rng=rng)
    interval = found.interval()
    if interval is not None and found.alpha.alpha is not None:
        ends = (interval.low, interval.high)
        own = truth.alpha("b", study)
        table.add("alpha, ordinal, of this jury", "items", found.alpha.alpha, ends, own)
    jury = effective_jurors(ratings)
    if jury.n_effective is not None:
        own = truth.effective_jurors("b", study)
        ends = (jury.low, jury.high)
        table.add("effective jurors, of this jury", "items", jury.n_effective, ends, own)


def one_jury(table: Table, options: argparse.Namespace) -> None:
    """Figures about the population of items that one jury could have been asked."""
    asked = panel(options.jurors)
    settings = SETTINGS.model_copy(update={"severity_mean": -0.7})
    seed = options.seed + 10**6

    def ask(items: int, name: str) -> Study:
        return simulate(asked, items, seed=seed, settings=settings, prefix=name)

    wide = ask(options.truth_items, "all")
    exact, sampled = (float(np.mean(each)) for each in distances(wide))
    views = {m: float(np.mean(overton(wide).by_item[m])) for m in range(len(MODELS))}
    for number in range(options.studies):
        study = ask(options.items, f"study {number}")
        rng = np.random.default_rng([options.seed, number, 1])
        row = compare(exact_answers(study), study, options.resamples, rng)
        name = "JS distance, exact probabilities"
        table.add(name, "questions", row.value or 0.0, (row.low, row.high), exact)
        row = compare(drawn_answers(study), study, options.resamples, rng)
        name = f"JS distance, {options.jurors} answers drawn"
        table.add(name, "questions", row.value or 0.0, (row.low, row.high), exact)
        name = "… for what drawn answers give on average"
        table.add(name, "questions", row.value or 0.0, (row.low, row.high), sampled)
        found = overton(study, options.resamples, rng)
        for at, row in enumerate(found.rows):
            ends = (row.coverage.low, row.coverage.high)
            name = f"Overton coverage, model {row.model}"
            table.add(name, "items", row.coverage.value or 0.0, ends, views[at])


def exact_answers(study: Study) -> FloatArray:
    """Model b's distribution on each question, [items, 5]."""
    return study.probabilities[1, :, :, 0].mean(axis=1)


def drawn_answers(study: Study) -> FloatArray:
    """Frequencies of one answer a juror, [items, 5]."""
    points = study.points[1, :, :, 0]
    return np.stack([(points == point + 1).mean(axis=1) for point in range(POINTS)], axis=1)


def people(study: Study) -> FloatArray:
    """The population it is compared with: model a's, [items, 5]."""
    return study.probabilities[0, :, :, 0].mean(axis=1)


def distances(study: Study) -> Iterator[FloatArray]:
    """Distance per question: with exact probabilities, then with answers drawn."""
    for answers in (exact_answers(study), drawn_answers(study)):
        yield js_distance(answers, people(study))


def compare(
    answers: FloatArray, study: Study, resamples: int, rng: np.random.Generator
) -> Estimate:
    keys = [f"q{number}" for number in range(len(answers))]
    reference = PopulationReference(
        name="planted",
        source="embedded rater simulator",
        questions={
            key: SurveyQuestion(
                id=key,
                text=key,
                options=LABELS,
                refusals=(False,) * POINTS,
                positions=(0, 1, 2, 3, 4),
            )
            for key in keys
        },
        distributions={"everyone": dict(zip(keys, normed(people(study)), strict=True))},
    )
    found = compare_to_population(
        dict(zip(keys, normed(answers), strict=True)),
        reference,
        shuffles=1,
        resamples=resamples,
        rng=rng,
    )
    return found.rows[0].distance


def normed(table: FloatArray) -> FloatArray:
    return table / table.sum(axis=1, keepdims=True)


def overton(
    study: Study, resamples: int = 1, rng: np.random.Generator | None = None
) -> OvertonCoverage:
    views = np.broadcast_to(np.where(study.left, 0, 1), study.points.shape[1:3])
    return overton_coverage(
        study.points[..., 0], views, tau=TAU, models=MODELS, resamples=resamples, rng=rng
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--jurors", type=int, default=24)
    parser.add_argument("--items", type=int, default=30)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--truth-items", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table = Table()
    new_juries(table, options)
    one_jury(table, options)
    print(
        f"{options.studies} studies, {options.jurors} jurors, {options.items} items, "
        f"{options.resamples} resamples; embedded rater simulator"
    )
    print(
        f"{'':44s} {'varies':17s} {'stated':>6s} {'measured':>15s} {'below':>7s} {'above':>7s} "
        f"{'width':>8s} {'off':>8s}"
    )
    for name, row in table.rows.items():
        print(row.line(name))


if __name__ == "__main__":
    main()
