"""Power of a study on the embedded mind: an effect is planted in it, and looked for.

Every simulated study puts the same texts before the jury twice, as responses of a `control` and of
a `treated` model; the treated one is shifted by a known number of logits. What the analysis finds
beyond its nominal size is therefore the planted effect. The simulator's declared variances decide
how hard it is to find: they are assumptions, not measurements of people.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np

from graphs.items import Criterion, FloatArray, Item, Response, questions
from graphs.minds.protocol import RatingTask
from graphs.minds.psychometric import Planted, PsychometricMind, PsychometricSettings
from graphs.panel import Juror, Panel
from juries.calibration.interval import Interval, wilson_interval
from juries.calibration.power import Clusters, clustered_mean
from juries.running import Prepared
from personas.errors import InputError
from personas.identity import generator

CONTROL, TREATED = "control", "treated"


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyPower:
    """Power of one design.

    Attributes:
        items: of each simulated study, drawn from the study's.
        jurors: of each, drawn from the study's with their weights.
        shift: planted, in logits towards the better end.
        effect: what it comes to, in points: mean difference over the simulated studies.
        power: share of studies that find it.
        interval: of that share (Wilson).
        simulations: studies simulated.
        clusters: what the test treats as drawn from a population.
    """

    items: int
    jurors: int
    shift: float
    effect: float
    power: float
    interval: Interval
    simulations: int
    clusters: Clusters


def simulate_study_power(
    prepared: Prepared,
    *,
    shift: float,
    items: int,
    jurors: int,
    clusters: Clusters = "items and raters",
    simulations: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> StudyPower:
    """Simulate studies with a planted effect on the first question of a study's scale.

    Args:
        prepared: the study, read and seated.
        shift: planted, in logits at discrimination 1; 0 gives the test's true size.
        items: in each simulated study; more than the study has are drawn again.
        jurors: in each simulated study, drawn with replacement by weight.
        clusters: what the test treats as drawn from a population.
        simulations: studies to simulate.
        level: 1 minus the size of the two-sided test.
        seed: of all draws.

    Raises:
        InputError: a study whose mind is not embedded, or whose first question is not ordinal.
    """
    settings = cast("object", prepared.study.mind)  # another kind of mind may stand here
    question = questions(prepared.study.scale)[0]
    if not isinstance(settings, PsychometricSettings) or not isinstance(question, Criterion):
        raise InputError(
            "power is simulated on the embedded mind and an ordinal question",
            found=f"{type(settings).__name__}, {question.kind} question",
            hint="Give the study a `mind:` of kind embedded and a Likert or rubric scale.",
        )
    effect = Planted(models=(TREATED,), shift=shift)
    planted = settings.model_copy(update={"planted": (*settings.planted, effect)})
    mind = PsychometricMind(planted)
    tests = [
        clustered_mean(
            differences,
            np.broadcast_to(np.arange(jurors), differences.shape),
            clusters=clusters,
        )
        for differences in (
            _differences(mind, prepared, question, items, jurors, (seed, number))
            for number in range(simulations)
        )
    ]
    found = sum(test.p_value <= 1 - level for test in tests)
    return StudyPower(
        items=items,
        jurors=jurors,
        shift=shift,
        effect=float(np.mean([test.estimate for test in tests])),
        power=found / simulations,
        interval=wilson_interval(found, simulations, level=0.95, basis="simulated studies, Wilson"),
        simulations=simulations,
        clusters=clusters,
    )


def _differences(
    mind: PsychometricMind,
    prepared: Prepared,
    question: Criterion,
    items: int,
    jurors: int,
    stream: tuple[int, int],
) -> FloatArray:
    """Treated minus control of one simulated study, in points towards the better end, [I, J]."""
    rng = generator(stream[0], "study power", stream[1])
    panel = _panel(prepared, jurors, rng)
    seed = int(rng.integers(2**31))
    better = 1 if question.better == "high" else -1
    table = np.empty((items, jurors))
    for row, item in enumerate(_items(prepared, items, rng)):
        task = RatingTask(item=item, position=row, panel=panel, questions=(question,), seed=seed)
        points = np.zeros((2, jurors))
        for rows in mind.answers(task):
            for rating in rows:
                points[rating.response, rating.juror] = rating.rating or np.nan
        table[row] = better * (points[1] - points[0])
    return table


def _panel(prepared: Prepared, jurors: int, rng: np.random.Generator) -> Panel:
    """Seats filled from the study's jury by weight; the same persona may sit twice."""
    weights = np.array([juror.weight for juror in prepared.jurors])
    drawn: list[int] = rng.choice(len(weights), size=jurors, p=weights / weights.sum()).tolist()
    return Panel(
        tuple(
            Juror(
                position=position,
                id=f"{prepared.jurors[who].id}/{position}",
                persona=prepared.jurors[who].persona,
                weight=1 / jurors,
                mind=prepared.jurors[who].mind,
            )
            for position, who in enumerate(drawn)
        )
    )


def _items(prepared: Prepared, items: int, rng: np.random.Generator) -> Iterator[Item]:
    """Items whose two responses are one and the same text."""
    sources = [item for item in prepared.items if item.responses]
    few = items > len(sources)
    drawn: list[int] = rng.choice(len(sources), size=items, replace=few).tolist()
    for number, which in enumerate(drawn):
        source = sources[which]
        text = source.responses[int(rng.integers(len(source.responses)))].text
        yield Item(
            id=f"{source.id}/{number}",
            prompt=source.prompt,
            responses=(
                Response(model=CONTROL, text=text),
                Response(model=TREATED, text=text),
            ),
            attributes=source.attributes,
        )
