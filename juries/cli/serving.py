"""`juries serve`: a vLLM server with what a jury needs, until Ctrl-C."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

Python = Annotated[
    Path | None,
    typer.Option(help="Interpreter of the environment that holds vLLM. [default: this one]"),
]
Replicas = Annotated[
    int, typer.Option(min=1, max=64, help="Servers to start, one GPU each; items keep to one.")
]


def serve(
    context: typer.Context,
    model: Annotated[
        str, typer.Argument(help="A model's name on the hub, or its folder.", show_default=False)
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the first server.")] = 8000,
    replicas: Replicas = 1,
    python: Python = None,
    logs: Annotated[Path, typer.Option(help="Folder for the servers' logs.")] = Path("logs"),
) -> None:
    """Start vLLM for juries and keep it until Ctrl-C.

    What follows `--` goes to vLLM as it stands: `juries serve MODEL -- --max-model-len 8192`.
    """
    from graphs.llm.settings import ServeSettings
    from graphs.llm.vllm import serve as start

    settings = ServeSettings(python=python, replicas=replicas, port=port, args=tuple(context.args))
    with start(model, settings, logs=logs, say=lambda said: typer.echo(said, err=True)) as urls:
        typer.echo("Ready. Run a study at it, from another terminal:")
        named = " ".join(f"--base-url {endpoint.base_url}" for endpoint in urls)
        typer.echo(f"  juries run STUDY.yaml --model {model} {named}")
        typer.echo("Ctrl-C stops it.")
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            typer.echo("Stopping.", err=True)
