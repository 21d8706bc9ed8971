"""The jury-pluralistic benchmark of a run, beyond the welfare table: who pays for the score.

Per model Atkinson's index within and between groups, and on how many items a pleased jury hides a
dissatisfied group; over models the leximin order, and what each group loses by the jury's choice.
"""

from __future__ import annotations

import numpy as np

from graphs.items import FloatArray
from juries.figures import Figure, MeasureScores, interval_bounds, number
from juries.measures.best_responses import BestResponses, best_responses
from juries.measures.inequality import InequalityDecomposition, inequality_decomposition
from juries.measures.leximin_order import LeximinRanking, leximin_ranking
from juries.measures.majority import MajorityDiagnostic, tyranny_of_the_majority
from juries.pluralism.evidence import Evidence
from juries.scores import RankFlip, WelfareScore

_MOST = 20_000_000
"""Beyond so many utilities the diagnostics by group cost minutes and are left out."""

_LEXIMIN_RESAMPLES = 200
"""Enough for a probability to two digits; each sorts every juror anew for every pair."""


def jury_pluralistic(
    evidence: Evidence, welfare: tuple[WelfareScore, ...], flips: tuple[RankFlip, ...]
) -> MeasureScores:
    """What the welfare table leaves unsaid.

    Args:
        evidence: of the run.
        welfare: the scores already taken.
        flips: pairs of models that two welfare functions order differently.
    """
    if not welfare:
        return _result(
            evidence, "not measured", (), "what each option is worth: `worth` in `scale`"
        )
    rated = [m for m in range(len(evidence.models)) if np.isfinite(evidence.utilities[m]).any()]
    if not rated:
        return _result(evidence, "not measured", (), "a valid rating: no juror gave one")
    names = [evidence.models[m] for m in rated]
    table = evidence.utilities[rated].astype(np.float64)
    small = table.size <= _MOST
    said = [_lead(welfare, flips)]
    figures = [_score(score) for score in welfare]
    if len(rated) > 1 and small:
        _leximin(evidence, table, names, figures, said)
    attribute = evidence.attribute(None)
    needs = None
    if attribute is None:
        needs = "who pays for the score: name attributes in `scores.groups`"
    elif not small:
        needs = f"diagnostics by group: more than {_MOST:,} utilities, so they are left out"
    else:
        _by_group(evidence, attribute, table, names, figures, said)
    return _result(evidence, "; ".join(filter(None, said)), tuple(figures), needs)


def _result(
    evidence: Evidence, reading: str, figures: tuple[Figure, ...], needs: str | None
) -> MeasureScores:
    return MeasureScores(
        measure="jury-pluralistic",
        reading=reading,
        method="welfare over jurors, mean over items; inequality by Atkinson's index at a = 0",
        produced_by=evidence.produced_by,
        figures=figures,
        needs=needs,
    )


def _lead(welfare: tuple[WelfareScore, ...], flips: tuple[RankFlip, ...]) -> str:
    functions = list(dict.fromkeys(score.function for score in welfare))
    firsts = [score for score in welfare if score.rank == 1]
    winners = [score.model for score in firsts]
    best = max(dict.fromkeys(winners), key=winners.count)
    lead = next(score for score in firsts if score.function == functions[0])
    shown = "undefined" if lead.estimate is None else f"{lead.estimate:.3f}"
    low, high = lead.interval.low, lead.interval.high
    if low is not None and high is not None:
        shown += f" [{low:.3f}, {high:.3f}]"
    pairs = {frozenset((flip.ahead, flip.behind)) for flip in flips}
    turn = f"{len(pairs)} pairs of models change places" if pairs else "no pair changes places"
    return (
        f"{lead.model} leads by {lead.label} ({shown}); {best} under {winners.count(best)} of "
        f"{len(functions)} welfare functions, {turn}"
    )


def _score(score: WelfareScore) -> Figure:
    return Figure(
        name=f"welfare {score.function}", of=score.model, value=score.estimate,
        interval=score.interval,
    )  # fmt: skip


