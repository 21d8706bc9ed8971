"""A finished run of the shipped example, and evidence made from arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

import juries
from graphs.items import Item, Response
from graphs.panel import Juror
from juries.scores import MindSummary
from juries.spec import ScoresSpec
from juries.targets.evidence import Evidence
from juries.targets.provenance import Provenance
from personas.persona import Persona

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """The shipped example with its planted groups; fewer resamples, for time."""
    study, base = juries.load_study(ROOT / "examples" / "study.yaml")
    scores = ScoresSpec(welfare=("power:1", "power:-inf"), resamples=100)
    study = study.located(base).model_copy(update={"scores": scores})
    return juries.run(study, out=tmp_path_factory.mktemp("demo") / "run")


@pytest.fixture(scope="session")
def make_evidence() -> Callable[..., Evidence]:
    """Evidence from utilities [M, I, J] (or [C, M, I, J]), weights and attributes per juror."""

    def make(
        utilities: np.ndarray,
        *,
        weights: Sequence[float] | None = None,
        attributes: Sequence[Mapping[str, str]] | None = None,
        present: np.ndarray | None = None,
    ) -> Evidence:
        parts = utilities if utilities.ndim == 4 else utilities[None]
        criteria, models, items, jurors = parts.shape
        shares = np.ones(jurors) if weights is None else np.asarray(weights, dtype=float)
        about = attributes or [{"seat": f"s{at}"} for at in range(jurors)]
        names = tuple(f"m{at}" for at in range(models))
        there = np.ones((models, items), dtype=bool) if present is None else present
        return Evidence(
            items=tuple(
                Item(
                    id=f"i{at}",
                    prompt=f"prompt {at}",
                    responses=tuple(
                        Response(model=name, text=f"{name} answers {at}")
                        for place, name in enumerate(names)
                        if there[place, at]
                    ),
                )
                for at in range(items)
            ),
            models=names,
            jurors=tuple(
                Juror(
                    position=at,
                    id=f"j{at}",
                    persona=Persona(attributes=dict(about[at])),
                    weight=float(shares[at] / shares.sum()),
                    mind="test",
                )
                for at in range(jurors)
            ),
            criteria=tuple(f"c{at}" for at in range(criteria)),
            by_criterion=parts,
            utilities=parts.mean(axis=0),
            present=there,
            put=np.ones((items, jurors), dtype=bool),
            origin=Provenance(
                target="",
                study="test",
                fingerprint="0",
                hashes={},
                minds=(MindSummary(name="test", version="1", kind="simulator", jurors=jurors),),
                jurors=jurors,
                items=items,
                complete=True,
                answered=1.0,
            ),
            seed=3,
        )

    return make
