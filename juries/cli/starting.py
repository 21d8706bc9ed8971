"""`juries demo`, `juries new` and `juries schema`: the first minutes with the tool."""

from __future__ import annotations

import json
import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from juries.cli.running import AsJson, Display, Shown, run_and_show
from personas.errors import InputError

_PACKAGED = Path(__file__).resolve().parent.parent / "_examples"
_CHECKOUT = Path(__file__).resolve().parent.parent.parent / "examples"
_STARTER = Path(__file__).resolve().parent / "starter.yaml"
_STARTER_FILES = ("items.jsonl", "personas.csv")


class Schema(StrEnum):
    """Files with a published JSON Schema."""

    STUDY = "study"
    SCORES = "scores"


def examples() -> Path:
    """The folder of the shipped examples, installed or in a checkout."""
    return _PACKAGED if _PACKAGED.exists() else _CHECKOUT


def demo(
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/demo"),
    display: Shown = Display.RICH,
    as_json: AsJson = False,
) -> None:
    """Run the shipped example, offline."""
    from juries.runs import load_study

    study, base = load_study(examples() / "study.yaml")
    run_and_show(study.located(base), out=out, display=display, as_json=as_json)


def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make.", show_default=False)],
) -> None:
    """Write a commented starter study.

    Its items and personas are the shipped examples, to be replaced by your own.
    """
    if folder.exists() and any(folder.iterdir() if folder.is_dir() else [folder]):
        raise InputError("there is something here already", where=folder, hint="Name a new folder.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_STARTER, folder / "study.yaml")
        for name in _STARTER_FILES:
            shutil.copyfile(examples() / name, folder / name)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=folder) from None
    typer.echo(f"Wrote {folder}/study.yaml with {' and '.join(_STARTER_FILES)}.")
    typer.echo(f"Next: juries run {folder}/study.yaml")


def schema(
    of: Annotated[Schema, typer.Argument(help="Which file.")] = Schema.STUDY,
) -> None:
    """Print the JSON Schema of study files or scores."""
    if of is Schema.STUDY:
        from juries.spec import Study as Model
    else:
        from juries.scores import Scores as Model
    published = Model.model_json_schema(
        mode="validation" if of is Schema.STUDY else "serialization"
    )
    typer.echo(json.dumps(published, indent=2))
