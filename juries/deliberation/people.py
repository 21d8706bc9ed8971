"""People at seats of a run: who waits, for what, and how their answers reach the graph."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from graphs.deliberation.threads import Threads, Waiting
from graphs.items import Item
from graphs.minds.human_forms import HumanAnswers, HumanForm
from graphs.minds.human_settings import HumanSettings
from juries.run_directory import RunDirectory
from personas.errors import InputError
from personas.files import replacing

if TYPE_CHECKING:
    from juries.spec import Study


class WaitingItem(BaseModel):
    """One line of `waiting.json`: an item whose jury waits for people.

    Attributes:
        item: its id.
        form: what they are asked.
        since: when it was first asked.
        until: after which the jury goes on without them.
    """

    model_config = ConfigDict(frozen=True)

    item: str
    form: HumanForm
    since: datetime
    until: datetime | None


class WaitingList(BaseModel):
    """`waiting.json`."""

    model_config = ConfigDict(frozen=True)

    items: tuple[WaitingItem, ...] = ()

    @property
    def seats(self) -> tuple[str, ...]:
        """Ids of the jurors who are asked, each once."""
        return tuple(dict.fromkeys(seat.juror for one in self.items for seat in one.form.seats))


def check_people(study: Study) -> HumanSettings | None:
    """The settings of the people on the jury; None where there are none.

    Raises:
        InputError: the study has no deliberation that could wait for them, or nobody else who
            could mediate.
    """
    people = [each.mind for each in study.seated_minds if isinstance(each.mind, HumanSettings)]
    if not people:
        return None
    if study.deliberation is None:
        raise InputError(
            "people at seats need a deliberation, which can wait for them",
            where="mind",
            found="human",
            hint="Add `deliberation: {protocol: independent, rounds: 1}` to have no talk.",
        )
    if len(people) == len(study.seated_minds) and study.deliberation.protocol.kind == "mediator":
        raise InputError(
            "nobody on this jury can mediate",
            where="deliberation.protocol",
            found="mediator, and people at all seats",
            hint="Give some seats to another mind.",
        )
    return people[0]


@asynccontextmanager
async def open_threads(
    study: Study,
    directory: RunDirectory,
    *,
    fingerprint: str,
    answers: Mapping[int, HumanAnswers] | None,
) -> AsyncGenerator[Threads | None]:
    """The threads in which a run waits for people; None where there are none.

    Args:
        study: as it runs.
        directory: of the run.
        fingerprint: of the study.
        answers: what people said since, by position of the item.
    """
    people = check_people(study)
    if people is None or study.deliberation is None:
        yield None
        return
    from graphs.deliberation.build import compile_graph
    from graphs.deliberation.threads import open_saver

    hours = people.answer_within_hours
    async with open_saver(directory.checkpoints, people.checkpoints_env) as saver:
        yield Threads(
            graph=compile_graph(study.deliberation.protocol.kind, saver),
            name=fingerprint,
            within=None if hours is None else timedelta(hours=hours),
            answers=dict(answers or {}),
        )


def write_waiting(
    directory: RunDirectory, items: Sequence[Item], waiting: Mapping[int, Waiting]
) -> None:
    """Write down who waits for what; nothing is left where nobody does."""
    if not waiting:
        directory.waiting.unlink(missing_ok=True)
        return
    listed = WaitingList(
        items=tuple(
            WaitingItem(item=items[position].id, form=one.form, since=one.since, until=one.until)
            for position, one in sorted(waiting.items())
        )
    )
    with replacing(directory.waiting) as file:
        file.write(listed.model_dump_json(indent=1) + "\n")


def read_waiting(directory: RunDirectory) -> WaitingList:
    """Who waits for what.

    Raises:
        InputError: the list is damaged.
    """
    if not directory.waiting.exists():
        return WaitingList()
    try:
        return WaitingList.model_validate_json(directory.waiting.read_bytes())
    except ValidationError as error:
        raise InputError(
            "the list of waiting seats is damaged",
            where=directory.waiting,
            found=str(error).splitlines()[0],
            hint="Delete it and run the study again: nothing is asked twice.",
        ) from None
