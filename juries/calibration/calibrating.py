"""`calibrate`: everything that says how far one run's jury can stand in for people."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.items import Choice, FloatArray
from juries.calibration.alternative import AltTest, alt_test
from juries.calibration.answers import Answers, IntArray
from juries.calibration.comparison import (
    GroupAgreement,
    JuryAnswers,
    Resampling,
    group_agreement,
    item_agreement,
)
from juries.calibration.estimates import (
    Estimate,
    Sources,
    estimate_differences,
    estimate_means,
)
from juries.calibration.mapping import cross_mapped
from juries.calibration.planning import Sample
from juries.calibration.ppi_subsets import Undefined
from juries.calibration.quality import human_quality
from juries.calibration.remarks import notes_on
from juries.calibration.resampling import cluster_figures
from juries.calibration.results import Calibration, CriterionCalibration, MappingGain, Options
from juries.calibration.run_answers import JuryTable
from juries.calibration.verdict import give_verdict
from juries.human.ratings import HumanRatings, groups_of
from personas.errors import InputError
from personas.identity import generator


def calibrate(
    people: HumanRatings,
    jury: JuryTable,
    *,
    plan: Sample | None = None,
    no_persona: JuryTable | None = None,
    options: Options | None = None,
) -> Calibration:
    """Calibrate a jury against people.

    Args:
        people: their answers, matched to the run's items, models and scale.
        jury: the run's answers.
        plan: which items people were to see; estimates then rest on its probabilities.
        no_persona: the same questions answered by the same mind without personas, a baseline.
        options: how.

    Raises:
        InputError: jury and people have no response in common.
    """
    chosen = options or Options()
    cases = [
        _case(people, jury, int(criterion), plan, no_persona, chosen)
        for criterion in np.unique(people.criterion)
    ]
    return Calibration(
        produced_by=jury.produced_by,
        criteria=tuple(_criterion(case) for case in cases),
        problems=tuple(str(problem) for problem in people.problems),
        notes=notes_on(people, jury, plan, no_persona, chosen),
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Case:
    """One criterion: both sides' answers on the same units, and how they are compared."""

    people: HumanRatings
    jury: JuryTable
    criterion: int
    theirs: Answers
    ours: JuryAnswers
    shares: FloatArray
    cluster: IntArray
    sources: Sources
    how: Resampling
    options: Options

    @property
    def ordinal(self) -> bool:
        return self.sources.ordinal

    @property
    def labels(self) -> FloatArray:
        """The jury's one answer to each unit: its mean, or its most frequent point."""
        if self.ordinal:
            return self.ours.means
        known = np.isfinite(self.shares[:, 0])
        return np.where(known, self.shares.argmax(axis=1) + 1.0, np.nan)


def _case(
    people: HumanRatings,
    jury: JuryTable,
    criterion: int,
    plan: Sample | None,
    no_persona: JuryTable | None,
    options: Options,
) -> _Case:
    theirs, answers = people.answers(criterion), jury.answers(criterion)
    if not np.isin(theirs.unit, answers.unit).any():
        raise InputError(
            f"people and jury have no response in common on {jury.criteria[criterion]}",
            hint="Check that the human file belongs to this run.",
        )
    blank = None
    if no_persona is not None:
        blank = no_persona.answers(criterion).on_units(answers.units)
    question = jury.questions[criterion]
    return _Case(
        people=people,
        jury=jury,
        criterion=criterion,
        theirs=theirs,
        ours=JuryAnswers(
            answers=answers,
            weights=jury.weights,
            means=jury.unit_means(criterion),
            no_persona=blank,
        ),
        shares=answers.shares(jury.weights),
        cluster=np.arange(len(theirs.units)) // len(jury.models),
        sources=Sources(
            items=tuple(item.id for item in jury.items),
            models=jury.models,
            labels=tuple(question.points),
            ordinal=not isinstance(question, Choice),
            plan=plan,
            people=options.people,
            level=options.level,
        ),
        how=Resampling(
            resamples=options.resamples,
            splits=options.splits,
            level=options.level,
            rng=generator(options.seed, "calibration", jury.criteria[criterion]),
        ),
        options=options,
    )


def _criterion(case: _Case) -> CriterionCalibration:
    theirs, ours, ordinal, how = case.theirs, case.ours, case.ordinal, case.how
    everyone = group_agreement(theirs, ours, case.cluster, ordinal=ordinal, how=how)
    groups, by_group = _groups(case)
    estimates = estimate_means(case.sources, theirs, case.shares, ours.means)
    items = item_agreement(theirs, ours, case.cluster, ordinal=ordinal, how=how)
    alt = _alt(case, case.labels)
    mapped = _mapped(case) if ordinal else None
    random = how.rng.integers(1, theirs.points + 1, size=len(theirs.units))
    return CriterionCalibration(
        criterion=case.jury.criteria[case.criterion],
        ordinal=ordinal,
        answers=len(theirs),
        alt=alt,
        alt_mapped=_alt(case, mapped) if isinstance(mapped, np.ndarray) else mapped,
        alt_random=_alt(case, random.astype(np.float64)),
        items=items,
        everyone=everyone,
        groups=groups,
        estimates=(*estimates, *by_group),
        differences=estimate_differences(case.sources, theirs, case.shares, ours.means),
        mapping=_gain(case, mapped) if isinstance(mapped, np.ndarray) else mapped,
        quality=human_quality(
            case.people,
            criterion=case.criterion,
            ordinal=ordinal,
            attributes=_attributes(case.people, case.options),
            rng=how.rng,
        ),
        verdict=give_verdict(
            alt=alt,
            everyone=everyone,
            groups=groups,
            items=items,
            estimates=[one.result for one in estimates],
            simulator=case.jury.simulator,
        ),
    )


