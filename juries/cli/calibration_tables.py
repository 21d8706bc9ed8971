"""A calibration and a power study as tables in a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from juries.calibration.alternative import AltTest
from juries.calibration.ppi_subsets import Undefined

if TYPE_CHECKING:
    from juries.calibration.comparison import GroupAgreement
    from juries.calibration.costs import CostRow
    from juries.calibration.estimates import Estimate
    from juries.calibration.interval import Figure
    from juries.calibration.results import Calibration, CriterionCalibration

_WORST_GROUPS = 12


def print_calibration(found: Calibration) -> None:
    """Print verdict, estimates and evidence, criterion by criterion."""
    console = Console(highlight=False)
    console.print(Text(f"Judged by: {found.produced_by}", style="yellow"))
    for one in found.criteria:
        _print_criterion(console, one)
    for line in (*found.problems, *found.notes):
        console.print(Text(line, style="dim"))


def print_rows(title: str, rows: Sequence[dict[str, object]]) -> None:
    """Print plain rows as one table."""
    table = _table(title, list(rows[0]))
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(highlight=False).print(table)


def cost_rows(rows: Sequence[CostRow]) -> list[dict[str, object]]:
    """A cost table as plain rows."""
    return [
        {
            "who answers": row.who,
            "items by people": row.items_by_people,
            "people's answers": row.people_answers,
            "jurors' answers": row.juror_answers,
            "cost": row.cost,
            "half width": "none valid" if row.half_width is None else row.half_width,
        }
        for row in rows
    ]


def _print_criterion(console: Console, one: CriterionCalibration) -> None:
    console.print()
    console.print(Text(f"{one.criterion}: {one.verdict.decision}", style="bold"))
    for reason in one.verdict.reasons:
        console.print(Text(f"  {reason}"))
    console.print(_estimates("People's mean over all items", one.estimates))
    if one.differences:
        console.print(_estimates("Differences of models", one.differences))
    console.print(_agreement(one))
    console.print(_groups((one.everyone, *one.groups)))
    flagged = (("straight-lining", one.quality.straight_lining), ("too fast", one.quality.too_fast))
    for name, who in flagged:
        if who:
            shown = ", ".join(who[:5]) + (" …" if len(who) > 5 else "")
            console.print(Text(f"{len(who)} annotators look {name}: {shown}", style="dim"))


def _estimates(title: str, estimates: Sequence[Estimate]) -> Table:
    table = _table(title, ["estimate", "people only", "with the jury", "lambda", "labels", ""])
    for one in estimates:
        name = f"{one.model} - {one.minus}" if one.minus else f"{one.what}, {one.model}"
        if one.attribute:
            name += f"\n  {one.attribute} = {one.level}"
        if isinstance(one.result, Undefined):
            table.add_row(name, "", "", "", "", one.result.reason)
            continue
        alone = one.result.people_only
        table.add_row(
            name,
            f"{alone.estimate:.3f} ({alone.interval.low:.3f}, {alone.interval.high:.3f})",
            f"{one.result.estimate:.3f} "
            f"({one.result.interval.low:.3f}, {one.result.interval.high:.3f})",
            f"{one.result.lam:.2f}",
            f"{one.result.n}",
            "pays" if one.result.pays else "does not pay",
        )
    return table


def _agreement(one: CriterionCalibration) -> Table:
    table = _table("Jury against people", ["figure", "value", "interval"])
    for name, test in (
        ("alt-test, jury", one.alt),
        ("alt-test, mapped jury", one.alt_mapped),
        ("alt-test, random answers", one.alt_random),
    ):
        if isinstance(test, AltTest):
            value = f"{test.winning_rate:.2f} won, advantage {test.advantage_probability:.2f}"
            table.add_row(name, value, f"({test.interval.low:.2f}, {test.interval.high:.2f})")
        elif test is not None:
            table.add_row(name, "undefined", test.reason)
    figures: list[tuple[str, Figure | None]] = [
        ("correlation of item means", one.items.pearson),
        ("rank correlation", one.items.spearman),
        ("jury minus people, points", one.items.difference),
        ("absolute difference, points", one.items.absolute_difference),
        *((f"  baseline: {name}", figure) for name, figure in one.items.baselines.items()),
        ("same most frequent point", one.items.same_choice),
        ("agreement of people (alpha)", one.quality.alpha[0].alpha),
    ]
    if one.mapping is not None and not isinstance(one.mapping, Undefined):
        figures.append((f"absolute difference, {one.mapping.method} mapping", one.mapping.after))
    for name, figure in figures:
        if figure is not None:
            table.add_row(name, *_shown(figure))
    return table


def _groups(groups: Sequence[GroupAgreement]) -> Table:
    table = _table(
        "Distance from people, beside people's distance from each other",
        ["group", "people", "jurors", "jury", "ceiling", "random", "variance ratio"],
    )
    order = sorted(groups[1:], key=_excess, reverse=True)[:_WORST_GROUPS]
    for group in (groups[0], *order):
        halves = group.halves
        name = f"{group.attribute} = {group.level}" if group.attribute else "everyone"
        jurors = f"{group.jurors}{'' if group.same_group else ' (all)'}"
        if halves is None:
            table.add_row(name, str(group.people), jurors, "", "", "", _value(group.variance_ratio))
            continue
        table.add_row(
            name,
            str(group.people),
            jurors,
            _value(halves.jury),
            _value(halves.ceiling),
            _value(halves.random),
            _value(group.variance_ratio),
        )
    if len(groups) - 1 > _WORST_GROUPS:
        table.caption = (
            f"the {_WORST_GROUPS} groups furthest beyond their ceiling, of {len(groups) - 1}"
        )
    return table


def _excess(group: GroupAgreement) -> float:
    value = None if group.halves is None else group.halves.excess.value
    return float("-inf") if value is None else value


def _table(title: str, columns: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _shown(figure: Figure) -> tuple[str, str]:
    if figure.value is None:
        return "undefined", figure.reason
    if figure.interval is None:
        return f"{figure.value:.3f}", figure.reason
    return f"{figure.value:.3f}", f"({figure.interval.low:.3f}, {figure.interval.high:.3f})"


def _value(figure: Figure) -> str:
    return "n/a" if figure.value is None else f"{figure.value:.3f}"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.3f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
