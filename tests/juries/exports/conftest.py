"""A finished run of the shipped example."""

from __future__ import annotations

from pathlib import Path

import pytest

import juries
from juries.spec import ScoresSpec

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    scores = ScoresSpec(welfare=("power:1", "power:0"), resamples=100)
    study = study.located(base).model_copy(update={"scores": scores})
    return juries.run(study, out=tmp_path_factory.mktemp("exported") / "run")
