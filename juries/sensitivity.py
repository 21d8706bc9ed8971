"""A multiverse of a study: which conclusions hold when what should not matter is changed.

Variants change one thing each. Welfare functions and whatever else follows from ratings already
there needs no new ones; portraits, layouts, scales and seeds are run in folders of their own under
the study's, each resumable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from graphs.items import Choice, Criterion, Likert, Pairwise, Rubric
from graphs.llm.settings import LlmSettings
from graphs.sources import ItemsSource
from juries.measures.sensitivity import conclusion_stability, model_order
from juries.progress import Progress
from juries.runs import Run, load_study, rate, run
from juries.scores import Scores
from juries.scoring import score_verdicts
from juries.sensitivity_record import HeldConclusion, SensitivityRecord, Variant
from juries.spec import JurySpec, Study
from personas.errors import InputError
from personas.files import replacing

Dimension = Literal["portrait", "layout", "scale", "welfare", "seed"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
REFERENCE = "as written"
BEST = "best model"
_PORTRAITS = ("list", "prose", "interview")
_POINTS = (3, 5, 7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How the variants are run.

    Attributes:
        out: folder of the run as written; variants lie in `sensitivity/` under it.
        seeds: further seeds to try.
        limit: only the first so many items.
        in_flight: items put to the jury at once.
    """

    out: Path
    seeds: int = 3
    limit: int | None = None
    in_flight: int | None = None


def sensitivity(
    study: Study | Path | str,
    *,
    over: Sequence[Dimension],
    options: Options,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
) -> SensitivityRecord:
    """Run a study and its variants; say how often each conclusion holds.

    The conclusions are which model is best, and the order of every two models.

    Args:
        study: a `Study`, or the path of a YAML file.
        over: what is varied.
        options: folder, seeds and limits.
        progress: told how far the runs are.
        stop: once set, nothing further is begun.

    Returns:
        The record, also written to `sensitivity.json` in the folder of the run as written.

    Raises:
        InputError: the study cannot be used, or nothing of what is asked for can be varied.
    """
    loaded, base = load_study(study)
    located = loaded.located(base.resolve())
    limit, in_flight = options.limit, options.in_flight
    reference = run(
        located, out=options.out, limit=limit, in_flight=in_flight, progress=progress, stop=stop
    )
    first = reference.scores()
    if not first.welfare:
        raise InputError("the study scores no welfare, so it has no order of models to vary")
    variants = [_variant(REFERENCE, first, first.welfare[0].function, asked_again=False)]
    if "welfare" in over:
        names = list(dict.fromkeys(score.function for score in first.welfare))
        variants += [
            _variant(f"welfare={name}", first, name, asked_again=False) for name in names[1:]
        ]
    skipped: list[str] = []
    for name, changed in _changed(_as_answered(located, reference), over, options.seeds, skipped):
        if stop is not None and stop.is_set():
            skipped.append(f"{name}: stopped")
            continue
        folder = options.out / "sensitivity" / name
        try:
            found = rate(
                changed, out=folder, limit=limit, in_flight=in_flight, progress=progress, stop=stop
            )
        except InputError as error:
            skipped.append(f"{name}: {error.problem}")
            continue
        variants.append(_rescored(name, changed, found))
    record = _record(first, variants, skipped)
    with replacing(reference.directory.sensitivity) as file:
        file.write(record.model_dump_json(indent=1) + "\n")
    return record


def _as_answered(study: Study, reference: Run) -> Study:
    """The study on the responses that its subjects gave: they are not asked again."""
    if not study.subjects:
        return study
    answered = ItemsSource(path=str(reference.directory.items.resolve()), id="id")
    return study.model_copy(update={"items": answered, "subjects": ()})


def _variant(name: str, scores: Scores, function: str, *, asked_again: bool) -> Variant:
    by_model = {s.model: s.estimate for s in scores.welfare if s.function == function}
    return Variant(name=name, asked_again=asked_again, scores=by_model, function=function)


def _rescored(name: str, study: Study, found: Run) -> Variant:
    """Welfare alone, of a variant's own ratings."""
    gathered = found.gather()
    function = study.scores.welfare[0]
    spec = study.scores.model_copy(update={"welfare": (function,), "groups": (), "resamples": 100})
    scored = score_verdicts(
        gathered.verdicts,
        jurors=gathered.jurors,
        questions=gathered.questions,
        criteria=gathered.criteria,
        spec=spec,
        seed=study.seed,
    )
    by_model = {score.model: score.estimate for score in scored.welfare}
    return Variant(name=name, asked_again=True, scores=by_model, function=function)


