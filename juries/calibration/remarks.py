"""What holds for all figures of a calibration, in sentences."""

from __future__ import annotations

from juries.calibration.planning import Sample
from juries.calibration.results import Options
from juries.calibration.run_answers import JuryTable
from juries.human.ratings import HumanRatings


def notes_on(
    people: HumanRatings,
    jury: JuryTable,
    plan: Sample | None,
    no_persona: JuryTable | None,
    options: Options,
) -> tuple[str, ...]:
    """Who answered, what estimates rest on, and which baseline is missing."""
    notes = [
        f"The jury's answers were produced by {jury.produced_by}; people's come from a "
        f"{people.source} file of {len(people.annotators)} annotators."
    ]
    notes.append(
        "Estimates without a plan take the items that people saw as a random sample of the run's."
        if plan is None
        else f"Estimates rest on a plan of {plan.budget} of {len(plan.units)} items "
        f"({plan.strategy}) and its inclusion probabilities."
    )
    if options.people == "all":
        notes.append("The mean of exactly these people is estimated, not of others like them.")
    if no_persona is None:
        notes.append(
            "The baseline without personas was not given: run the study with one juror without "
            "attributes, and name that run."
        )
    return tuple(notes)
