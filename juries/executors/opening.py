"""From a placement to the executor itself, with its lifetime."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from graphs.deliberation.threads import Threads
from graphs.rating import Bench
from juries.executors.dispatch import DistributedExecutor
from juries.executors.local import LocalExecutor
from juries.executors.placement import Placement, cores
from juries.executors.protocol import Executor
from juries.executors.wire import Setup
from personas.errors import InputError


@asynccontextmanager
async def open_executor(
    placement: Placement,
    setup: Setup,
    benches: Sequence[Bench],
    threads: Threads | None,
) -> AsyncGenerator[Executor]:
    """Whoever puts the items of a run to the jury, for the time of the run.

    Args:
        placement: as the user wants it.
        setup: what workers must know; `setup.workers` is set here.
        benches: the driver's minds with their jurors.
        threads: in which deliberations wait for people, where they sit on the jury.

    Raises:
        InputError: people at seats with workers, or Ray is not installed or cannot be reached.
    """
    if placement.executor == "local":
        yield LocalExecutor(threads=threads)
        return
    if threads is not None or any(bench.mind.kind == "human" for bench in benches):
        raise InputError(
            "a jury with people at seats is asked by one process",
            where="--executor",
            found=placement.executor,
            expected="local",
        )
    versions = [f"{bench.mind.name} {bench.mind.version}" for bench in benches]
    if placement.executor == "processes":
        from juries.executors.processes import open_processes

        async with open_processes(placement.workers or cores()) as crew:
            yield DistributedExecutor(crew, setup.for_workers(crew.size), versions)
        return
    from juries.executors.ray_actors import open_ray

    async with open_ray(placement.workers, placement.ray_address) as crew:
        yield DistributedExecutor(crew, setup.for_workers(crew.size), versions)
