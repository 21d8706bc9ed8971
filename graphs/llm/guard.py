"""Runs a command in a process group of its own and ends the group when its own input closes.

Run as a script: `python guard.py GRACE COMMAND…`. Whoever starts it holds the other end of its
standard input: closing that, or dying in any way, SIGKILL included, stops the whole group. Imports
the standard library only, and nothing of this project.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time


def main(grace: float, command: list[str]) -> int:
    """Run the command until it ends or standard input does; its exit code."""
    child = subprocess.Popen(  # noqa: S603 (the command is the caller's to choose)
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )

    def end(*_: object) -> None:
        # In a thread: a handler that waited for the child would wait on its own thread's lock.
        threading.Thread(target=_end, args=(child, grace), daemon=True).start()

    def watch() -> None:
        # Not sys.stdin: a thread inside its lock would crash the interpreter at its exit.
        while os.read(0, 4096):
            pass
        end()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, end)
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    _signal_group(child, signal.SIGKILL)  # workers that outlived it
    return code if code >= 0 else 128 - code


def _end(child: subprocess.Popen[bytes], grace: float) -> None:
    _signal_group(child, signal.SIGTERM)
    ends = time.monotonic() + grace
    while child.poll() is None and time.monotonic() < ends:
        time.sleep(0.05)
    _signal_group(child, signal.SIGKILL)


def _signal_group(child: subprocess.Popen[bytes], number: int) -> None:
    try:
        os.killpg(child.pid, number)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2:]))
