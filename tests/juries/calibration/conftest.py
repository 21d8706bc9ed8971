"""A population of people and juries drawn from it, with everything known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from graphs.items import Choice, Item, Likert, Response
from juries.calibration.run_answers import JuryTable
from juries.human.ratings import HumanRatings

LABELS = ("very bad", "bad", "so-so", "good", "very good")


@pytest.fixture
def likert() -> Likert:
    return Likert(question="How good?", points=LABELS)


@pytest.fixture
def world(likert) -> Callable[..., tuple[HumanRatings, JuryTable]]:
    """People and a jury whose answers about the same responses are drawn from known means."""

    def make(
        *,
        items: int = 120,
        models: int = 2,
        people: int = 30,
        jurors: int = 15,
        per_item: int = 6,
        bias: float = 0.0,
        noise: float = 0.0,
        spread: float = 0.9,
        likeness: float = 1.0,
        simulator: bool = False,
        scale: Likert | Choice | None = None,
        labelled: int | None = None,
        seed: int = 0,
    ) -> tuple[HumanRatings, JuryTable]:
        """People see `labelled` items; jurors see all, off by `bias` and per-response `noise`."""
        rng = np.random.default_rng(seed)
        scale = scale or likert
        truth = rng.uniform(1.5, 4.5, size=(items, models))
        names = tuple(f"i{i}" for i in range(items))
        model_names = tuple(f"m{m}" for m in range(models))

        def points(centre: np.ndarray, sd: float) -> np.ndarray:
            drawn = np.rint(centre + sd * rng.standard_normal(centre.shape))
            return np.clip(drawn, 1, len(scale.points)).astype(int)

        rows = []
        for i in range(items if labelled is None else labelled):
            for who in rng.choice(people, size=per_item, replace=False):
                for m in range(models):
                    rows.append((i, m, 0, int(who), int(points(truth[i, m], spread)), 0))
        item, model, criterion, annotator, rating, repeat = np.array(rows).T
        ratings = HumanRatings(
            items=names,
            models=model_names,
            criteria=("overall",),
            labels=(tuple(scale.points),),
            annotators=tuple(f"a{a}" for a in range(people)),
            item=item,
            model=model,
            criterion=criterion,
            annotator=annotator,
            rating=rating,
            seconds=np.full(len(rows), np.nan),
            repeat=repeat,
            attributes=tuple({"side": "left" if a % 2 else "right"} for a in range(people)),
            problems=(),
            source="csv",
        )
        shift = bias + noise * rng.standard_normal(truth.shape)
        each = np.repeat((truth + shift)[None], jurors, axis=0)
        said = points(each, spread * likeness)  # [J, I, M]
        table = JuryTable(
            items=tuple(
                Item(
                    id=name,
                    prompt="p",
                    responses=tuple(Response(model=m, text=f"{name} {m}") for m in model_names),
                )
                for name in names
            ),
            models=model_names,
            questions=(scale,) if isinstance(scale, Choice) else scale.criteria,
            criteria=("overall",),
            points=said.transpose(2, 1, 0)[None].astype(np.int8),
            means=said.mean(axis=0).T[None],
            put=np.ones((said.shape[1], jurors), dtype=np.bool_),
            weights=np.full(jurors, 1 / jurors),
            jurors=tuple(f"j{j}" for j in range(jurors)),
            attributes=tuple({"side": "left" if j % 2 else "right"} for j in range(jurors)),
            produced_by="a test (language model)",
            simulator=simulator,
        )
        return ratings, table

    return make
