"""Scores as tables in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from juries.cli.measure_tables import measure_table, quote_lines, validity_table

if TYPE_CHECKING:
    from juries.runs import Run
    from juries.scores import Bounds, GroupScore, Scores


def print_scores(scores: Scores, run: Run) -> None:
    """Print the tables that answer: which model, for whom, how sure."""
    console = Console(highlight=False)
    console.print(Text(f"\n{scores.study}", style="bold"))
    console.print(
        f"{scores.items:,} items, {len(scores.answers)} models, {scores.jury.jurors} jurors "
        f"(Kish effective size {scores.jury.kish_effective:.1f})"
    )
    console.print(Text(f"Judged by: {scores.produced_by}", style="yellow"))
    if scores.welfare:
        console.print(_welfare(scores))
        for line in _flips(scores):
            console.print(line)
    if scores.groups:
        console.print(_groups(scores))
    if scores.measures:
        console.print(measure_table(scores))
        for line in quote_lines(scores):
            console.print(line)
        console.print(validity_table(scores))
    agreed = () if scores.validity else _agreement(scores)  # it stands in the table of validity
    for line in (*agreed, *_answers(scores), *scores.notes):
        console.print(Text(line, style="dim"))
    console.print(f"\nRatings, scores and the study as it ran: {run.path}/")


def _table(title: str, first: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold")
    for column in columns:
        table.add_column(column, justify="right", overflow="fold", min_width=10)
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
            *(f"{_figure(c.estimate)} #{c.rank}\n{_range(c.interval)}" for c in cells),
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
    level = scores.groups[0].interval.level
    table = _table(
        f"Mean utility by group of jurors, ± half the width of the {level:.0%} interval; * differs "
        "from all other jurors (adjusted p < 0.05)",
        "group (jurors)",
        models,
    )
    cells = {(g.attribute, g.level, g.model): g for g in scores.groups}
    shown = ""
    for attribute, name in dict.fromkeys((g.attribute, g.level) for g in scores.groups):
        if attribute != shown:
            table.add_row(Text(attribute, style="bold"))
            shown = attribute
        row = [cells[attribute, name, model] for model in models]
        table.add_row(f"  {name} ({row[0].jurors})", *(_around(g) for g in row))
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
    lines.append(scores.jury.reading)
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
    """Both ends in little room, such as `.548 .595` joined by a dash."""
    return "\N{EN DASH}".join(_figure(end).removeprefix("0") for end in (bounds.low, bounds.high))


def _around(group: GroupScore) -> str:
    bounds = group.interval
    if bounds.low is None or bounds.high is None:
        return _figure(group.estimate)
    half = f"{(bounds.high - bounds.low) / 2:.3f}".removeprefix("0")
    differs = group.p_adjusted is not None and group.p_adjusted < 0.05
    return f"{_figure(group.estimate)} ±{half}{'*' if differs else ' '}"
