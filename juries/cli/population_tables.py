"""Populations, raking and samples as tables in a terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from personas.sampling import Sample
    from personas.summary import AttributeSummary, Description
    from personas.weighting import Raking


def print_description(description: Description) -> None:
    """Print who is in a population."""
    console = Console(highlight=False)
    console.print(
        f"{description.size:,} personas; Kish effective size {description.effective_size:,.1f}; "
        f"weights {description.smallest_weight:.2f} to {description.largest_weight:.2f} times "
        f"the mean; {description.with_values:.0%} with values, "
        f"{description.with_narrative:.0%} with a narrative"
    )
    table = _table("attribute", "level", "count", "share", "weighted")
    for attribute in description.attributes:
        _add_attribute(table, attribute)
    console.print(table)


def _add_attribute(table: Table, attribute: AttributeSummary) -> None:
    numbers = attribute.numbers
    if numbers is not None:
        table.add_row(
            attribute.name,
            f"{numbers.minimum:g} … {numbers.maximum:g}, median {numbers.median:g}, "
            f"mean {numbers.mean:.1f}",
        )
    name = "" if numbers is not None else attribute.name
    for level in attribute.levels:
        share, weighted = f"{level.share:.1%}", f"{level.weighted_share:.1%}"
        table.add_row(name, str(level.value), f"{level.count:,}", share, weighted)
        name = ""
    more = attribute.distinct - len(attribute.levels)
    if more and numbers is None:
        table.add_row(name, f"… {more} more")
    if attribute.missing:
        missing, weighted = f"{attribute.missing:.1%}", f"{attribute.weighted_missing:.1%}"
        table.add_row("", "(missing)", "", missing, weighted)


def print_raking(raking: Raking, output: Path) -> None:
    """Print how well the margins are met, and what that cost."""
    console = Console(highlight=False)
    table = _table("margin", "level", "before", "target", "achieved")
    shown = ""
    for level in raking.levels:
        name, shown = ("" if level.margin == shown else level.margin), level.margin
        table.add_row(
            name,
            ", ".join(level.level),
            f"{level.before:.1%}",
            f"{level.target:.1%}",
            f"{level.achieved:.1%}",
        )
    console.print(table)
    console.print(
        f"Kish effective size {raking.effective_size:,.1f} (design effect "
        f"{raking.design_effect:.2f}); weights {raking.smallest_ratio:.2f} to "
        f"{raking.largest_ratio:.2f} times their base"
    )
    if raking.unmet:
        worst = raking.unmet[0]
        missed = sum(abs(level.deviation) for level in raking.levels)
        console.print(
            f"[bold]{len(raking.unmet)} levels are not met[/]; the furthest, {worst.margin} "
            f"{', '.join(worst.level)}, by {worst.deviation:+.2%}. Over all levels the misses "
            f"sum to {missed:.2%}; no weights within these bounds bring that under "
            f"{raking.least_miss or 0:.2%}."
        )
    for note in raking.notes:
        console.print(note)
    console.print(f"Wrote {output}")


def print_sample(sample: Sample, output: Path) -> None:
    """Print who sits against whom they stand for."""
    console = Console(highlight=False)
    table = _table("attribute", "level", "target", "weighted share", "seats", "quota")
    shown = ""
    for level in sample.levels:
        name, shown = ("" if level.attribute == shown else level.attribute), level.attribute
        quota = "" if level.minimum is None else f"{level.minimum}-{level.maximum}"
        table.add_row(
            name,
            "(missing)" if level.level is None else level.level,
            f"{level.target:.1%}",
            f"{level.weighted_share:.1%}",
            f"{level.seats}",
            quota,
        )
    console.print(table)
    for note in sample.notes:
        console.print(note)
    console.print(
        f"Drew {len(sample)} seats: {sample.method}; seed {sample.seed}; Kish effective size "
        f"{sample.effective_size:.1f}."
    )
    console.print(f"Wrote {output}")


def _table(*columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 2 else "right")
    return table
