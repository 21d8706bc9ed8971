"""`juries run --dry-run`: what would be asked, of whom, without asking."""

from __future__ import annotations

import json
from pathlib import Path

import typer

from juries.running import prepare
from juries.spec import Study

_ROW_BYTES = 160
"""Ledger bytes a rating, measured over runs of the embedded mind."""


def show_plan(study: Study, base: Path, *, limit: int | None, as_json: bool) -> None:
    """Read everything, seat the jury, and print the plan."""
    prepared = prepare(study, base)
    items = prepared.items[:limit]
    asked = sum(prepared.questions_about(item) for item in items)
    plan = {
        "study": study.name,
        "items": len(items),
        "models": list(prepared.models),
        "jurors": len(prepared.jurors),
        "mind": study.mind.kind,
        "questions": asked,
        "ledger_megabytes": round(asked * _ROW_BYTES / 1e6, 1),
    }
    if as_json:
        typer.echo(json.dumps(plan, indent=1))
        return
    for name, value in plan.items():
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        typer.echo(
            f"{name.replace('_', ' '):18}{shown:,}"
            if isinstance(shown, int)
            else f"{name.replace('_', ' '):18}{shown}"
        )
