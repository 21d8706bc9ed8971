"""`docs/embedded-mind.md` says what the code does: its worked example and its tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from graphs.items import Item, Likert, Response, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import (
    DEFAULT_QUALITY,
    Planted,
    PsychometricMind,
    PsychometricSettings,
)
from graphs.minds.psychometric.features import TYPICAL
from graphs.panel import Juror, Panel
from graphs.records import unpack
from personas.persona import Persona, SchwartzValue

DOC = (Path(__file__).resolve().parents[3] / "docs" / "embedded-mind.md").read_text(
    encoding="utf-8"
)


def test_the_worked_example_comes_out() -> None:
    declared = PsychometricSettings(
        severity_mean=0.5,
        severity_sd=0,
        discrimination_sd=0,
        item_sd=0,
        taste_sd=0,
        residual_sd=0,
        replicate_sd=0,
        planted=(Planted(where={"side": "left"}, shift=0.8),),
    )
    values = {SchwartzValue.UNIVERSALISM: 5.0, SchwartzValue.POWER: 1.0}
    persona = Persona(attributes={"side": "left"}, values=values)
    juror = Juror(position=0, id=persona.id, persona=persona, weight=1.0, mind="embedded")
    text = "Some people find the tax fair. Others fear for jobs."
    item = Item(
        id="example",
        prompt="Should people pay it?",
        responses=(Response(model="m", text=text),),
    )
    scale = Likert(question="How good?", points=("1", "2", "3", "4", "5"))
    task = RatingTask(
        item=item, position=0, panel=Panel((juror,)), questions=questions(scale), seed=1
    )
    [[row]] = PsychometricMind(declared).answers(task)
    assert row.probabilities is not None
    found = unpack(row.probabilities)
    # By hand, as the page does it.
    assert found.tolist() == pytest.approx([0.108, 0.207, 0.321, 0.233, 0.131], abs=6e-4)
    assert row.expected == pytest.approx(3.073, abs=6e-4)
    assert "| probability | " + " | ".join(f"{p:.3f}" for p in found) + " |" in DOC
    assert f"= {row.expected:.3f}." in DOC
    assert f"`{row.reason}`" in DOC
    assert text in DOC
    assert item.prompt in DOC


def test_the_tables_hold_every_parameter_and_its_default() -> None:
    for name, field in PsychometricSettings.model_fields.items():
        if name == "kind":
            continue
        [line] = [line for line in DOC.splitlines() if line.startswith(f"| `{name}` |")]
        if isinstance(field.default, float):
            assert line.split("|")[2].strip() == f"{field.default:g}"


def test_the_table_of_features_has_their_typical_values_and_weights() -> None:
    for feature, weight in DEFAULT_QUALITY.items():
        [line] = [line for line in DOC.splitlines() if line.startswith(f"| `{feature}` |")]
        cells = [cell.strip().replace("\N{MINUS SIGN}", "-") for cell in line.split("|")]
        assert float(cells[3]) == TYPICAL[feature]
        assert float(cells[4]) == weight
