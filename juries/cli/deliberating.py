"""`juries transcript`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def transcript(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
    ],
    item: Annotated[str, typer.Argument(help="Id of the item.", show_default=False)],
    *,
    hearer: Annotated[
        str | None,
        typer.Option("--as", metavar="JUROR", help="Only what this juror heard, said and voted."),
    ] = None,
) -> None:
    """Read one item's deliberation from start to end."""
    from juries.deliberation.transcript import transcript as lines
    from juries.run_directory import RunDirectory

    for line in lines(RunDirectory(run_folder), item, hearer=hearer):
        typer.echo(line)
