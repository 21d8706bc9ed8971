"""From a study file to a jury that sits; nothing has been asked yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from graphs.assignment import Assignment
from graphs.items import Item, Pairwise, questions, shown
from graphs.minds.opening import check_mind
from graphs.panel import Juror
from graphs.rating import Bench
from graphs.sources import load_items
from juries.deliberation.asking import plan_deliberation
from juries.deliberation.people import check_people
from juries.design import assignment_of
from juries.jury import describe_seats, read_population, seat_jury
from juries.spec import Study
from juries.subjects.asking import expected_items, subjects_identity
from personas.errors import InputError
from personas.identity import content_hash


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A study whose files were read and whose jury sits.

    Attributes:
        study: as it runs, paths absolute.
        items: all of the study, in order; responses that subjects are asked for stand empty
            until they have answered.
        models: names, in first-seen order.
        jurors: in seat order.
        jury: how the seats were filled and weighted, for the record.
        hashes: of the items and of the jury.
        assignment: who is asked about which item; None where every juror is asked about all.
    """

    study: Study
    items: Sequence[Item]
    models: tuple[str, ...]
    jurors: tuple[Juror, ...]
    jury: dict[str, object]
    hashes: dict[str, str]
    assignment: Assignment | None

    def questions_about(self, position: int, item: Item) -> int:
        """How many questions the item at this position puts to the jurors asked about it."""
        given, asked = self.assignment, questions(self.study.scale)
        jurors = len(self.jurors) if given is None else given.jurors(position)
        return len(shown(item, asked)) * jurors * len(asked) * self.study.replicates


def prepare(study: Study, base: Path) -> Prepared:
    """Read the study's files and seat the jury.

    Args:
        study: as written.
        base: the folder that its paths are relative to.

    Raises:
        InputError: whatever is wrong in the study or its files.
    """
    found = load_items(study.items, base, responses_needed=not study.live_models)
    items, models = expected_items(study, found.items), (*found.models, *study.live_models)
    if isinstance(study.scale, Pairwise):
        _check_pairs(items)
    population, raking = read_population(study.population, base)
    population.require(study.scores.groups)
    minds = [(each.shown, each.share) for each in study.seated_minds]
    jurors, sample = seat_jury(population, study.jury, minds, seed=study.seed)
    asked = questions(study.scale)
    for each in study.seated_minds:
        seated = [juror for juror in jurors if juror.mind == each.shown]
        check_mind(each.mind, jurors=seated, questions=asked, models=models)
    check_people(study)
    plan_deliberation(study.located(base), jurors, items)
    return Prepared(
        study=study.located(base),
        items=items,
        models=models,
        jurors=jurors,
        jury=describe_seats(population, raking, sample),
        hashes={
            "items": found.hash,
            "jury": content_hash([[j.id, j.weight, j.mind, j.portrait] for j in jurors]),
        },
        assignment=assignment_of(study, items=len(items), jurors=len(jurors)),
    )


def _check_pairs(items: Sequence[Item]) -> None:
    """Refuse items without a pair to compare.

    Raises:
        InputError: naming the first such item, and how many there are.
    """
    alone = [item for item in items if len(item.responses) < 2]
    if alone:
        raise InputError(
            f"item {alone[0].id!r} has nothing to compare; {len(alone):,} of {len(items):,} items "
            "have fewer than two responses",
            where="scale.kind",
            found=f"{len(alone[0].responses)} response(s)",
            expected="two or more responses to every item",
            hint="Leave such items out, or judge responses alone: likert, choice or rubric.",
        )


def fingerprint(prepared: Prepared, benches: Sequence[Bench]) -> str:
    """Hash of everything that answers depend on; what is concluded from them is not in it."""
    study = prepared.study
    plan = plan_deliberation(study, prepared.jurors, prepared.items)
    return content_hash(
        {
            "items": prepared.hashes["items"],
            "jury": prepared.hashes["jury"],
            "minds": [[bench.mind.name, bench.mind.version] for bench in benches],
            "replicates": study.replicates,
            "scale": study.scale.model_dump(mode="json"),
            "seed": study.seed,
            **({} if prepared.assignment is None else {"design": prepared.assignment.identity}),
            **({"subjects": subjects_identity(study)} if study.live_models else {}),
            **({} if plan is None else {"deliberation": plan.identity}),
        }
    )
