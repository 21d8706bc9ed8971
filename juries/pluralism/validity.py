"""The validity table of a run: each threat, its figure, and what it says in plain words.

Every row that the data allow is computed; for the others the table says what to do. Tables of more
than `MOST_RATINGS` ratings are sampled by item, and the row says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from graphs.items import FloatArray
from graphs.records import Status
from juries.baselines import BaselineAnswers
from juries.figures import ValidityRow, bounds
from juries.injection import injection_row
from juries.measures.bias import length_bias, repeatability
from juries.measures.diversity import persona_separability, within_group_spread
from juries.measures.group_association import grasp
from juries.measures.variance import variance_shares
from juries.pluralism.beside import baseline_rows
from juries.pluralism.evidence import Evidence, weighted_mean
from juries.pluralism.paired import Said, compared_pairs, paired_rows
from juries.pluralism.repeats import repeated_ratings
from juries.pluralism.rows import estimated, row
from juries.pluralism.wording import order_row, sensitivity_row
from juries.scores import Agreement, Answers, JurySummary
from juries.scoring import Scored
from juries.verdicts import Float32

MOST_RATINGS = 4_000_000


def validity_table(
    evidence: Evidence,
    baselines: Sequence[BaselineAnswers],
    scored: Scored,
    probed: Float32 | None = None,
) -> tuple[ValidityRow, ...]:
    """How far to believe a run.

    Args:
        evidence: of the run.
        baselines: answers without a persona, and random ones.
        scored: what was concluded from the verdicts.
        probed: utilities with a take-over sentence and its control, where the study asked.
    """
    rows = [
        _statuses(scored.answers),
        *(_alpha(one) for one in scored.agreement),
        *_jurors(scored.jury),
    ]
    if evidence.ordinal():
        kept, note = _kept_items(evidence)
        rated = _rated(evidence, kept)
        rows += _variance(evidence, kept, note)
        rows += _personas(evidence, Said(rated, rated, "ordinal"), note)
        rows += baseline_rows(evidence, baselines)
        rows.append(_length(evidence, evidence.ordinal()[0]))
    pairs = evidence.verdicts.pairs
    if pairs is None:
        rows.append(order_row(evidence))
    else:
        kept, note = _kept_items(evidence)
        rows += paired_rows(evidence, pairs)
        rows += _personas(evidence, compared_pairs(evidence, pairs, kept), note)
        rows += baseline_rows(evidence, baselines)
        rows.append(_length(evidence, 0))
    if probed is not None and evidence.has_utilities:
        seed, resamples = evidence.seed, evidence.spec.resamples
        rows.append(injection_row(probed, seed=seed, resamples=resamples)[1])
    rows.append(sensitivity_row(evidence.folder))
    return tuple(rows)


def _statuses(answers: Sequence[Answers]) -> ValidityRow:
    asked = sum(one.asked for one in answers)
    counts = {s.value: sum(one.statuses.get(s.value, 0) for one in answers) for s in Status}
    valid = counts[Status.OK.value] / asked if asked else 0.0
    others = {name: n for name, n in counts.items() if n and name != Status.OK.value}
    missing = asked - sum(counts.values())
    parts = [f"{n:,} {name}" for name, n in others.items()]
    parts += [f"{missing:,} not answered"] if missing else []
    said = ", ".join(parts) or "none refused, unreadable or failed"
    return ValidityRow(
        check="valid answers",
        value=valid,
        shown=f"{valid:.1%}",
        reading=f"Of {asked:,} questions put: {said}. They stay in the denominator.",
    )


def _alpha(one: Agreement) -> ValidityRow:
    check = f"agreement on {one.criterion}"
    if one.alpha is None:
        reading = f"Krippendorff's alpha is undefined: {one.reason}."
        return ValidityRow(check=check, value=None, shown="n/a", reading=reading)
    degree = "high" if one.alpha >= 0.8 else "moderate" if one.alpha >= 0.667 else "low"
    reading = (
        f"Krippendorff's alpha ({one.level}): {degree} agreement. A diverse jury should disagree "
        "where values do."
    )
    return row(check, one.alpha, one.interval, reading)


def _jurors(jury: JurySummary) -> Iterator[ValidityRow]:
    yield ValidityRow(
        check="Kish effective size",
        value=jury.kish_effective,
        shown=f"{jury.kish_effective:.1f} of {jury.jurors}",
        reading="Jurors that the weights leave: (sum w)² / sum w².",
    )
    independent = jury.independent
    yield ValidityRow(
        check="independent jurors",
        value=independent,
        interval=jury.independent_interval,
        shown="n/a" if independent is None else f"{independent:.1f} of {jury.jurors}",
        reading=jury.reading,
    )


def _kept_items(evidence: Evidence) -> tuple[NDArray[np.intp], str]:
    """Items that fit into `MOST_RATINGS`, and a note where some are left out."""
    models, items, jurors = evidence.verdicts.utilities.shape[1:]
    fit = max(2, MOST_RATINGS // max(1, models * jurors * evidence.replicates))
    if items <= fit:
        return np.arange(items, dtype=np.intp), ""
    drawn = evidence.rng("validity items").permutation(items)[:fit]
    return np.sort(drawn), f" On {fit:,} of {items:,} items, drawn by the seed."


def _rated(evidence: Evidence, kept: NDArray[np.intp]) -> FloatArray:
    """Points of the first ordinal criterion, [jurors, responses]; NaN for no valid answer."""
    points = evidence.verdicts.points[evidence.ordinal()[0]][:, kept]
    table = points.reshape(-1, points.shape[-1]).T.astype(np.float64)
    table[table < 0] = np.nan
    return table


def _variance(evidence: Evidence, kept: NDArray[np.intp], note: str) -> Iterator[ValidityRow]:
    repeated = repeated_ratings(evidence, evidence.ordinal()[0], kept)
    found = variance_shares(
        repeated, rng=evidence.rng("variance"), resamples=min(evidence.spec.resamples, 400)
    )
    interval = found.interval(evidence.spec.level)
    persona = found.persona_share
    shown = "n/a"
    if found.shares is not None and persona is not None and interval is not None:
        shares = zip(found.sources, found.shares, strict=True)
        shown = ", ".join(f"{source} {share:.0%}" for source, share in shares)
    yield ValidityRow(
        check="variance shares", value=persona, shown=shown, reading=found.reading + note
    )
    again = repeatability(
        repeated, rng=evidence.rng("repeatability"), resamples=evidence.spec.resamples
    )
    reading = again.reading if evidence.replicates > 1 else (
        "Each question was put once: set `replicates: 2` to see whether a juror, asked again, "
        "says the same."
    )  # fmt: skip
    yield estimated("repeatability", again.agreement, reading)


def _personas(evidence: Evidence, said: Said, note: str) -> Iterator[ValidityRow]:
    attributes = evidence.spec.groups
    if not attributes:
        reading = "Name attributes in `scores.groups` to see whether personas make groups."
        yield ValidityRow(check="persona separability", value=None, shown="n/a", reading=reading)
    for attribute in attributes:
        labels, resamples = evidence.labels(attribute), evidence.spec.resamples
        rng = evidence.rng("separability", attribute)
        apart = persona_separability(said.numbers, labels, rng=rng, resamples=resamples)
        yield estimated(f"groups by {attribute} told apart", apart.accuracy, apart.reading + note)
        yield _spread(evidence, attribute, said.numbers)
        yield _association(evidence, attribute, said)


def _spread(evidence: Evidence, attribute: str, rated: FloatArray) -> ValidityRow:
    """Whether a group's members are more alike than the jury is as a whole."""
    spreads = within_group_spread(
        rated,
        evidence.labels(attribute),
        rng=evidence.rng("spread", attribute),
        resamples=evidence.spec.resamples,
    )
    whole = within_group_spread(
        rated, ["jury"] * len(rated), rng=evidence.rng("spread"), resamples=100
    )[0].variance.value
    known = [each for each in spreads if each.variance.value is not None]
    check = f"spread within {attribute}"
    if not known or not whole:
        reading = "No group has two ratings of one response, or nothing varies."
        return ValidityRow(check=check, value=None, shown="n/a", reading=reading)
    least = min(known, key=lambda each: each.variance.value or 0.0)
    ratio = (least.variance.value or 0.0) / whole
    return row(
        check,
        least.variance.value,
        bounds(least.variance),
        f"Least varied: {least.group}, {ratio:.0%} of the whole jury's variance on a response. "
        "People's own spread is needed to call that flattened (`juries calibrate`).",
    )