def _leximin(
    evidence: Evidence, table: FloatArray, names: list[str], figures: list[Figure], said: list[str]
) -> None:
    rated = np.array(np.isfinite(table).any(axis=1), dtype=np.float64)  # [models, jurors]
    if not (rated @ rated.T).all():
        return  # two models that no juror rated both
    found: LeximinRanking = leximin_ranking(
        table, rng=evidence.rng("leximin"), weights=evidence.weights, models=names,
        resamples=min(evidence.spec.resamples, _LEXIMIN_RESAMPLES),
    )  # fmt: skip
    said.append(f"leximin puts {found.order[0]} first")
    for pair in found.pairs:
        figures.append(
            Figure(
                name="probability that leximin prefers",
                of=f"{pair.a} to {pair.b}",
                value=pair.probability,
            )
        )


def _by_group(
    evidence: Evidence,
    attribute: str,
    table: FloatArray,
    names: list[str],
    figures: list[Figure],
    said: list[str],
) -> None:
    labels, resamples = evidence.labels(attribute), evidence.spec.resamples
    shares: list[str] = []
    for name, utilities in zip(names, table, strict=True):
        found = inequality_decomposition(
            utilities, labels, rng=evidence.rng("inequality", name), weights=evidence.weights,
            resamples=resamples,
        )  # fmt: skip
        figures += _inequality(found, name, attribute, evidence.spec.level)
        if found.between_share is not None:
            shares.append(f"{name} {found.between_share:.0%}")
    if shares:
        said.append(f"share of inequality between groups by {attribute}: {', '.join(shares)}")
    majority = tyranny_of_the_majority(
        table, labels, rng=evidence.rng("majority"), weights=evidence.weights, models=names,
        resamples=resamples,
    )  # fmt: skip
    figures += _majority(majority, attribute)
    looked = np.isfinite(majority.shares)
    if looked.any():
        worst = int(np.nanargmax(np.where(looked, majority.shares, -1.0)))
        said.append(
            f"a pleased jury hides a dissatisfied group on at most {majority.shares[worst]:.0%} of "
            f"items ({names[worst]}; {majority.chance[worst]:.0%} by chance)"
        )
    if len(names) > 1:
        best = best_responses(
            table, labels, rng=evidence.rng("best responses"), weights=evidence.weights,
            models=names, resamples=resamples,
        )  # fmt: skip
        figures += _best(best, attribute)


def _inequality(
    found: InequalityDecomposition, model: str, attribute: str, level: float
) -> list[Figure]:
    interval = found.interval(level)
    parts = (("inequality", found.atkinson), (f"inequality within {attribute}", found.within),
             (f"inequality between {attribute}", found.between))  # fmt: skip
    return [
        Figure(
            name=name,
            of=model,
            value=value,
            interval=None if interval is None else interval_bounds(interval, (place,)),
            reason=found.reason,
        )
        for place, (name, value) in enumerate(parts)
    ]


def _majority(found: MajorityDiagnostic, attribute: str) -> list[Figure]:
    name = f"share of items where a pleased jury hides a group by {attribute}"
    return [
        Figure(
            name=name,
            of=model,
            value=number(found.shares[place]),
            interval=interval_bounds(found.interval, (place,)),
            n=int(found.n_items[place]),
            reason=f"{found.chance[place]:.3f} by chance"
            if np.isfinite(found.chance[place])
            else "no group has enough raters",
        )
        for place, model in enumerate(found.models)
    ]


def _best(found: BestResponses, attribute: str) -> list[Figure]:
    return [
        Figure(
            name="loss by the jury's choice",
            of=f"{attribute} = {group}",
            value=number(found.regret[place]),
            interval=interval_bounds(found.regret_interval, (place,)),
            n=int(found.n_items[place]),
            reason=f"{found.chance_regret[place]:.3f} by chance"
            if np.isfinite(found.chance_regret[place])
            else "no item to compare",
        )
        for place, group in enumerate(found.groups)
    ]