def _changed(
    study: Study, over: Sequence[Dimension], seeds: int, skipped: list[str]
) -> Iterator[tuple[str, Study]]:
    """Every variant that needs ratings of its own; what cannot be varied goes into `skipped`."""
    bare = study.baselines.model_copy(update={"share": 0.0})
    plain = study.model_copy(update={"baselines": bare})
    models = any(isinstance(each.mind, LlmSettings) for each in study.seated_minds)
    ways: dict[Dimension, Callable[[], Iterator[tuple[str, Study]]]] = {
        "portrait": lambda: _portraits(plain),
        "layout": lambda: _layouts(plain),
        "scale": lambda: _scales(plain),
        "seed": lambda: _seeds(plain, seeds),
    }
    for dimension in over:
        if dimension in ("portrait", "layout") and not models:
            skipped.append(f"{dimension}: the embedded simulator reads no text about the juror")
        elif dimension == "scale" and isinstance(study.scale, Choice | Pairwise):
            skipped.append("scale: the answers to this question have no other number")
        elif dimension in ways:
            yield from ways[dimension]()


def _portraits(study: Study) -> Iterator[tuple[str, Study]]:
    for template in _PORTRAITS:
        if template != study.jury.portrait:
            jury = JurySpec.model_validate({**study.jury.model_dump(), "portrait": template})
            yield f"portrait={template}", study.model_copy(update={"jury": jury})


def _layouts(study: Study) -> Iterator[tuple[str, Study]]:
    for layout in ("item-first", "persona-first"):

        def laid(mind: object, layout: str = layout) -> object:
            is_model = isinstance(mind, LlmSettings)
            return mind.model_copy(update={"layout": layout}) if is_model else mind

        changed = study.with_minds(laid)  # pyright: ignore[reportArgumentType] (keeps each type)
        if changed != study:
            yield f"layout={layout}", changed


def _scales(study: Study) -> Iterator[tuple[str, Study]]:
    """The same questions on other numbers of points, named at the ends as the study names them."""
    scale = study.scale
    criteria = scale.criteria if isinstance(scale, Likert | Rubric) else ()
    for points in _POINTS:
        if all(len(criterion.points) == points for criterion in criteria):
            continue
        if isinstance(scale, Likert):
            changed: Likert | Rubric = scale.model_copy(update={"points": _named(scale, points)})
        else:
            rated = [c.model_copy(update={"points": _named(c, points)}) for c in criteria]
            changed = Rubric(criteria=tuple(rated))
        yield f"scale={points} points", study.model_copy(update={"scale": changed})


def _named(scale: Likert | Criterion, points: int) -> tuple[str, ...]:
    middle = (str(number) for number in range(2, points))
    return (scale.points[0], *middle, scale.points[-1])


def _seeds(study: Study, seeds: int) -> Iterator[tuple[str, Study]]:
    for step in range(1, seeds + 1):
        seed = study.seed + step
        yield f"seed={seed}", study.model_copy(update={"seed": seed})


def _record(
    first: Scores, variants: Sequence[Variant], skipped: Sequence[str]
) -> SensitivityRecord:
    if len(variants) < 2:
        raise InputError(
            "nothing could be varied",
            found="; ".join(skipped) or "no dimension",
            expected="one of " + ", ".join(DIMENSIONS),
        )
    found = conclusion_stability({each.name: _conclusions(each.scores) for each in variants})
    return SensitivityRecord(
        study=first.study,
        produced_by=first.produced_by,
        items=first.items,
        variants=tuple(variants),
        conclusions=tuple(
            HeldConclusion(
                conclusion=each.conclusion,
                commonest=each.commonest,
                share=each.share,
                answers=dict(each.answers),
            )
            for each in found.conclusions
        ),
        changed=found.changed,
        skipped=tuple(skipped),
        reading=found.reading,
    )


def _conclusions(scores: Mapping[str, float | None]) -> dict[str, str]:
    known = {model: score for model, score in scores.items() if score is not None}
    best = max(known, key=lambda model: known[model]) if known else "undefined"
    return {BEST: best, **model_order(scores)}
