"""The sections of a report, from findings. A section appears only where there is data for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from juries.figures import MeasureScores
from juries.report.charts.figure import Figure
from juries.report.charts.measures import TITLES, slug
from juries.report.findings import Findings
from juries.report.page.blocks import Block, Drawing, Prose, Section, Table
from juries.report.page.validity import validity
from juries.report.page.whatever import tables_of
from juries.report.wording import figure_text, range_text, shorten
from juries.scores import Scores

Makers = Mapping[str, Callable[[], Figure]]

SHOWN_KEYS = frozenset(Scores.model_fields)
"""Keys of `scores.json` that a section of its own shows; others are laid out as tables."""


def sections(findings: Findings, makers: Makers) -> tuple[Section, ...]:
    """Every section that there is data for, in reading order."""
    all_of_them = (
        overview(findings, makers),
        compared(findings, makers),
        who_judged(findings, makers),
        disagreement(findings, makers),
        pluralism(findings, makers),
        deliberation(findings, makers),
        further(findings),
        validity(findings),
    )
    return tuple(section for section in all_of_them if section.blocks)


def overview(findings: Findings, makers: Makers) -> Section:
    """Which model is best, under which welfare function, how surely."""
    scores = findings.source.scores
    blocks: list[Block] = [*_drawings(makers, "ranking"), *_welfare_table(scores)]
    blocks += [*_drawings(makers, "welfare_curve"), *_flips(scores)]
    if scores.notes:
        blocks.append(Prose(paragraphs=scores.notes, style="notes"))
    return Section(id="overview", title="Overview", blocks=blocks)


def compared(findings: Findings, makers: Makers) -> Section:
    """What changed against another run, and whether beyond noise."""
    found = findings.comparison
    if found is None:
        return Section(id="comparison", title="Comparison")
    clear = [change for change in found.changes if change.beyond_noise]
    said = (
        f"Of {len(found.changes)} scores that both runs have, {len(clear)} differ beyond noise. "
        "Each interval stands for itself: of twenty comparisons without any change, one is "
        "expected to seem clear."
    )
    settings = Table(
        title="What differs between the runs",
        columns=("Setting", "Here", "There"),
        rows=tuple((s.name, shorten(s.here, 160), shorten(s.there, 160)) for s in found.settings),
    )
    return Section(
        id="comparison",
        title="Comparison",
        lead=said,
        blocks=[*_drawings(makers, "comparison"), *([settings] if settings.rows else [])],
    )


def who_judged(findings: Findings, makers: Makers) -> Section:
    """Who sat, and for whom they stand."""
    source = findings.source
    population: dict[str, Any] = source.record.jury["population"]
    drawn: dict[str, Any] | None = source.record.jury.get("sampling")
    how = (
        f"Seats were filled from {population['personas']:,} personas ({population['source']}; "
        f"weights: {population['weighting']})"
        + (f", {drawn['method']}." if drawn else "; all of them sit.")
    )
    steps: list[dict[str, Any]] = [population, source.record.jury.get("raking") or {}, drawn or {}]
    notes = tuple(str(note) for step in steps for note in step.get("notes", ()))
    blocks: list[Block] = [
        Prose(paragraphs=(how, source.scores.jury.reading)),
        *_drawings(makers, "seats", "weights"),
    ]
    if notes:
        blocks.append(Prose(paragraphs=notes, style="notes"))
    return Section(id="jury", title="Who judged", blocks=blocks)


def disagreement(findings: Findings, makers: Makers) -> Section:
    """Where jurors differ."""
    source = findings.source
    blocks: list[Block] = [
        *_drawings(makers, "distributions", "groups", "losses"),
        *_minority_views(findings),
        *_drawings(makers, "contested"),
    ]
    agreement = tuple(
        f"Krippendorff's alpha on {a.criterion} ({a.level}): "
        + (
            f"{figure_text(a.alpha)} ({range_text(a.interval.low, a.interval.high)}; "
            f"{a.interval.resampled} resampled)."
            if a.interval is not None
            else f"undefined: {a.reason}."
        )
        for a in source.scores.agreement
    )
    if agreement:
        blocks.insert(0, Prose(paragraphs=agreement))
    return Section(id="disagreement", title="Disagreement", blocks=blocks)


def pluralism(findings: Findings, makers: Makers) -> Section:
    """The six measures of arXiv 2402.05070, as far as the run's data allow each."""
    blocks: list[Block] = []
    missing: list[str] = []
    for found in findings.source.scores.measures:
        title = TITLES[found.measure]
        if found.figures:
            reading = found.reading[:1].upper() + found.reading[1:]
            blocks.append(Prose(title=title, paragraphs=(f"{reading}.",)))
            blocks += _drawings(makers, slug(found.measure))
            blocks += _drawings(makers, *_special(found.measure))
            blocks += _left_out(found)
        if found.needs:
            missing.append(f"{title}: {found.needs}.")
    if missing:
        blocks.append(
            Prose(title="Not measured, or not in full", paragraphs=tuple(missing), style="notes")
        )
    return Section(id="pluralism", title="Pluralism", blocks=blocks)


