"""`juries merge`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from juries.cli.running import AsJson, Display, Shown, show


def merge(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN...", help="Folders of all shards of a study.")
    ],
    *,
    out: Annotated[Path, typer.Option(help="Folder of the run that they make.")],
    display: Shown = Display.RICH,
    as_json: AsJson = False,
    report: Annotated[
        bool, typer.Option(help="Write the report, report.html in the folder.")
    ] = True,
) -> None:
    """Put the shards of a study together and score them as one run.

    They must be of one study, complete, and all of them there, each once.
    """
    from juries.cli.display import open_display
    from juries.cli.report import after_run
    from juries.merging import merge as put_together

    result = put_together(runs, out=out, progress=open_display(display.value))
    show(result, as_json=as_json)
    if report:
        after_run(result.path)
