"""`juries run --dry-run`: what would be asked, of whom, without asking."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from graphs.items import questions
from juries.deliberation.asking import plan_deliberation, workload
from juries.planned import estimate_study
from juries.running import Prepared, prepare
from juries.spec import Study
from juries.subjects.asking import survey_questions

if TYPE_CHECKING:
    from graphs.llm.estimate import Estimate

_ROW_BYTES = 160
"""Ledger bytes a rating, measured over runs of the embedded mind."""


def show_plan(study: Study, base: Path, *, limit: int | None, as_json: bool) -> None:
    """Read everything, seat the jury, and print the plan."""
    prepared = prepare(study, base)
    items = prepared.items[:limit]
    asked = sum(prepared.questions_about(*each) for each in enumerate(items))
    estimates = asyncio.run(estimate_study(prepared, limit=limit))
    plan: dict[str, Any] = {
        "study": study.name,
        "items": len(items),
        "models": list(prepared.models),
        "jurors": len(prepared.jurors),
        "mind": ", ".join(each.shown for each in study.seated_minds),
        "questions": asked,
        "ledger_megabytes": round((sum(map(_bytes, estimates)) or asked * _ROW_BYTES) / 1e6, 1),
    }
    plan |= _subjects(prepared, len(items)) | _talk(prepared, limit)
    if as_json:
        plan["language_models"] = [asdict(each) for each in estimates]
        typer.echo(json.dumps(plan, indent=1))
        return
    plan["models"] = ", ".join(prepared.models)
    for name, value in plan.items():
        _line(name.replace("_", " "), value)
    for each in estimates:
        _show(each)


def _subjects(prepared: Prepared, items: int) -> dict[str, int]:
    """Conversations with the study's subjects; their responses' lengths are not known yet."""
    study = prepared.study
    if not study.subjects:
        return {}
    plan = {"responses to ask for": items * len(study.live_models)}
    asked = [each.survey for each in study.subjects if each.survey is not None]
    if asked:
        questions_of = len(survey_questions(study)[1])
        plan["survey questions to ask"] = sum(
            min(questions_of, each.limit or questions_of) * each.orders for each in asked
        )
    return plan


def _talk(prepared: Prepared, limit: int | None) -> dict[str, int]:
    """What a deliberation comes to at most, the control without talk set apart."""
    study, items = prepared.study, prepared.items[:limit]
    plan = plan_deliberation(study, prepared.jurors, prepared.items)
    if plan is None:
        return {}
    work = workload(plan, items, questions(study.scale), study.replicates)
    return {
        "ballots with talk": work.ratings,
        "turns of talk": work.turns,
        "control items": work.control_items,
        "ballots without talk": work.control_ratings,
    }


def _bytes(made: Estimate) -> int:
    return made.ledger_bytes + (0 if made.talk is None else made.talk.ledger_bytes)


def _show(made: Estimate) -> None:
    typer.echo(f"\n{made.model}, asked for {made.elicitation}, {made.layout}:")
    _line("calls", made.calls)
    _line("prompt tokens", made.prompt_tokens)
    for layout, tokens in made.computed_tokens.items():
        _line(f"computed, {layout}", tokens)
    _line("generated tokens", made.generated_tokens)
    if made.seconds is not None:
        _line("GPU time", f"{made.seconds / 3600:.2f} h")
    if made.cost is not None:
        _line("cost", f"{made.cost.amount:.2f} {made.cost.currency} ({made.cost.basis})")
    if made.talk is not None:
        typer.echo("and for talk, votes and the control, at most:")
        _line("calls", made.talk.calls)
        _line("prompt tokens", made.talk.prompt_tokens)
        _line("generated tokens", made.talk.generated_tokens)
        if made.talk.cost is not None:
            _line("cost", f"{made.talk.cost.amount:.2f} {made.talk.cost.currency}, nothing reused")
    typer.echo(
        f"Counted by {made.counted_by}, prefix cache in blocks of {made.block}, on a sample; "
        "baselines come on top."
    )


def _line(name: str, value: object) -> None:
    typer.echo(f"{name:26}{value:,}" if isinstance(value, int) else f"{name:26}{value}")
