"""Settings held against the study they are used in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphs.items import Choice, Criterion, Question, question_name
from graphs.minds.psychometric.settings import (
    Levels,
    Planted,
    PsychometricSettings,
    in_group,
    levels_of,
)
from graphs.panel import Juror
from personas.errors import InputError, nearest


def check_settings(
    settings: PsychometricSettings,
    *,
    jurors: Sequence[Juror],
    questions: Sequence[Question],
    models: Sequence[str],
) -> None:
    """Refuse settings that name what the study does not have.

    Raises:
        InputError: naming the setting, what it asks for and what there is.
    """
    criteria = [question_name(question) for question in questions]
    ordinal = [question.name for question in questions if isinstance(question, Criterion)]
    for name in settings.criteria:
        _known(name, criteria, "criterion", "mind.criteria")
    for name in settings.thresholds:
        _known(name, ordinal, "criterion", "mind.thresholds")
    for position, effect in enumerate(settings.planted):
        where = f"mind.planted[{position}]"
        for model in effect.models or ():
            _known(model, models, "model", where)
        if effect.criterion is not None:
            _known(effect.criterion, criteria, "criterion", where)
        _check_choice(effect, questions, where)
        _check_group(effect.where, jurors, where)
    for position, group in enumerate(settings.talk.groups):
        _check_group(group.where, jurors, f"mind.talk.groups[{position}]")


def _check_group(group: Mapping[str, Levels], jurors: Sequence[Juror], where: str) -> None:
    attributes = [juror.persona.attributes for juror in jurors]
    for name, levels in group.items():
        _known(name, {n for known in attributes for n in known}, "juror attribute", where)
        have = sorted({known[name] for known in attributes if name in known}, key=repr)
        if not any(in_group(known, {name: levels}) for known in attributes):
            found = ", ".join(repr(level) for level in levels_of(levels))
            raise InputError(
                f"no juror has {name} {found}",
                where=where,
                expected="one of " + ", ".join(repr(level) for level in have[:20]),
                hint=nearest(str(levels_of(levels)[0]), [str(level) for level in have]),
            )
    if attributes and not any(in_group(known, group) for known in attributes):
        raise InputError(
            "no juror has all the attributes named together", where=where, found=dict(group)
        )


def _check_choice(effect: Planted, questions: Sequence[Question], where: str) -> None:
    choices = [question for question in questions if isinstance(question, Choice)]
    if effect.option is not None:
        _known(effect.option, [o for q in choices for o in q.options], "option", where)
    elif choices and all(choice.worth is None for choice in choices):
        raise InputError(
            "a shift has no effect on a choice without worths",
            where=where,
            hint="Name the `option` to shift, or give the scale a `worth` for each option.",
        )


def _known(name: str, known: Iterable[str], what: str, where: str) -> None:
    names = sorted(known)
    if name not in names:
        raise InputError(
            f"there is no {what} {name!r}",
            where=where,
            expected="one of " + ", ".join(names[:20]) if names else f"no {what} at all",
            hint=nearest(name, names),
        )
