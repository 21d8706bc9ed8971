"""`juries run` and `juries score`."""

from __future__ import annotations

import asyncio
import os
import shlex
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from juries.cli.interrupting import interruptible
from juries.cli.serving import Python, Replicas

if TYPE_CHECKING:
    from juries.executors import Placement
    from juries.runs import Run


class Display(StrEnum):
    """How progress is shown, on standard error."""

    RICH = "rich"
    PLAIN = "plain"
    NONE = "none"


class LayoutChoice(StrEnum):
    """What stands first in a language model's prompts."""

    ITEM_FIRST = "item-first"
    PERSONA_FIRST = "persona-first"


class ExecutorChoice(StrEnum):
    """Who puts the items to the jury."""

    LOCAL = "local"
    PROCESSES = "processes"
    RAY = "ray"


Executor = Annotated[
    ExecutorChoice,
    typer.Option(help="Who asks: this process, one worker a core, or actors of a Ray cluster."),
]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Workers of the executor. [default: one a core]", show_default=False),
]
RayAddress = Annotated[
    str | None,
    typer.Option(help="Ray cluster to join, such as auto; without it Ray is started here."),
]
ShardOf = Annotated[
    str | None,
    typer.Option(
        "--shard",
        metavar="I/N",
        help="Only the I-th of N shares of the items; auto or auto/N in an array job.",
    ),
]
StudyFile = Annotated[Path, typer.Argument(help="The study, a YAML file.", show_default=False)]
Out = Annotated[
    Path | None,
    typer.Option(help="Folder of the run; used again, it resumes. [default: runs/NAME]"),
]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first so many items.")]
Seed = Annotated[int | None, typer.Option(min=0, help="In place of the study's seed.")]
InFlight = Annotated[
    int | None,
    typer.Option(
        "--max-connections",
        min=1,
        help="Items put to the jury at once; of language models, also conversations at a server.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print scores as JSON on standard output.")]
Shown = Annotated[Display, typer.Option("--display", help="How progress is shown.")]


def run(
    study: StudyFile,
    *,
    out: Out = None,
    limit: Limit = None,
    seed: Seed = None,
    max_connections: InFlight = None,
    serve: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Start vLLM with this model for the run.")
    ] = None,
    serve_args: Annotated[
        str, typer.Option(help="Further arguments for vLLM, in one pair of quotes.")
    ] = "",
    python: Python = None,
    replicas: Replicas = 1,
    base_url: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL", help="Ask the language model at this address; again for each replica."
        ),
    ] = None,
    model: Annotated[str | None, typer.Option(help="Name of the model at --base-url.")] = None,
    api_key_env: Annotated[
        str | None, typer.Option(metavar="NAME", help="Variable that holds the key for it.")
    ] = None,
    layout: Annotated[
        LayoutChoice | None,
        typer.Option(help="Order of a language model's prompts, in place of the study's."),
    ] = None,
    executor: Executor = ExecutorChoice.LOCAL,
    workers: Workers = None,
    ray_address: RayAddress = None,
    shard: ShardOf = None,
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Keep the answers in a PostgreSQL database, postgresql+psycopg://USER@HOST/NAME; "
            "the password comes from PGPASSWORD or ~/.pgpass.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be asked, and ask nothing.")
    ] = False,
    display: Shown = Display.RICH,
    as_json: AsJson = False,
    report: Annotated[
        bool, typer.Option(help="Write the report, report.html in the folder.")
    ] = True,
) -> None:
    """Run a study and score its models.

    Run again with the same --out, it goes on where it stopped.
    """
    from graphs.ledger.places import ledger_option
    from juries.executors import Placement, Shard, parse_shard
    from juries.runs import load_study
    from juries.served import Servers, point

    placement = Placement(
        executor=executor.value,
        workers=workers,
        ray_address=ray_address,
        shard=Shard() if shard is None else parse_shard(shard, os.environ),
    )
    loaded, base = load_study(study)
    if seed is not None:
        loaded = loaded.model_copy(update={"seed": seed})
    if ledger is not None:
        loaded = loaded.model_copy(update={"ledger": ledger_option(ledger)})
    servers = Servers(
        serve=serve,
        serve_args=tuple(shlex.split(serve_args)),
        python=python,
        replicas=replicas,
        base_urls=tuple(base_url or ()),
        model=model,
        api_key_env=api_key_env,
        max_connections=max_connections,
        layout=None if layout is None else layout.value,
    )
    loaded = point(loaded, servers)
    if dry_run:
        from juries.cli.dry_run import show_plan

        show_plan(loaded, base, limit=limit, as_json=as_json)
        return
    run_and_show(
        loaded.located(base), out=out, limit=limit, in_flight=max_connections, display=display,
        as_json=as_json, report=report, placement=placement,
    )  # fmt: skip


def run_and_show(
    study: object,
    *,
    out: Path | None,
    limit: int | None = None,
    in_flight: int | None = None,
    display: Display,
    as_json: bool,
    report: bool = True,
    placement: Placement | None = None,
) -> None:
    """Run with a progress display; Ctrl-C finishes what is in flight, a second one stops."""
    from juries.cli.display import open_display
    from juries.cli.report import after_run
    from juries.runs import run as run_study

    stop = asyncio.Event()
    progress = open_display(display.value)
    with interruptible(stop, progress):
        result = run_study(
            study,  # pyright: ignore[reportArgumentType] (a Study; its import is heavy)
            out=out,
            limit=limit,
            in_flight=in_flight,
            progress=progress,
            stop=stop,
            placement=placement,
        )
    if result.record.shard is not None:
        typer.echo(_say_shard(result), err=True)
    elif result.record.recorded:
        show(result, as_json=as_json)
        if report:
            after_run(result.path)
    if not result.record.complete:
        _say_who_waits(result)
        typer.echo(
            f"Not complete. Run the same command again with --out {result.path} to go on.", err=True
        )
        raise typer.Exit(130 if stop.is_set() else 1)


def _say_shard(result: Run) -> str:
    record = result.record
    return (
        f"Shard {record.shard}: {record.recorded:,} answers in {result.path}. When all shards are "
        "complete: juries merge RUN... --out DIR"
    )


def _say_who_waits(result: Run) -> None:
    """Which people at seats the jury waits for."""
    from juries.deliberation.people import read_waiting

    waiting = read_waiting(result.directory)
    if waiting.items:
        typer.echo(
            f"{len(waiting.items)} items wait for {', '.join(waiting.seats)}: "
            f"juries answer {result.path}",
            err=True,
        )


def score(
    run_folder: Annotated[
        Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
    ],
    study: Annotated[
        Path | None,
        typer.Option(help="Take the `scores` section from this study in place of the run's."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a run again and show its scores."""
    from juries.runs import load_study, open_run

    result = open_run(run_folder)
    result.score(None if study is None else load_study(study)[0])
    show(result, as_json=as_json)


def show(result: Run, *, as_json: bool) -> None:
    """Print a run's scores."""
    scores = result.scores()
    if as_json:
        typer.echo(scores.model_dump_json(indent=1))
        return
    from juries.cli.tables import print_scores
    from juries.cli.use import print_use

    print_scores(scores, result)
    print_use(result.record)
