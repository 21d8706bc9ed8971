"""A run that signals end in order: the first drains it, the second stops it at once."""

from __future__ import annotations

import _thread
import asyncio
import logging
import signal
import sys
import threading

from juries.progress import Progress

_AGAIN_S = 0.05


class interruptible:  # noqa: N801 (reads as a verb where it is used)
    """First SIGINT or SIGTERM sets `stop` and says so; the handler then stands aside.

    SIGTERM is what schedulers send before they kill: the run ends in order and can be resumed.
    """

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, stop: asyncio.Event, progress: Progress) -> None:
        self._stop = stop
        self._progress = progress
        self._before = {each: signal.getsignal(each) for each in self._SIGNALS}
        self._hook_before = sys.unraisablehook
        self._pool = logging.getLogger("sqlalchemy.pool")
        self._level_before = self._pool.level

    def __enter__(self) -> None:
        if threading.current_thread() is threading.main_thread():
            for each in self._SIGNALS:
                signal.signal(each, self._handle)

    def __exit__(self, *_: object) -> None:
        if threading.current_thread() is threading.main_thread():
            self._stand_aside()
        sys.unraisablehook = self._hook_before
        self._pool.setLevel(self._level_before)

    def _stand_aside(self) -> None:
        for each, before in self._before.items():
            signal.signal(each, before)

    def _handle(self, _number: int, _frame: object) -> None:
        self._stop.set()
        self._stand_aside()
        sys.unraisablehook = self._interrupt_again
        # What strikes while a connection closes is logged with its traceback, then raised again.
        self._pool.setLevel(logging.CRITICAL)
        self._progress.say("finishing what is in flight; press Ctrl-C again to stop at once")

    def _interrupt_again(self, ignored: sys.UnraisableHookArgs, /) -> None:
        """An interrupt that struck where nothing can be raised, as in a destructor, comes again."""
        if issubclass(ignored.exc_type, KeyboardInterrupt):
            threading.Timer(_AGAIN_S, _thread.interrupt_main).start()
        else:
            self._hook_before(ignored)
