"""Workers as actors on the nodes of a Ray cluster. Needs the extra `[ray]`.

Ray starts an actor again, on another node where its own is gone, and the driver asks the lost items
of whoever is free. Actors get nothing from the driver's environment: the keys of model servers are
read on the node, from the variables that the study names.
"""

from __future__ import annotations

import asyncio
import os
import warnings
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from graphs.llm.settings import LlmSettings
from juries.executors.placement import cores
from juries.executors.protocol import WorkerLostError
from juries.executors.station import Desk
from juries.executors.wire import Setup
from personas.errors import InputError, JuriesError

REQUESTS = 1000
"""Requests that an actor may have under way; the driver sends far fewer."""


class StationActor:
    """A station as Ray runs it: bytes in, bytes out."""

    def __init__(self) -> None:
        self._desk = Desk()

    async def handle(self, kind: str, body: bytes) -> bytes:
        """Have the station handle a request."""
        return await self._desk.handle(kind, body)


@dataclass(frozen=True, slots=True, eq=False)
class RayWorker:
    """An actor's handle."""

    actor: Any

    async def request(self, kind: str, body: bytes) -> bytes:
        """Send a request and wait for its reply."""
        import ray.exceptions

        try:
            return cast("bytes", await self.actor.handle.remote(kind, body))
        except (ray.exceptions.RayActorError, ray.exceptions.ObjectLostError) as error:
            raise WorkerLostError(_first_line(error)) from None
        except ray.exceptions.RayTaskError as error:
            raise RuntimeError(f"a defect in a worker: {error}") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RayCrew:
    """Hires workers as actors, spread over the nodes. Open it with `open_ray`.

    Attributes:
        size: how many there are to be.
        ray: the library.
        workers: at work, by place.
    """

    size: int
    ray: Any
    workers: dict[int, RayWorker] = field(default_factory=dict[int, RayWorker])

    async def hire(self, place: int, setup: Setup) -> RayWorker:
        """Create an actor; waits until the cluster has a core for it."""
        self._check(setup)
        self.dismiss(place)
        remote = self.ray.remote(StationActor)
        actor = remote.options(
            num_cpus=1, max_concurrency=REQUESTS, scheduling_strategy="SPREAD", max_restarts=0
        ).remote()
        worker = self.workers[place] = RayWorker(actor)
        return worker

    def dismiss(self, place: int) -> None:
        """End an actor, if there is one."""
        worker = self.workers.pop(place, None)
        if worker is not None:
            self.ray.kill(worker.actor)

    def _check(self, setup: Setup) -> None:
        """A server that this process started listens on this machine only."""
        nodes = {node["NodeID"] for node in self.ray.nodes() if node["Alive"]}
        for each in setup.study.seated_minds:
            if len(nodes) > 1 and isinstance(each.mind, LlmSettings):
                for endpoint in each.mind.endpoints:
                    if "//127." in endpoint.base_url or "//localhost" in endpoint.base_url:
                        raise InputError(
                            "the other nodes of the cluster cannot reach this server",
                            where="mind.endpoints",
                            found=endpoint.base_url,
                            hint="Start the servers on the cluster and give --base-url.",
                        )


@asynccontextmanager
async def open_ray(workers: int | None, address: str | None) -> AsyncGenerator[RayCrew]:
    """A crew on a Ray cluster; its actors end with the block.

    Args:
        workers: how many; None for one a core of the cluster.
        address: of a running cluster, such as `auto`; None starts Ray on this machine, for the
            time of the block. Where this process is connected already, that cluster is used.

    Raises:
        InputError: Ray is not installed, or no cluster is at the address.
    """
    ray = _import()
    joined = bool(ray.is_initialized())
    if not joined:
        await asyncio.to_thread(_connect, ray, address, workers)
    crew: RayCrew | None = None
    try:
        size = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        crew = RayCrew(size=size, ray=ray)
        yield crew
    finally:
        if crew is not None:
            for place in list(crew.workers):
                crew.dismiss(place)
        if not joined:
            await asyncio.to_thread(ray.shutdown)


def _import() -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a run tells nobody that it runs
    try:
        import ray
    except ImportError:
        raise InputError(
            "Ray is not installed",
            where="--executor",
            found="ray",
            hint="pip install 'juries[ray]', or use --executor processes.",
        ) from None
    return ray


def _connect(ray: Any, address: str | None, workers: int | None) -> None:
    local: dict[str, Any] = {}
    if address is None:
        local = {"num_cpus": workers or cores(), "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            # Ray announces a change of defaults for accelerators, which no worker uses.
            warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
            ray.init(address=address, log_to_driver=False, logging_level="ERROR", **local)
    except (ConnectionError, ValueError) as error:
        raise InputError(
            "no Ray cluster can be joined",
            where="--ray-address",
            found=address,
            expected="auto, or the address that `ray start --head` showed",
            hint=_first_line(error),
        ) from None
    except RuntimeError as error:
        raise JuriesError(f"Ray did not start here: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
