"""`juries report` and `juries plot`, and the report that every run leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
]


def report(
    run_folder: RunFolder,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write. [default: RUN/report.html]"),
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="Folder of another run to set beside this one.")
    ] = None,
) -> None:
    """Write a run's report: one page that opens in a browser, offline."""
    from juries.report import write_report

    typer.echo(f"Wrote {write_report(run_folder, output, compare=compare)}")


def plot(
    run_folder: RunFolder,
    name: Annotated[str, typer.Argument(help="Name of a chart; a wrong one lists them.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .png, .svg or Vega-Lite .json file.")
    ],
    scale: Annotated[float, typer.Option(min=0.5, max=8, help="Pixels per point, for PNG.")] = 2.0,
) -> None:
    """Write one chart of a run as a picture."""
    from juries.report.plots import save_plot

    save_plot(run_folder, name, output, scale=scale)
    typer.echo(f"Wrote {output}")


def after_run(run_folder: Path) -> None:
    """Write the report of a run that has just ended, or say how to get one."""
    from juries.report.needs import HOW, report_installed
    from personas.errors import JuriesError

    if not report_installed():
        typer.echo(
            f"For a report to open in a browser: {HOW}, then juries report {run_folder}", err=True
        )
        return
    from juries.report import REPORT, is_current, write_report

    if is_current(run_folder):
        typer.echo(f"Report: {run_folder / REPORT}", err=True)
        return
    try:
        typer.echo(f"Report: {write_report(run_folder)}", err=True)
    except JuriesError as error:  # the run itself went well
        typer.echo(f"The report was not written: {error}", err=True)
