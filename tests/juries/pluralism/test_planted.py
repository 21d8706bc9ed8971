"""What is planted in a whole study comes out in its measures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import juries
from juries.concluding import evidence_of
from juries.figures import Figure
from juries.pluralism.evidence import Evidence
from juries.pluralism.overton import find_views

Study = Callable[..., Path]
POINTS = ["1", "2", "3", "4", "5"]
RUBRIC = {
    "kind": "rubric",
    "criteria": [
        {"name": "quality", "question": "Good?", "points": POINTS},
        {"name": "represented", "question": "Is your view represented?", "points": POINTS},
    ],
}
QUIET = {"severity_sd": 0.0, "item_sd": 0.0, "taste_sd": 0.3, "residual_sd": 0.0}


def planted(*effects: dict[str, object], **settings: object) -> dict[str, object]:
    return {"kind": "embedded", **QUIET, **settings, "planted": list(effects)}


def effect(side: str | None, model: str, shift: float, **more: object) -> dict[str, object]:
    where = {} if side is None else {"side": side}
    return {"where": where, "models": [model], "shift": shift, **more}


def ends(figure: Figure) -> tuple[float, float, float]:
    assert figure.value is not None
    assert figure.interval is not None
    assert figure.interval.low is not None
    assert figure.interval.high is not None
    return figure.interval.low, figure.value, figure.interval.high


def read_evidence(run: juries.Run) -> Evidence:
    return evidence_of(run.directory, run.record, run.gather(), run.study.scores, "uncalibrated")


CONFLICT = (effect("left", "ash", 3.0), effect("right", "ash", -3.0),
            effect("left", "birch", -3.0), effect("right", "birch", 3.0))  # fmt: skip


def test_two_camps_are_found_and_measured(small_study: Study, tmp_path: Path) -> None:
    """Each camp likes another model; ash represents the left, cedar everyone, birch nobody."""
    says = {"criterion": "represented"}
    study = small_study(
        items=10,
        people=60,
        scale=RUBRIC,
        jury={"seats": 40, "sampling": "stratified", "by": ["side"]},
        mind=planted(
            *({**one, "criterion": "quality"} for one in CONFLICT),
            effect("left", "ash", 6.0, **says),
            effect("right", "ash", -6.0, **says),
            effect(None, "birch", -6.0, **says),
            effect(None, "cedar", 6.0, **says),
        ),
        scores={
            "groups": ["side"],
            "resamples": 200,
            "objectives": {"by": "groups"},
        },
    )
    run = juries.run(study, out=tmp_path / "out")
    scores = run.scores()
    assert [each.measure for each in scores.measures] == [
        "overton",
        "steerable",
        "distributional",
        "multi-objective",
        "trade-off steerable",
        "jury-pluralistic",
    ]
    assert all(each.figures for each in scores.measures)
    assert all("not calibrated against people" in each.produced_by for each in scores.measures)

    evidence = read_evidence(run)
    views = find_views(evidence, asked=1)
    left = np.array([label == "left" for label in evidence.labels("side")])
    two = [row for row in views.labels if row.max() == 1]
    assert len(two) >= 8
    for row in two:
        assert ((row == 0) == left).all() or ((row == 1) == left).all()

    overton = scores.measure("overton")
    assert overton.of("coverage", "cedar").value == pytest.approx(1.0, abs=0.05)
    assert overton.of("coverage", "birch").value == pytest.approx(0.0, abs=0.05)
    assert overton.of("coverage", "ash").value == pytest.approx(0.5, abs=0.1)
    assert overton.of("coverage weighted by holders", "ash").value == pytest.approx(
        evidence.weights[left].sum(), abs=0.12
    )
    quoted = [quote for quote in overton.quotes if quote.model == "ash"]
    assert quoted
    assert all("right" in quote.said[0] for quote in quoted if 0.1 < quote.share < 0.9)

    steerable = scores.measure("steerable")
    lost = min(
        ("left", "right"),  # the jury's choice pleases one camp already; the other has all to gain
        key=lambda side: -(steerable.of("gain of those steered for", side).value or 0.0),
    )
    assert ends(steerable.of("gain of those steered for", lost))[0] > 0.05
    assert ends(steerable.of("change for the others", lost))[2] < -0.05

    front = scores.measure("multi-objective")
    for model, on_front in (("ash", 1.0), ("cedar", 1.0), ("birch", 0.0)):
        assert front.of("probability of the front", model).value == on_front
    assert front.of("probability of dominance", "cedar over birch").value == 1.0
    assert (front.of("objective left", "ash").value or 0) > (
        front.of("objective left", "cedar").value or 1
    )

    reached = scores.measure("trade-off steerable")
    assert ends(reached.of("gain over the unsteered", "all functions"))[0] > 0
    for weights, favourite in (("left 1.00", "ash"), ("right 1.00", "cedar")):
        side = weights.split()[0]
        assert reached.of("score", weights).value == pytest.approx(
            front.of(f"objective {side}", favourite).value, abs=0.05
        )

    jury = scores.measure("jury-pluralistic")
    assert jury.of("inequality between side", "ash").value > 5 * (
        jury.of("inequality between side", "cedar").value or 0.0
    )
    checks = {row.check: row for row in scores.validity}
    assert checks["groups by side told apart"].value == pytest.approx(1.0)
    assert checks["valid answers"].value == 1.0
    low = checks["spread against no persona"].interval
    assert low is not None
    assert (low.low or 0) > 1


def test_steered_models_are_read_as_the_study_names_them(
    small_study: Study, tmp_path: Path
) -> None:
    """Birch is ash steered towards the left once, cedar twice as hard; quality is left alone."""
    says = {"criterion": "represented"}
    towards = {"baseline": "ash", "towards": {"side": "left"}, "criterion": "represented"}
    study = small_study(
        items=12,
        people=60,
        scale=RUBRIC,
        jury={"seats": 40},
        mind=planted(
            *(effect("left", model, shift, **says) for model, shift in (("birch", 1.5),
                                                                       ("cedar", 4.0))),
            quality=dict.fromkeys(
                ("length", "structure", "plainness", "hedging", "evasiveness", "engagement",
                 "balance", "certainty"), 0.0
            ),
            value_weight=0.0,
        ),
        scores={
            "groups": ["side"],
            "resamples": 200,
            "steering": {
                "fidelity": "represented",
                "models": [
                    {"model": "birch", "budget": 1, "goal": {"represented": 1.0}, **towards},
                    {"model": "cedar", "budget": 2, "goal": {"represented": 1.0}, **towards},
                ],
            },
        },
    )  # fmt: skip
    steerable = juries.run(study, out=tmp_path / "out").scores().measure("steerable")
    weak, strong = "birch towards side = left", "cedar towards side = left"
    assert ends(steerable.of("fidelity gain", weak))[0] > 0
    assert (
        ends(steerable.of("fidelity gain", weak))[2]
        < ends(steerable.of("fidelity gain", strong))[0]
    )
    for title in (weak, strong):
        assert ends(steerable.of("gain of those steered for", title))[0] > 0
        assert steerable.of("change for the others", title).value == pytest.approx(0, abs=0.05)
    first = steerable.of("prompt steerability index, budget 1", weak)
    second = steerable.of("prompt steerability index, budget 2", strong)
    assert 0 < ends(first)[1] < ends(second)[1]
    assert steerable.of("steering error", strong).value < steerable.of("steering error", weak).value
    assert steerable.of("side effects", strong).value < 0.3
    assert steerable.needs is not None
    assert "identification" in steerable.needs


def test_jurors_identify_what_was_asked_for(small_study: Study, tmp_path: Path) -> None:
    scale = {"kind": "choice", "question": "For whom was this written?",
             "options": ["left", "right"], "worth": [0.5, 0.5]}  # fmt: skip
    asked = {"ash": "left", "birch": "right"}
    study = small_study(
        items=10,
        scale=scale,
        mind=planted(
            *(effect(None, model, 4.0, option=level) for model, level in asked.items()),
            option_sd=0.0,
        ),
        scores={
            "groups": ["side"],
            "resamples": 200,
            "steering": {
                "models": [
                    {"model": model, "baseline": "cedar", "towards": {"side": level}}
                    for model, level in asked.items()
                ]
            },
        },
    )
    steerable = juries.run(study, out=tmp_path / "out").scores().measure("steerable")
    low, accuracy, _ = ends(steerable.of("identification", "all attributes"))
    assert low > 0.8
    assert accuracy > 0.9


def test_a_jury_without_planted_views_has_one(small_study: Study, tmp_path: Path) -> None:
    study = small_study(
        items=12, people=60, scale=RUBRIC, jury={"seats": 40}, mind={"kind": "embedded"}
    )
    run = juries.run(study, out=tmp_path / "out")
    evidence = read_evidence(run)
    assert find_views(evidence, asked=1).several <= 3
    steerable = run.scores().measure("steerable")
    low, _, high = ends(steerable.of("gain of those steered for", "all attributes"))
    assert low < 0.02 < high + 0.04
