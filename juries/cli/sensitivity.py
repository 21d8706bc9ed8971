"""`juries sensitivity`: which conclusions hold when what should not matter is changed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juries.cli.running import Display, InFlight, Limit, Out, Shown, StudyFile
from personas.errors import InputError, nearest

if TYPE_CHECKING:
    from rich.table import Table

    from juries.sensitivity_record import SensitivityRecord

_SHOWN = 12


def sensitivity(
    study: StudyFile,
    over: Annotated[
        str, typer.Option(help="What to vary: portrait, layout, scale, welfare, seed.")
    ] = "portrait,layout,scale,welfare,seed",
    out: Out = None,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Further seeds to try.")] = 3,
    limit: Limit = None,
    max_connections: InFlight = None,
    display: Shown = Display.RICH,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON.")] = False,
) -> None:
    """Run a study in several ways and show how often each conclusion holds.

    Run again with the same --out, it goes on where it stopped.
    """
    from juries.cli.display import open_display
    from juries.runs import default_folder, load_study
    from juries.sensitivity import DIMENSIONS, Options
    from juries.sensitivity import sensitivity as vary

    wanted = [name.strip() for name in over.split(",") if name.strip()]
    for name in wanted:
        if name not in DIMENSIONS:
            raise InputError(
                f"{name!r} cannot be varied",
                where="--over",
                expected="some of " + ", ".join(DIMENSIONS),
                hint=nearest(name, DIMENSIONS),
            )
    folder = out or default_folder(load_study(study)[0])
    record = vary(
        study,
        over=[name for name in DIMENSIONS if name in wanted],
        options=Options(out=folder, seeds=seeds, limit=limit, in_flight=max_connections),
        progress=open_display(display.value),
    )
    if as_json:
        typer.echo(record.model_dump_json(indent=1))
        return
    _show(record, folder)


def _show(record: SensitivityRecord, folder: Path) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    console.print(Text(f"\n{record.study}: {len(record.variants)} variants", style="bold"))
    console.print(Text(f"Judged by: {record.produced_by}", style="yellow"))
    console.print(_table(record))
    left = len(record.conclusions) - _SHOWN
    if left > 0:
        console.print(Text(f"and {left} more that hold at least as often", style="dim"))
    console.print(Text(record.reading))
    console.print("Variants: " + ", ".join(variant.name for variant in record.variants))
    for line in record.skipped:
        console.print(Text(f"Not varied: {line}", style="dim"))
    console.print(f"\nEvery answer of every variant: {folder / 'sensitivity.json'}")


def _table(record: SensitivityRecord) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(
        title="How often each conclusion holds, the least stable first",
        title_justify="left",
        box=box.SIMPLE_HEAD,
    )
    for column in ("conclusion", "mostly", "holds in", "not in"):
        table.add_column(column, overflow="fold")
    for each in record.conclusions[:_SHOWN]:
        other = [f"{n} ({a})" for n, a in each.answers.items() if a != each.commonest]
        table.add_row(each.conclusion, each.commonest, f"{each.share:.0%}", ", ".join(other))
    return table
