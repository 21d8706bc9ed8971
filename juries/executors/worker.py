"""A worker process: `python -m juries.executors.worker`, asked and answering through its pipes.

A frame is its length and number (8 bytes each, little-endian), a kind of request (1 byte) and a
body. The worker ends when its input does, so that it never outlives the driver, however that died.
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import sys
from typing import IO

HEADER = struct.Struct("<QQc")
KINDS = {b"o": "open", b"a": "ask", b"r": "report"}


def frame(number: int, kind: bytes, body: bytes) -> bytes:
    """A frame's bytes."""
    return HEADER.pack(len(body), number, kind) + body


async def serve(incoming: asyncio.StreamReader, outgoing: IO[bytes]) -> None:
    """Answer requests until there are no more, each in a task of its own."""
    from juries.executors.station import Desk

    desk = Desk()
    tasks: set[asyncio.Task[None]] = set()

    async def answer(number: int, kind: bytes, body: bytes) -> None:
        reply = await desk.handle(KINDS[kind], body)
        outgoing.write(frame(number, kind, reply))
        outgoing.flush()

    try:
        while True:
            size, number, kind = HEADER.unpack(await incoming.readexactly(HEADER.size))
            task = asyncio.create_task(answer(number, kind, await incoming.readexactly(size)))
            tasks.add(task)
            task.add_done_callback(_finished(tasks))
    except asyncio.IncompleteReadError:
        for task in tasks:
            task.cancel()
    finally:
        await desk.close()


def _finished(tasks: set[asyncio.Task[None]]):
    def done(task: asyncio.Task[None]) -> None:
        tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            # A defect, or a driver that is gone: the traceback is the driver's to show.
            sys.excepthook(type(error), error, error.__traceback__)
            os._exit(1)

    return done


async def _main(outgoing: IO[bytes]) -> None:
    incoming = asyncio.StreamReader(limit=1 << 30)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(incoming), sys.stdin)
    await serve(incoming, outgoing)


def main() -> None:
    """Entry point."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, which ends its workers
    outgoing = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the frames
    asyncio.run(_main(outgoing))


if __name__ == "__main__":
    main()
