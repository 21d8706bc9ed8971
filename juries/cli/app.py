"""The command itself: its groups, and how errors reach a user."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from juries.cli import (
    annotating,
    ask_survey,
    calibrating,
    deliberating,
    distribution,
    merging,
    people,
    report,
    running,
    sensitivity,
    serving,
    sizing,
    starting,
    steering,
    targets,
    vectors,
    view,
)
from personas.errors import JuriesError

app = typer.Typer(
    name="juries",
    help="Juries of simulated people rate model outputs; verdicts become pluralistic scores.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("juries"))
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Set up what all commands share."""


app.command("run")(running.run)
app.command("merge")(merging.merge)
app.command("score")(running.score)
app.command("sensitivity")(sensitivity.sensitivity)
app.command("ask-survey")(ask_survey.ask_survey)
app.command("distribution")(distribution.distribution)
app.command("transcript")(deliberating.transcript)
app.command("answer")(deliberating.answer)
app.command("report")(report.report)
app.command("plot")(report.plot)
app.command("view")(view.view)
app.command("serve", context_settings={"ignore_unknown_options": False, "allow_extra_args": True})(
    serving.serve
)
app.command("targets")(targets.targets)
app.command("vectors")(vectors.vectors)
app.command("export")(targets.export)
app.command("steer-test")(steering.steer_test)
app.command("fill")(steering.fill)
app.command("recompose")(steering.recompose)
app.command("demo")(starting.demo)
app.command("new")(starting.new)
app.command("schema")(starting.schema)
app.command("preannotate")(annotating.preannotate)
app.command("plan")(annotating.plan)
app.command("import-human")(annotating.import_human)
app.command("calibrate")(calibrating.calibrate)
app.command("calibrated")(calibrating.calibrated)
app.command("power")(sizing.power)
app.command("budget")(sizing.budget)
app.add_typer(people.app, name="personas")


def main() -> None:
    """Entry point: a mistake of the user's is one message and exit code 2."""
    try:
        app()
    except JuriesError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except KeyboardInterrupt:
        typer.echo("Stopped. What was recorded is kept.", err=True)
        sys.exit(130)
    except BrokenPipeError:  # `juries score RUN | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
