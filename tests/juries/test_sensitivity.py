"""Which conclusions hold over variants of a study."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import juries
from juries.sensitivity import BEST, Options, sensitivity
from personas.errors import InputError

Study = Callable[..., Path]


def test_a_strong_conclusion_holds_and_a_split_one_does_not(
    small_study: Study, tmp_path: Path
) -> None:
    """Ash is best by far for everyone; birch pleases seven in ten and fails the others."""
    mind = {
        "kind": "embedded",
        "planted": [
            {"where": {}, "models": ["ash"], "shift": 5.0},
            {"where": {"side": "left"}, "models": ["birch"], "shift": 3.0},
            {"where": {"side": "right"}, "models": ["birch"], "shift": -6.0},
        ],
    }
    study = small_study(
        people=60,
        jury={"seats": 30},
        mind=mind,
        baselines={"share": 0},
        scores={"welfare": ["power:1", "power:-inf"], "resamples": 100},
    )
    out = tmp_path / "out"
    found = sensitivity(
        study, over=["portrait", "scale", "welfare", "seed"], options=Options(out=out, seeds=2)
    )
    names = [variant.name for variant in found.variants]
    assert names == [
        "as written",
        "welfare=power:-inf",
        "scale=5 points",
        "scale=7 points",
        "seed=12",
        "seed=13",
    ]
    held = {each.conclusion: each for each in found.conclusions}
    assert held[BEST].share == 1.0
    assert held[BEST].commonest == "ash"
    assert held["ash > birch"].share == held["ash > cedar"].share == 1.0
    assert held["birch > cedar"].answers["welfare=power:-inf"] == "no"
    assert found.skipped == ("portrait: the embedded simulator reads no text about the juror",)
    assert json.loads((out / "sensitivity.json").read_text())["study"] == "small"

    row = juries.open_run(out).score().validity[-1]
    assert row.check == "wording and settings"
    assert row.value == found.changed


def test_variants_are_resumed_and_share_the_run_as_written(
    small_study: Study, tmp_path: Path
) -> None:
    study, out = small_study(baselines={"share": 0}), tmp_path / "out"
    first = sensitivity(study, over=["seed"], options=Options(out=out, seeds=1))
    sessions = juries.open_run(out / "sensitivity" / "seed=12").record.recorded
    again = sensitivity(study, over=["seed"], options=Options(out=out, seeds=2))
    assert again.variants[:2] == first.variants
    assert juries.open_run(out / "sensitivity" / "seed=12").record.recorded == sessions
    assert juries.run(study, out=out).record.sessions == 3


def test_nothing_to_vary_is_said(small_study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nothing could be varied.*embedded simulator"):
        sensitivity(small_study(), over=["portrait"], options=Options(out=tmp_path / "out"))