def _association(evidence: Evidence, attribute: str, said: Said) -> ValidityRow:
    found = grasp(
        said.codes,
        evidence.labels(attribute),
        said.level,
        rng=evidence.rng("grasp", attribute),
        permutations=200,
    )
    known = [each for each in found.groups if each.gai.value is not None]
    check = f"in-group agreement by {attribute}"
    if not known:
        reason = next((each.reason for each in found.groups if each.reason), "no group")
        return ValidityRow(
            check=check, value=None, shown="n/a", reading=f"GRASP is undefined: {reason}."
        )
    top = max(known, key=lambda each: each.gai.value or 0.0)
    clear = [each.group for each in known if each.gai.q is not None and each.gai.q <= 0.05]
    held = f"groups beyond chance: {', '.join(clear)}" if clear else "no group beyond chance"
    return ValidityRow(
        check=check,
        value=top.gai.value,
        shown=f"{top.gai.value:.2f}",
        reading=f"{top.reading} Over all, {held}.",
    )


def _length(evidence: Evidence, criterion: int) -> ValidityRow:
    utilities = evidence.verdicts.utilities[criterion]
    lengths = np.full(utilities.shape[:2], np.nan)
    place = {model: number for number, model in enumerate(evidence.models)}
    for number, item in enumerate(evidence.items):
        for response in item.responses:
            lengths[place[response.model], number] = len(response.text.split())
    found = length_bias(
        weighted_mean(utilities, evidence.weights),
        lengths,
        rng=evidence.rng("length"),
        resamples=evidence.spec.resamples,
    )
    return estimated("length bias", found.correlation, found.reading)
