"""What is planted with the embedded mind comes back: group effects, variance shares, viewpoints.

`benchmarks/planted.py` simulates the studies and works out the truth by quadrature from the
declared parameters, without the mind's own random numbers.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

from graphs.items import Item, Likert, Response, questions
from graphs.minds.deliberator import SpeakTask
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.panel import Juror, Panel
from graphs.records import Utterance
from juries.measures.clustering import adjusted_rand
from juries.measures.group_effects import group_difference
from juries.measures.overton import overton_coverage
from juries.measures.variance import variance_shares
from juries.measures.viewpoints import cluster_viewpoints
from juries.measures.welfare_functions import parse_welfares
from personas.persona import Persona

PLANTED = Path(__file__).resolve().parents[3] / "benchmarks" / "planted.py"
STUDIES = 400


@pytest.fixture(scope="module")
def planted():
    """The benchmark's module of studies with known truth."""
    if not PLANTED.exists():
        pytest.skip("benchmarks/ is not beside the tests")
    spec = importlib.util.spec_from_file_location("planted", PLANTED)
    module = importlib.util.module_from_spec(spec)
    sys.modules["planted"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["planted"]


def test_the_truth_is_what_a_large_study_says(planted):
    """400 jurors and 150 items, within three standard errors."""
    truth = planted.Truth()
    study = planted.simulate(planted.panel(400), 150, seed=4)
    for model, name in enumerate(planted.MODELS):
        found = group_difference(study.utilities[model], study.left, ~study.left)
        assert found.effect.value == pytest.approx(
            truth.group_effect(name), abs=3 * found.standard_error
        )
    functions = parse_welfares(["mean", "nash", "harmonic", "cvar:0.2", "inequality:0.5"])
    welfare = [np.mean(function(study.utilities[1], axis=-1)) for function in functions]
    # Jurors and items differ by about 0.1 each: standard errors of 0.005 and 0.008.
    assert welfare == pytest.approx(truth.welfare("b", functions).tolist(), abs=0.03)
    assert truth.group_effect("a") == pytest.approx(0, abs=1e-12)
    assert truth.group_effect("b") > 0.05


def test_planted_group_effects_lie_inside_their_interval_in_95_of_100_studies(planted):
    """400 studies of 24 new jurors and 20 new items: 95 % within 2 %.

    The binomial standard error of 400 studies is 1.1 %, so a right interval would pass with 93 of
    100 seeds; a wrong one that covered 91 % with 20. The null effect of model a is held as well.
    """
    truth = [planted.Truth().group_effect(name) for name in planted.MODELS]
    asked = planted.panel(24)
    hits = np.zeros(2)
    for seed in range(STUDIES):
        study = planted.simulate(asked, 20, seed=seed)
        for model, planted_effect in enumerate(truth):
            effect = group_difference(study.utilities[model], study.left, ~study.left).effect
            hits[model] += effect.low <= planted_effect <= effect.high
    assert (np.abs(hits / STUDIES - 0.95) <= 0.02).all()


def test_planted_variance_shares_come_back_within_10_percent(planted):
    """The mean over 60 studies of 40 jurors and 40 items, asked twice, ratings as drawn.

    The persona's share rests on 40 jurors a study: a standard error of 22 % of itself, so of 3 %
    over 60 studies.
    """
    settings = planted.SETTINGS.model_copy(
        update={"residual_sd": 0.9, "severity_sd": 0.9, "taste_sd": 1.0, "item_sd": 0.8}
    )
    truth = planted.Truth(settings=settings).variance_shares("b")
    asked = planted.panel(40)
    found = []
    for seed in range(60):
        study = planted.simulate(asked, 40, seed=seed, replicates=2, settings=settings)
        points = study.points[1].transpose(1, 0, 2)
        shares = variance_shares(points, rng=np.random.default_rng(seed), resamples=1)
        assert shares.sources == ("item", "persona", "persona x item", "replicate")
        found.append(shares.shares)
    assert truth.min() > 0.1
    np.testing.assert_allclose(np.mean(found, axis=0), truth, rtol=0.10)


OUTLOOKS = ("early", "late", "never")
JURORS = 60
HELD = np.arange(JURORS) % 3
TEXT = "Some people would keep it, others would not, and both sides have good grounds for it."
ASKED = questions(Likert(question="Is your view represented?", points=("1", "2", "3", "4", "5")))


def outlooks(shift):
    """Tasks for a jury of three outlooks, each of which finds its view in one of three models."""
    plants = tuple(
        Planted(where={"outlook": own}, models=(model,), shift=shift if own == model else -shift)
        for own in OUTLOOKS
        for model in OUTLOOKS
    )
    settings = PsychometricSettings(
        value_weight=0.0, severity_mean=-0.5, planted=plants if shift else ()
    )
    jurors = (
        Persona(attributes={"seat": seat, "outlook": OUTLOOKS[view]})
        for seat, view in enumerate(HELD.tolist())
    )
    seated = Panel(
        tuple(
            Juror(position=seat, id=f"j{seat}", persona=who, weight=1 / JURORS, mind="embedded")
            for seat, who in enumerate(jurors)
        )
    )
    responses = tuple(Response(model=model, text=TEXT) for model in OUTLOOKS)
    tasks = [
        {
            "item": Item(id=f"item {number}", prompt="Should it go?", responses=responses),
            "position": number,
            "panel": seated,
            "questions": ASKED,
            "seed": 3,
        }
        for number in range(30)
    ]
    return PsychometricMind(settings), tasks


def ratings(mind, task):
    """Expected ratings, [models, jurors]."""
    rows = next(iter(mind.answers(RatingTask(**task))))
    return np.array([row.expected for row in rows]).reshape(len(OUTLOOKS), JURORS)


def opinions(mind, task):
    """What each juror says before anything is heard."""
    seats = tuple(range(JURORS))
    asked = SpeakTask(
        **task, round=1, speakers=seats, order=seats, kind=Utterance.OPINION, limit=2000
    )

    async def said():
        return [row async for rows in mind.speak(asked) for row in rows]

    return [row.text for row in sorted(asyncio.run(said()), key=lambda row: row.juror)]


def profiles(rated):
    """Ratings as stances: opposite ratings of every response lie as far apart as two choices."""
    return ((rated - 1) / 4).T * np.sqrt(2 / len(rated))


@pytest.mark.parametrize("shift", [1.5, 2.0])
def test_planted_viewpoints_are_recovered_from_rating_profiles(shift):
    """30 items of three views each."""
    mind, tasks = outlooks(shift)
    found = [cluster_viewpoints(None, profiles(ratings(mind, task))) for task in tasks]
    assert np.mean([views.count == 3 for views in found]) >= 0.95
    assert np.mean([adjusted_rand(views.labels, HELD) for views in found]) >= 0.97


def test_opinions_never_mix_the_planted_viewpoints():
    """With words a view may be split by how it is worded, but no cluster joins two views."""
    mind, tasks = outlooks(2.0)
    for task in tasks:
        texts = opinions(mind, task)
        views = cluster_viewpoints(texts, profiles(ratings(mind, task)))
        assert views.count >= 3
        pure = [np.bincount(HELD[views.labels == view]).max() for view in range(views.count)]
        assert sum(pure) / JURORS >= 0.97


def test_without_planted_viewpoints_rating_profiles_hold_one():
    """The criterion lets one in twenty pass; 30 items, so 5 are three standard errors above."""
    mind, tasks = outlooks(0.0)
    several = [cluster_viewpoints(None, profiles(ratings(mind, task))).count > 1 for task in tasks]
    assert sum(several) <= 5


def test_coverage_through_recovered_viewpoints_is_the_planted_coverage():
    """Each model speaks for one outlook of three: it covers a third, and all of them together 1."""
    mind, tasks = outlooks(2.0)
    rated = [ratings(mind, task) for task in tasks]
    views = np.stack([cluster_viewpoints(None, profiles(each)).labels for each in rated])
    found = overton_coverage(np.stack(rated, axis=1), views, tau=3.0, models=OUTLOOKS)
    for row in found.rows:
        assert row.coverage.value == pytest.approx(1 / 3, abs=0.02)
        assert row.above_blind.value is not None
    assert found.items == len(tasks)
    assert found.single_view == 0
    first = {(gap.model, gap.viewpoint) for gap in found.left_out if gap.item == 0}
    assert len(first) == 6
