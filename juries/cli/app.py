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


# The list of commands has one line each: what is longer than that is said shorter here.
app.command("run")(running.run)
app.command("merge", short_help="Put the shards of a study together as one run.")(merging.merge)
app.command("score")(running.score)
app.command("sensitivity", short_help="Run a study in several ways; show what holds.")(
    sensitivity.sensitivity
)
app.command("ask-survey", short_help="Ask a served model a survey by exact probabilities.")(
    ask_survey.ask_survey
)
app.command("distribution", short_help="Compare a model's answers with people's.")(
    distribution.distribution
)
app.command("transcript", short_help="Read one item's deliberation, or the prompts.")(
    deliberating.transcript
)
app.command("answer", short_help="Answer for people at seats of the jury.")(deliberating.answer)
app.command("report", short_help="Write a run's report, one page that opens offline.")(
    report.report
)
app.command("plot")(report.plot)
app.command("view", short_help="Look at runs in a browser, and follow them live.")(view.view)
app.command("serve", context_settings={"ignore_unknown_options": False, "allow_extra_args": True})(
    serving.serve
)
app.command("targets")(targets.targets)
app.command("vectors", short_help="Find activation steering vectors; judge their effect.")(
    vectors.vectors
)
app.command("export")(targets.export)
app.command("steer-test")(steering.steer_test)
app.command("fill", short_help="Impute ratings that were never asked for, marked.")(steering.fill)
app.command("recompose", short_help="Predict the scores of another jury, without calls.")(
    steering.recompose
)
app.command("demo")(starting.demo)
app.command("new")(starting.new)
app.command("schema")(starting.schema)
app.command("preannotate", short_help="Write the jury's answers for an annotation tool.")(
    annotating.preannotate
)
app.command("plan", short_help="Choose the items that people should see.")(annotating.plan)
app.command("import-human", short_help="Read people's answers and match them to a run.")(
    annotating.import_human
)
app.command("calibrate", short_help="Say how far a run's jury can stand in for people.")(
    calibrating.calibrate
)
app.command("calibrated", short_help="Say whether a run is calibrated.")(calibrating.calibrated)
app.command("power", short_help="Find the power of study designs by simulation.")(sizing.power)
app.command("budget", short_help="Say what an interval of people's mean costs.")(sizing.budget)
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