def _special(measure: str) -> tuple[str, ...]:
    return {"multi-objective": ("pareto",), "steerable": ("steerability",)}.get(measure, ())


def _left_out(found: MeasureScores) -> Iterable[Table]:
    """Viewpoints that responses leave out, in the words of those who hold them."""
    if found.quotes:
        yield Table(
            title="Views left out",
            columns=("Item", "Model", "Held by", "Answer, 1 to 5", "In the words of jurors"),
            rows=tuple(
                (
                    quote.item,
                    quote.model,
                    f"{quote.share:.0%}",
                    figure_text(quote.mean, 2),
                    " / ".join(quote.said),
                )
                for quote in found.quotes
            ),
            note="Share of jurors with a position who hold the view; their mean answer to whether "
            "the response represents it.",
            links=tuple(quote.item for quote in found.quotes),
        )


def deliberation(findings: Findings, makers: Makers) -> Section:
    """What talk changed, beside the same jurors without talk."""
    found = findings.source.deliberation
    if found is None:
        return Section(id="deliberation", title="Deliberation")
    ended = ", ".join(f"{count:,} by {why}" for why, count in found.stopped.items())
    said = ", ".join(f"{count:,} {status}" for status, count in found.statements.items() if count)
    paragraphs = [
        f"Protocol {found.protocol}; the network is {found.connectivity}. Talk ended on "
        f"{found.items:,} items: {ended}. Turns: {said}.",
    ]
    if found.conformity is not None:
        index = found.conformity.index
        paragraphs.append(
            f"Moves towards what a juror's neighbours said, beyond the drift of the same jurors "
            f"without talk on {found.control_items:,} items: {index}."
        )
    paragraphs.append(f"Share of questions with a dissenting minority: {found.dissenting}.")
    blocks: list[Block] = [
        Prose(paragraphs=tuple(paragraphs)),
        *_drawings(makers, "deliberation_changes", "flips", "influence", "speakers"),
    ]
    if found.notes:
        blocks.append(Prose(paragraphs=found.notes, style="notes"))
    return Section(id="deliberation", title="Deliberation", blocks=blocks)


def further(findings: Findings) -> Section:
    """Whatever else was scored, as tables."""
    scores = findings.source.scores.model_dump(mode="json")
    rest = {k: v for k, v in scores.items() if k not in SHOWN_KEYS and v}
    return Section(id="measures", title="Further measures", blocks=tuple(tables_of(rest)))


def _drawings(makers: Makers, *names: str) -> Iterable[Drawing]:
    return (Drawing(figure=makers[name]()) for name in names if name in makers)


def _welfare_table(scores: Scores) -> Iterable[Table]:
    if not scores.welfare:
        return
    models = scores.ranking(scores.welfare[0].function)
    functions = dict.fromkeys((score.function, score.label) for score in scores.welfare)
    cells = {(score.function, score.model): score for score in scores.welfare}
    some = scores.welfare[0].interval
    yield Table(
        title="Scores and ranks under every welfare function",
        columns=("Welfare function", *models),
        rows=tuple(
            (
                label,
                *(
                    f"#{cell.rank}  {figure_text(cell.estimate)}  "
                    f"({range_text(cell.interval.low, cell.interval.high)})"
                    for cell in (cells[function, model] for model in models)
                ),
            )
            for function, label in functions
        ),
        note=f"Mean over items, 0 worst, 1 best; {some.level:.0%} interval, {some.resampled} "
        "resampled. Which function to choose is a judgement of value, not of fact.",
    )


def _flips(scores: Scores) -> Iterable[Table]:
    labels = {score.function: score.label for score in scores.welfare}
    pairs = {frozenset((flip.ahead, flip.behind)): flip for flip in reversed(scores.flips)}
    if pairs:
        yield Table(
            title="Where the order of two models turns on the welfare function",
            columns=("Ahead", "Of", "By the", "But behind by the", "Both in resamples"),
            rows=tuple(
                (f.ahead, f.behind, labels[f.first], labels[f.second], f"{f.probability:.0%}")
                for f in sorted(pairs.values(), key=lambda f: -f.probability)
            ),
            note="For each pair of models, the two functions that disagree most surely.",
        )


def _minority_views(findings: Findings) -> Iterable[Table]:
    source, views = findings.source, findings.minority_views
    if views:
        yield Table(
            title="Minority views: items on which a group would choose another response",
            columns=("Item", "Group", "Jurors", "Jury prefers", "Group prefers", "Group loses"),
            rows=tuple(
                (
                    shorten(source.items[view.item].id, 40),
                    f"{view.attribute}: {view.level}",
                    str(view.jurors),
                    view.jury_best,
                    view.group_best,
                    f"{figure_text(view.loss)} ({range_text(view.low, view.high)})",
                )
                for view in views
            ),
            note="Mean utility; 95% interval, jurors of the group resampled. These are the largest "
            "of many, so expect less from another jury.",
            links=tuple(source.items[view.item].id for view in views),
        )
