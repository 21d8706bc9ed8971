"""Workers as processes of this machine, each with an interpreter of its own."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import sys
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import IO

from juries.executors.protocol import WorkerLostError
from juries.executors.wire import Setup
from juries.executors.worker import HEADER, KINDS, frame

_KIND = {name: byte for byte, name in KINDS.items()}
_SAID = 2000
"""Characters of a dead worker's last words that are shown."""


class ProcessWorker:
    """A worker process and the pipes to it."""

    def __init__(self, process: asyncio.subprocess.Process, said: IO[bytes]) -> None:
        self._process = process
        self._said = said
        self._numbers = itertools.count()
        self._awaited: dict[int, asyncio.Future[bytes]] = {}
        self._sending = asyncio.Lock()
        self._reader = asyncio.create_task(self._read())

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    async def request(self, kind: str, body: bytes) -> bytes:
        """Send a request and wait for its reply; several may be under way."""
        if self._reader.done():
            raise WorkerLostError(self._why())
        number = next(self._numbers)
        future = asyncio.get_running_loop().create_future()
        self._awaited[number] = future
        assert self._process.stdin is not None  # noqa: S101 (it was opened with pipes)
        try:
            async with self._sending:
                self._process.stdin.write(frame(number, _KIND[kind], body))
                await self._process.stdin.drain()
            return await future
        except OSError as error:
            raise WorkerLostError(str(error)) from None
        finally:
            self._awaited.pop(number, None)

    async def close(self) -> None:
        """End the process, at once: it holds nothing that is not the driver's already."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._said.close()

    async def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 (it was opened with pipes)
        try:
            while True:
                header = await self._process.stdout.readexactly(HEADER.size)
                size, number, _ = HEADER.unpack(header)
                body = await self._process.stdout.readexactly(size)
                future = self._awaited.get(number)
                if future is not None and not future.done():
                    future.set_result(body)
        except (asyncio.IncompleteReadError, OSError):
            await self._process.wait()
        finally:
            for future in self._awaited.values():
                if not future.done():
                    future.set_exception(WorkerLostError(self._why()))

    def _why(self) -> str:
        code = self._process.returncode
        self._said.seek(0)
        last = self._said.read().decode(errors="replace").strip()[-_SAID:]
        how = f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        return f"process {self.pid}, {how}" + (f": {last}" if last else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessCrew:
    """Hires workers as processes. Open it with `open_processes`.

    Attributes:
        size: how many there are to be.
        workers: at work, by place.
    """

    size: int
    workers: dict[int, ProcessWorker] = field(default_factory=dict[int, ProcessWorker])

    async def hire(self, place: int, setup: Setup) -> ProcessWorker:
        """Start a process; its predecessor, if any, is put away."""
        before = self.workers.pop(place, None)
        if before is not None:
            await before.close()
        said = tempfile.TemporaryFile()  # noqa: SIM115 (closed with the worker)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "juries.executors.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=said,
            limit=1 << 20,
            env=_environment(setup.workers),
        )
        worker = self.workers[place] = ProcessWorker(process, said)
        return worker


@contextlib.asynccontextmanager
async def open_processes(size: int) -> AsyncGenerator[ProcessCrew]:
    """A crew of processes; all are ended with the block."""
    crew = ProcessCrew(size=size)
    try:
        yield crew
    finally:
        await asyncio.gather(*(worker.close() for worker in crew.workers.values()))


def _environment(workers: int) -> dict[str, str]:
    """One thread a worker in numerical libraries, where there are several workers."""
    threads = {} if workers == 1 else {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    path = os.pathsep.join(entry for entry in sys.path if entry)
    return {**threads, **os.environ, "PYTHONPATH": path}
