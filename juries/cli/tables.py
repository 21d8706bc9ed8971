"""Scores as tables in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from juries.run import Run
    from juries.scores import Bounds, Scores


def print_scores(scores: Scores, run: Run) -> None:
    """Print the tables that answer: which model, for whom, how sure."""
    console = Console(highlight=False)
    console.print(Text(f"\n{scores.study}", style="bold"))
    console.print(
        f"{scores.items:,} items, {len(scores.answers)} models, {scores.jury.jurors} jurors "
        f"(Kish effective size {scores.jury.kish_effective:.1f})"
    )
    console.print(Text(f"Judged by: {scores.produced_by}", style="yellow"))
    console.print(_welfare(scores))
    for line in _flips(scores):
        console.print(line)
    if scores.groups:
        console.print(_groups(scores))
    for line in (*_agreement(scores), *_answers(scores), *scores.notes):
        console.print(Text(line, style="dim"))
    console.print(f"\nRatings, scores and the study as it ran: {run.path}/")


def _table(title: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right", overflow="fold")
    return table


def _welfare(scores: Scores) -> Table:
    ranking = scores.ranking(scores.welfare[0].function)
    some = scores.welfare[0].interval
    title = (
        f"Jury-pluralistic score by welfare function: 0 worst, 1 best; rank; "
        f"{some.level:.0%} interval, {some.resampled} resampled"
    )
    table = _table(title, "welfare function", ranking)
    for function in dict.fromkeys(score.function for score in scores.welfare):
        cells = [scores.of(model, function) for model in ranking]
        table.add_row(
            cells[0].label,
            *(f"{_figure(c.estimate)}  #{c.rank}\n{_range(c.interval)}" for c in cells),
        )
    return table


def _flips(scores: Scores) -> list[str]:
    if not scores.flips:
        return ["The order of the models is the same under every welfare function."]
    labels = {score.function: score.label for score in scores.welfare}
    pairs = {frozenset((flip.ahead, flip.behind)): flip for flip in reversed(scores.flips)}
    return [
        f"The order flips: {flip.ahead} is above {flip.behind} under {labels[flip.first]}, "
        f"below under {labels[flip.second]} (both in {flip.probability:.0%} of resamples)."
        for flip in pairs.values()
    ]


def _groups(scores: Scores) -> Table:
    models = scores.ranking(scores.welfare[0].function)
    table = _table("Mean utility by group of jurors", "group", models)
    cells = {(g.attribute, g.level, g.model): g for g in scores.groups}
    for attribute, level in dict.fromkeys((g.attribute, g.level) for g in scores.groups):
        row = [cells[attribute, level, model] for model in models]
        table.add_row(
            f"{attribute} = {level} ({row[0].jurors})",
            *(f"{_figure(g.estimate)}\n{_range(g.interval)}" for g in row),
        )
    return table


def _agreement(scores: Scores) -> list[str]:
    lines = [
        f"Agreement on {a.criterion}: Krippendorff alpha ({a.level}) "
        + (
            f"{_figure(a.alpha)} {_range(a.interval)}, {a.interval.resampled} resampled"
            if a.interval is not None
            else f"undefined: {a.reason}"
        )
        for a in scores.agreement
    ]
    independent = scores.jury.independent
    if independent is not None:
        lines.append(
            f"Effective independent jurors: {independent:.1f} of {scores.jury.jurors} "
            f"({scores.jury.independent_basis})"
        )
    return lines


def _answers(scores: Scores) -> list[str]:
    asked = sum(answers.asked for answers in scores.answers)
    counts: dict[str, int] = {}
    for answers in scores.answers:
        for status, count in answers.statuses.items():
            counts[status] = counts.get(status, 0) + count
    said = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    missing = asked - sum(counts.values())
    return [f"Questions put: {asked:,}: {said}" + (f", {missing:,} unanswered" if missing else "")]


def _figure(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"


def _range(bounds: Bounds) -> str:
    return f"({_figure(bounds.low)}, {_figure(bounds.high)})"