def _attributes(people: HumanRatings, options: Options) -> tuple[str, ...]:
    """Attributes whose levels make groups."""
    known = people.attribute_names()
    if options.attributes is None:
        return tuple(
            name for name in known if 1 < len(people.levels(name)[0]) <= options.most_levels
        )
    for name in options.attributes:
        if name not in known:
            raise InputError(
                f"no annotator has the attribute {name!r}",
                expected=", ".join(known) or "none is known of any annotator",
            )
    return options.attributes


def _groups(case: _Case) -> tuple[tuple[GroupAgreement, ...], tuple[Estimate, ...]]:
    """Agreement and estimates of every group; its own jurors where two or more sit, else all."""
    agreements: list[GroupAgreement] = []
    estimates: list[Estimate] = []
    for attribute in _attributes(case.people, case.options):
        for level, mask in groups_of(case.people, attribute, least=case.options.least).items():
            group = attribute, level
            seats = case.jury.group(attribute, level)
            own = bool(seats.sum() >= 2)
            jurors = _of_jurors(case.ours, seats) if own else case.ours
            answers = case.theirs.by_raters(mask)
            agreements.append(
                group_agreement(
                    answers,
                    jurors,
                    case.cluster,
                    ordinal=case.ordinal,
                    how=case.how,
                    group=group,
                    same_group=own,
                )
            )
            shares = jurors.answers.shares(jurors.weights)
            estimates += estimate_means(case.sources, answers, shares, jurors.means, group=group)
    return tuple(agreements), tuple(estimates)


def _of_jurors(ours: JuryAnswers, seats: NDArray[np.bool_]) -> JuryAnswers:
    answers = ours.answers.by_raters(seats)
    return JuryAnswers(
        answers=answers,
        weights=ours.weights,
        means=answers.means(ours.weights),
        no_persona=ours.no_persona,
    )


def _alt(case: _Case, labels: FloatArray) -> AltTest | Undefined:
    """The alt-test of one label a unit; means are rounded to a point, as a person must answer."""
    theirs = case.theirs
    human: dict[str, dict[int, int]] = {}
    units: list[int] = theirs.unit.tolist()
    ratings: list[int] = theirs.rating.tolist()
    raters: list[int] = theirs.rater.tolist()
    for rater, unit, point in zip(raters, units, ratings, strict=True):
        human.setdefault(theirs.raters[rater], {})[unit] = point
    known = np.flatnonzero(np.isfinite(labels))
    machine = dict(zip(known.tolist(), np.rint(labels[known]).astype(int).tolist(), strict=True))
    try:
        return alt_test(
            human,
            machine,
            score="neg_rmse" if case.ordinal else "accuracy",
            epsilon=case.options.epsilon,
            level=case.options.level,
        )
    except InputError as error:
        return Undefined(reason=error.problem)


def _mapped(case: _Case) -> FloatArray | Undefined:
    """The jury's means on people's scale, each as other items teach; NaN where nobody answered."""
    theirs = case.theirs
    used = np.isfinite(case.ours.means) & (theirs.answered() > 0)
    mapped = np.full(len(used), np.nan)
    try:
        mapped[used] = cross_mapped(
            case.ours.means[used],
            theirs.counts()[used],
            tuple(unit for unit, keep in zip(theirs.units, used, strict=True) if keep),
            case.cluster[used],
            method=case.options.mapping,
            rng=case.how.rng,
        )
    except ValueError as error:
        return Undefined(reason=str(error))
    return mapped


def _gain(case: _Case, mapped: FloatArray) -> MappingGain:
    target = case.theirs.means()
    before, after = np.abs(case.ours.means - target), np.abs(mapped - target)
    figures = cluster_figures(
        np.stack([np.ones_like(before), before, after], axis=1),
        case.cluster,
        {
            "before": lambda sums: sums[..., 1] / sums[..., 0],
            "after": lambda sums: sums[..., 2] / sums[..., 0],
            "gain": lambda sums: (sums[..., 1] - sums[..., 2]) / sums[..., 0],
        },
        resamples=case.how.resamples,
        level=case.how.level,
        rng=case.how.rng,
    )
    return MappingGain(method=case.options.mapping, **figures)
