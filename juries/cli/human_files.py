"""Options and reading that the commands about people's answers share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from personas.errors import InputError

if TYPE_CHECKING:
    from juries.human import HumanRatings
    from juries.runs import Run


class From(StrEnum):
    """What wrote a file of people's answers."""

    LABELSTUDIO = "labelstudio"
    ARGILLA = "argilla"
    CSV = "csv"
    POPQUORN = "popquorn"
    DICES = "dices"
    PRISM = "prism"


RunFolder = Annotated[
    Path, typer.Argument(metavar="RUN", help="Folder of a run.", show_default=False)
]
Column = Annotated[
    list[str] | None,
    typer.Option("--column", help="OURS=THEIRS: item, annotator, value, model, criterion, …"),
]
Label = Annotated[
    list[str] | None, typer.Option("--label", help="THEIRS=OURS: a label of another wording.")
]
Annotators = Annotated[
    Path | None, typer.Option(help="A further table that describes the annotators.")
]


def read_people(
    run: Run,
    file: Path,
    source: From,
    column: list[str] | None,
    label: list[str] | None,
    annotators: Path | None,
) -> HumanRatings:
    """People's answers matched to a run, as `import-human` and `calibrate` read them."""
    from juries.human import Target, read_human
    from juries.paired_verdicts import rated_scale

    scale = rated_scale(run.study.scale, "a match with people's answers")
    items = run.directory.read_items()[: run.record.items]
    return read_human(
        file,
        source.value,
        Target(items=items, models=run.record.models, scale=scale),
        columns=pairs(column, "--column"),
        labels=pairs(label, "--label"),
        annotators=annotators,
    )


def pairs(values: list[str] | None, option: str) -> dict[str, str]:
    """`A=B` options as a mapping.

    Raises:
        InputError: without an equals sign, or a name twice.
    """
    found: dict[str, str] = {}
    for value in values or ():
        left, sign, right = value.partition("=")
        if not sign or not left or not right or left in found:
            raise InputError(
                f"{option} cannot be read", found=value, expected="each name once, A=B"
            )
        found[left] = right
    return found
