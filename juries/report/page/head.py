"""What the page's script knows from the start: jurors, an index of items, charts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from graphs.records import Status
from juries.report.charts.figure import PALETTE
from juries.report.details import NOT_ASKED
from juries.report.findings import Findings
from juries.report.headline import headline
from juries.report.page.blocks import Drawing, Section
from juries.report.prompts import Prompts
from juries.report.source import Source
from juries.report.wording import shorten

_PROMPT = 240
_MOST_LEVELS = 40
"""An attribute with more levels is no use for grouping jurors."""


def head(
    findings: Findings,
    parts: Sequence[Section],
    places: Sequence[tuple[int, int]],
    *,
    folder: str,
) -> dict[str, Any]:
    """The head as plain values.

    Args:
        findings: of the run.
        parts: the page's sections, whose charts are drawn.
        places: for each item its chunk and its place in it.
        folder: where the chunks are; empty where the page holds them.
    """
    source = findings.source
    functions = list(dict.fromkeys((s.function, s.label) for s in source.scores.welfare))
    talk = source.study.deliberation
    figures = [b.figure for part in parts for b in part.blocks if isinstance(b, Drawing)]
    return {
        "models": source.models,
        "label": source.label,
        "colours": PALETTE,
        "statuses": [*(status.value for status in Status), NOT_ASKED],
        "functions": functions,
        "headlines": {name: headline(source.scores, name) for name, _ in functions},
        "counted": 0 if talk is None else talk.final_round,
        "criteria": _criteria(source),
        "jurors": _jurors(source),
        "kinds": {each.shown: each.mind.kind for each in source.study.seated_minds},
        "prompts_note": Prompts(source).note,
        "attributes": _groupable(source),
        "items": _index(source, places),
        "figures": {
            figure.name: {
                "spec": figure.spec(),
                "controls": [
                    {"param": c.param, "label": c.label, "options": c.options}
                    for c in figure.controls
                ],
            }
            for figure in figures
        },
        "folder": folder,
    }


def _criteria(source: Source) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "question": question.question,
            "points": question.points,
            "utilities": None if question.utilities is None else question.utilities.tolist(),
        }
        for name, question in zip(source.criteria, source.questions, strict=True)
    ]


def _jurors(source: Source) -> list[dict[str, Any]]:
    return [
        {
            "id": juror.id,
            "weight": juror.weight,
            "mind": juror.mind,
            "attributes": dict(juror.persona.attributes),
            "values": dict(juror.persona.values) if juror.persona.values else None,
            "narrative": juror.persona.narrative,
            "portrait": juror.portrait,
        }
        for juror in source.jurors
    ]


def _groupable(source: Source) -> list[str]:
    """Attributes with few levels, those that the study scores by first."""
    levels: dict[str, set[str]] = {name: set() for name in source.study.scores.groups}
    for juror in source.jurors:
        for name, value in juror.persona.attributes.items():
            levels.setdefault(name, set()).add(str(value))
    return [name for name, held in levels.items() if 1 < len(held) <= _MOST_LEVELS]


def _index(source: Source, places: Sequence[tuple[int, int]]) -> list[dict[str, Any]]:
    """One entry an item: enough to search, sort and say who is preferred."""
    welfare = _item_welfare(source)
    spread = _per_model(source, welfare.get("spread", {}))
    functions = [f.name for f in source.functions]
    tables = {name: _per_model(source, welfare.get(name, {})) for name in functions}
    return [
        {
            "id": item.id,
            "prompt": shorten(item.prompt, _PROMPT),
            "attributes": dict(item.attributes),
            "chunk": chunk,
            "place": place,
            "welfare": {name: tables[name][position] for name in functions},
            "spread": spread[position],
        }
        for position, (item, (chunk, place)) in enumerate(zip(source.items, places, strict=True))
    ]


def _item_welfare(source: Source) -> dict[str, dict[tuple[str, str], float | None]]:
    """`verdicts.parquet` by column, then by item and model."""
    import polars as pl

    if not source.scores.welfare:
        return {}
    table = pl.read_parquet(source.directory.verdicts)
    keys = list(zip(table["item_id"], table["model"], strict=True))
    return {
        name: dict(zip(keys, table[name], strict=True))
        for name in ("spread", *(f.name for f in source.functions))
    }


def _per_model(
    source: Source, values: dict[tuple[str, str], float | None]
) -> list[list[float | None]]:
    """[items][models], rounded; None where there is no verdict."""
    return [
        [_rounded(values.get((item.id, model))) for model in source.models] for item in source.items
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else round(value, 5)
