"""The six measures and the validity table in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from juries.figures import MeasureScores, Quote
    from juries.scores import Scores

_QUOTED = 3
_LONGEST = 110


def measure_table(scores: Scores) -> Table:
    """One entry a measure: what was found, else what is missing."""
    level = f"{scores.welfare[0].interval.level:.0%} " if scores.welfare else ""
    table = _table(f"Six measures of pluralism, with {level}intervals", "measure", 19)
    for measure in scores.measures:
        table.add_row(measure.measure, Text(measure.reading, style=_style(measure)))
        if measure.needs is not None:
            table.add_row("", Text(f"to add: {measure.needs}", style="dim"))
    return table


def quote_lines(scores: Scores) -> Iterator[Text]:
    """The widest views that responses leave out, in jurors' words."""
    quotes = [quote for measure in scores.measures for quote in measure.quotes]
    shown = sorted(quotes, key=lambda quote: -quote.share)[:_QUOTED]
    if not shown:
        return
    yield Text("Views left out (jurors' words):")
    for quote in shown:
        yield Text(f"  {_place(quote)}: {_said(quote)}", style="dim")


def validity_table(scores: Scores) -> Table:
    """How far to believe the run, a row a threat."""
    table = _table("Validity: how far to believe this run", "check", 19)
    for row in scores.validity:
        shown = Text(row.shown, style="bold" if row.value is not None else "dim")
        table.add_row(row.check, shown.append(Text(f"  {row.reading}", style="not bold")))
    return table


def _table(title: str, first: str, width: int) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", width=width)
    table.add_column("what it says", overflow="fold")
    return table


def _style(measure: MeasureScores) -> str:
    return "" if measure.figures else "dim"


def _place(quote: Quote) -> str:
    return f"{quote.model} on {quote.item}, {quote.share:.0%} of jurors"


def _said(quote: Quote) -> str:
    words = quote.said[0] if quote.said else "(nothing said)"
    return words if len(words) <= _LONGEST else f"{words[: _LONGEST - 1]}…"
