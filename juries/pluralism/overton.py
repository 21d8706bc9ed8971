"""Overton pluralism of a run: which of the jury's own views each response represents.

A juror's position on an item is what they said of it: an opinion where they spoke, else the reasons
they gave, with how they rated the responses as their stance. The question whether one's view is
represented is kept out of the stance, so that it cannot decide who shares a view. Of a simulator
only the stance counts: its reasons are labels from a short list, and clustering them would find as
many views as there are labels.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

import numpy as np

from graphs.items import FloatArray
from graphs.ledger import Ledger
from graphs.records import Statement, Status, Utterance
from juries.figures import Figure, MeasureScores, Quote, figure, unmeasured
from juries.measures.overton import LeftOut, OvertonCoverage, overton_coverage
from juries.measures.positions import Embed
from juries.measures.viewpoints import ClusterSettings, Viewpoints, cluster_viewpoints
from juries.pluralism.embedding import open_embedding
from juries.pluralism.evidence import Evidence
from juries.pluralism.paired import NEEDS

_SAID = 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Views:
    """Who holds which view on which item.

    Attributes:
        labels: [items, jurors], -1 for no position.
        quotes: per item and view, what its holders said.
        spoken: items on which jurors spoke, so that opinions were clustered.
        several: items on which there is more than one view.
    """

    labels: np.ndarray[tuple[int, int], np.dtype[np.int64]]
    quotes: tuple[tuple[tuple[str, ...], ...], ...] = field(repr=False)
    spoken: int
    several: int


def overton(evidence: Evidence) -> MeasureScores:
    """Coverage of views per model, with the widest views left out, quoted."""
    spec = evidence.spec.overton
    if evidence.verdicts.pairs is not None:
        return unmeasured("overton", evidence.produced_by, NEEDS)
    if spec.criterion not in evidence.criteria:
        return unmeasured(
            "overton",
            evidence.produced_by,
            (
                f"the jury was not asked whether its views are represented: add a rubric "
                f"criterion named {spec.criterion!r} to `scale`, or name yours in "
                "`scores.overton.criterion`"
            ),
        )
    if evidence.simulated and len(evidence.criteria) < 2:
        needs = "a second criterion: a simulator's view is read from its other ratings"
        return unmeasured("overton", evidence.produced_by, needs)
    asked = evidence.criteria.index(spec.criterion)
    views = find_views(evidence, asked)
    answers = 1.0 + 4.0 * evidence.verdicts.utilities[asked].astype(np.float64)
    found = overton_coverage(
        answers,
        views.labels,
        tau=spec.tau,
        weights=evidence.weights,
        models=evidence.models,
        resamples=evidence.spec.resamples,
        rng=evidence.rng("overton"),
    )
    return MeasureScores(
        measure="overton",
        reading=_reading(found, views, len(evidence.items)),
        method=_method(evidence, views),
        produced_by=evidence.produced_by,
        figures=_figures(found),
        quotes=_quotes(found.left_out, views, evidence, spec.quotes),
    )


def find_views(evidence: Evidence, asked: int) -> Views:
    """Cluster the positions of every item.

    Args:
        evidence: of the run.
        asked: the criterion that asks whether one's view is represented.
    """
    spec = evidence.spec.overton
    settings = ClusterSettings(stance_weight=spec.stance_weight, most=spec.most)
    embed = None if spec.embedding is None else open_embedding(spec.embedding)
    others = [c for c in range(len(evidence.criteria)) if c != asked]
    labels = np.full((len(evidence.items), len(evidence.jurors)), -1, dtype=np.int64)
    quotes: list[tuple[tuple[str, ...], ...]] = [() for _ in evidence.items]
    spoken = 0
    for item, texts, talked in _texts(evidence, others or [asked]):
        stances = _stances(evidence, item, others)
        views = _cluster(texts, stances, embed, settings, evidence, item)
        labels[item] = views.labels
        quotes[item] = tuple(views.quotes(view, texts)[:_SAID] for view in range(views.count))
        spoken += talked
    several = int((labels.max(axis=1, initial=-1) > 0).sum())
    return Views(labels=labels, quotes=tuple(quotes), spoken=spoken, several=several)


def _cluster(
    texts: Sequence[str],
    stances: FloatArray | None,
    embed: Embed | None,
    settings: ClusterSettings,
    evidence: Evidence,
    item: int,
) -> Viewpoints:
    words = not evidence.simulated and any(texts)
    return cluster_viewpoints(
        texts if words or stances is None else None,
        stances,
        embed=embed,
        weights=evidence.weights,
        settings=settings,
        rng=evidence.rng("views", evidence.items[item].id),
    )


def _stances(evidence: Evidence, item: int, criteria: Sequence[int]) -> FloatArray | None:
    """How each juror rated the responses, [jurors, responses]; None where that says nothing.

    Scaled so that opposite ratings of every response are as far apart as two opposite choices.
    """
    if not criteria:
        return None
    weights = evidence.verdicts.weights[list(criteria)]
    rated = np.stack([_smooth(evidence, criterion, item) for criterion in criteria])
    profile = np.tensordot(weights / weights.sum(), rated, axes=1)
    profile = profile[evidence.verdicts.present[:, item]]
    if not profile.size or np.isnan(profile).all():
        return None
    return profile[0] if len(profile) == 1 else profile.T * np.sqrt(2 / len(profile))


def _smooth(evidence: Evidence, criterion: int, item: int) -> FloatArray:
    """Utilities on one criterion, [models, jurors]; points of a scale are spread over their step.

    Points alone lie on a grid, which stands out from any smooth distribution as clusters do.
    """
    rated = evidence.verdicts.utilities[criterion, :, item].astype(np.float64)
    steps = len(evidence.questions[criterion].points) - 1
    on_grid = np.abs(rated * steps - np.round(rated * steps)) < 1e-6
    if not on_grid[np.isfinite(rated)].all():
        return rated
    rng = evidence.rng("spread", evidence.items[item].id, evidence.criteria[criterion])
    spread = rng.uniform(-0.5, 0.5, size=rated.shape)
    return (rated * steps + spread + 0.5) / (steps + 1)


def _texts(
    evidence: Evidence, criteria: Sequence[int]
) -> Iterator[tuple[int, tuple[str, ...], bool]]:
    """Per item what each juror said, and whether it was an opinion; one item in memory."""
    with evidence.ledger() as ledger:
        blocks = ledger.blocks(("item", "juror", "criterion", "reason"), items=len(evidence.items))
        rows = (row for block in blocks for row in block)
        for item, group in groupby(rows, key=itemgetter(0)):
            opinions = _opinions(ledger, item, len(evidence.jurors))
            if any(opinions):
                yield item, opinions, True
                continue
            said: list[dict[str, None]] = [{} for _ in evidence.jurors]
            for _, juror, criterion, reason in group:
                if reason and criterion in criteria:
                    said[juror][reason] = None
            yield item, tuple(". ".join(reasons) for reasons in said), False


def _opinions(ledger: Ledger, item: int, jurors: int) -> tuple[str, ...]:
    """Each juror's first opinion in words, before anything was heard; empty where none."""
    found = [""] * jurors
    for row in ledger.of_item(Statement, item):
        own = row.kind == Utterance.OPINION and row.status == Status.OK and row.text
        if own and row.text and not found[row.juror]:
            found[row.juror] = row.text
    return tuple(found)


