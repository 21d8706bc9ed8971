"""Who does a run's work, and which share of the items it is about."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from personas.errors import InputError

ExecutorKind = Literal["local", "processes", "ray"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """One of several equal shares of a study's items: every `of`-th, from the `number`-th on.

    Items that follow one another go to different shards, so that a file sorted by length or topic
    is shared out evenly.

    Attributes:
        number: which one, from 1.
        of: how many there are.
    """

    number: int = 1
    of: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.number <= self.of:
            raise InputError(
                "there is no such shard",
                where="--shard",
                found=str(self),
                expected="i/n with i from 1 to n, such as 1/4",
            )

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def is_all(self) -> bool:
        """The only shard: the whole study."""
        return self.of == 1

    def holds(self, position: int) -> bool:
        """Whether the item at a position of the study belongs to the shard."""
        return position % self.of == self.number - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Who does a run's work. Nothing here changes an answer of the embedded mind.

    Attributes:
        executor: `local` (this process), `processes` (workers on this machine) or `ray`.
        workers: how many; None for one a core that may be used.
        ray_address: of a running Ray cluster, such as `auto`; None starts Ray on this machine.
        shard: the share of the items that the run is about.
    """

    executor: ExecutorKind = "local"
    workers: int | None = None
    ray_address: str | None = None
    shard: Shard = field(default_factory=Shard)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def parse_shard(text: str, environment: Mapping[str, str]) -> Shard:
    """Read `--shard`: `i/n`, or `auto` and `auto/n` for what an array job's environment says.

    Slurm sets `SLURM_ARRAY_TASK_ID`, `_COUNT`, `_MIN` and `_STEP`; with `auto/n` the task's id is
    the shard's number, so that a task submitted again alone is the same shard. Kubernetes sets
    `JOB_COMPLETION_INDEX`, from 0, but not how many there are: write `auto/n`, or set
    `JOB_COMPLETIONS` in the manifest.

    Raises:
        InputError: neither of these, or the environment does not say which shard this is.
    """
    asked = re.fullmatch(r"(auto|\d+)(?:/(\d+))?", text.strip())
    if asked is None or (asked[1] != "auto" and asked[2] is None):
        raise InputError(
            "this names no shard",
            where="--shard",
            found=text,
            expected="i/n such as 1/4, or auto in an array job",
        )
    if asked[1] != "auto":
        return Shard(number=int(asked[1]), of=int(asked[2]))
    return _from_array(environment, None if asked[2] is None else int(asked[2]))


def _from_array(environment: Mapping[str, str], total: int | None) -> Shard:
    """With a total, Slurm's tasks count from 1 to it, so that some can be submitted again alone."""
    if "SLURM_ARRAY_TASK_ID" in environment:
        number = _number(environment, "SLURM_ARRAY_TASK_ID")
        if total is not None:
            return Shard(number=number, of=total)
        step = max(1, _number(environment, "SLURM_ARRAY_TASK_STEP", 1))
        number = (number - _number(environment, "SLURM_ARRAY_TASK_MIN")) // step + 1
        return Shard(number=number, of=_number(environment, "SLURM_ARRAY_TASK_COUNT"))
    if "JOB_COMPLETION_INDEX" in environment:
        index = _number(environment, "JOB_COMPLETION_INDEX")
        return Shard(number=index + 1, of=total or _number(environment, "JOB_COMPLETIONS"))
    raise InputError(
        "this is no array job, so the shard is not known",
        where="--shard auto",
        expected="SLURM_ARRAY_TASK_ID or JOB_COMPLETION_INDEX in the environment",
        hint="Write --shard i/n.",
    )


def _number(environment: Mapping[str, str], name: str, default: int | None = None) -> int:
    value = environment.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.isdigit():
        raise InputError(
            f"the environment does not say {name}",
            where="--shard auto",
            found=value,
            expected="a whole number",
            hint="Write --shard auto/n, with n the number of tasks."
            if name.endswith(("COUNT", "COMPLETIONS"))
            else "Write --shard i/n.",
        )
    return int(value)