def _figures(found: OvertonCoverage) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    for row in found.rows:
        figures.append(figure("coverage", row.model, row.coverage))
        figures.append(figure("coverage weighted by holders", row.model, row.weighted))
        figures.append(figure("coverage above the blind baseline", row.model, row.above_blind))
    figures += [
        figure("difference in coverage", f"{each.a} less {each.b}", each.coverage)
        for each in found.differences
    ]
    figures.append(figure("coverage", "blind baseline", found.blind))
    figures.append(figure("generosity", "all models", found.generosity))
    return tuple(figures)


def _reading(found: OvertonCoverage, views: Views, items: int) -> str:
    rows = [row for row in found.rows if row.coverage.value is not None]
    if not rows:
        return "no juror stated a position on any item"
    rows.sort(key=lambda row: -(row.coverage.value or 0.0))
    best, worst = rows[0], rows[-1]
    text = f"{best.model} represents most views: coverage {best.coverage}"
    if len(rows) > 1:
        text += f"; {worst.model} fewest: {worst.coverage}"
    return (
        f"{text}; {found.blind} from generosity alone. "
        f"{views.several} of {items} items have more than one view."
    )


def _method(evidence: Evidence, views: Views) -> str:
    if evidence.simulated:
        said = "ratings on the other criteria (the words of a simulator are no positions)"
    elif views.spoken:
        said = f"opinions spoken on {views.spoken} items, elsewhere reasons and ratings"
    else:
        said = (
            "reasons and ratings (no opinions were spoken, so views are read from what jurors made "
            "of these same responses)"
        )
    spec = evidence.spec.overton
    vectors = "hashed n-grams" if spec.embedding is None else spec.embedding.model
    clustered = "clustered" if evidence.simulated else f"clustered on {vectors}"
    return (
        f"views: {said}, {clustered}; a view is represented where its holders answer "
        f"{evidence.spec.overton.criterion!r} with a mean of {spec.tau:g} or more on 1-5"
    )


def _quotes(
    left_out: Sequence[LeftOut], views: Views, evidence: Evidence, most: int
) -> tuple[Quote, ...]:
    """Per model the most widely held views left out, first those on items with several."""
    several = views.labels.max(axis=1, initial=-1) > 0
    kept: list[Quote] = []
    for model in evidence.models:
        own = sorted(
            (each for each in left_out if each.model == model), key=lambda v: not several[v.item]
        )
        kept += [
            Quote(
                model=model,
                item=evidence.items[each.item].id,
                viewpoint=each.viewpoint,
                share=each.share,
                mean=each.mean,
                said=views.quotes[each.item][each.viewpoint],
            )
            for each in own[:most]
        ]
    return tuple(kept)
