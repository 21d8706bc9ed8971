"""Fixtures for all tests."""

from __future__ import annotations

import base64
import gzip
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

# A property that fails must fail for everybody, and machines are too unlike for deadlines.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")

# A shell starts what it runs in the background deaf to Ctrl-C, and so its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a real data file by name; the test skips where the data folder is absent."""

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / "data" / name
        if not path.exists():
            pytest.skip(f"real data file {name} is not beside this checkout")
        return path

    return find


@dataclass(kw_only=True)
class PostgresServer:
    """A real PostgreSQL server on loopback, with its data in a folder of its own.

    It asks for a password like one on a network would. PostgreSQL refuses to run as root: there it
    runs as the user that Debian's package makes.
    """

    programs: Path
    folder: Path
    port: int
    password: str

    def url(self, database: str = "postgres") -> str:
        """Where a database of the server is reached, password included."""
        return f"postgresql+psycopg://juries:{self.password}@127.0.0.1:{self.port}/{database}"

    def create(self) -> None:
        """Make the data folder."""
        self.folder.chmod(0o700)
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)  # inside a folder that only the server's user may enter
        options = ["-U", "juries", "--pwfile", secret, "--auth=scram-sha-256"]
        self._call("initdb", *options, "--locale=C.UTF-8", "--encoding=UTF8", "-N")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        # Here processes are killed and no power is cut: what the kernel holds is safe enough.
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder} -c fsync=off"
        self._call("pg_ctl", "start", "-w", "-l", self.folder / "log", "-o", options)

    def stop(self, mode: str = "immediate") -> None:
        """Stop the server: `immediate` is as if it had crashed, `fast` is orderly."""
        self._call("pg_ctl", "stop", "-w", "-m", mode)

    def create_database(self) -> str:
        """The URL of a new, empty database."""
        import psycopg

        name = f"juries_{secrets.token_hex(6)}"
        with psycopg.connect(self.url().replace("+psycopg", ""), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return self.url(name)

    @property
    def user(self) -> str | None:
        """Whom its programs run as, where not as whoever runs the tests."""
        return "postgres" if os.geteuid() == 0 else None

    def _call(self, program: str, *arguments: str | Path) -> None:
        command = [self.programs / program, "-D", self.folder / "data", *arguments]
        # What it says goes to a file: a server would hold a pipe open for as long as it runs.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                cwd=self.folder,
                user=self.user,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                check=False,
            )
            said.seek(0)
            assert done.returncode == 0, f"{program} failed: {said.read().decode()}"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A running server; skips where PostgreSQL or its driver is absent and not required."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parts[-2]))
    installed = shutil.which("pg_ctl")
    missing = [
        *([] if found or installed else ["PostgreSQL's server is not installed"]),
        *([] if find_spec("psycopg") else ["psycopg is not installed"]),
    ]
    if missing:
        outcome = pytest.fail if os.environ.get("JURIES_REQUIRE_POSTGRES") == "1" else pytest.skip
        outcome("; ".join(missing))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="juries-postgres-") as folder:
        server = PostgresServer(
            programs=found[-1] if found else Path(installed or "").parent,
            folder=Path(folder),
            port=port,
            password=secrets.token_hex(12),
        )
        server.create()
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres_server: PostgresServer) -> str:
    """SQLAlchemy URL (`postgresql+psycopg://`) of a database that all tests share."""
    return postgres_server.create_database()


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> str:
    """SQLAlchemy URL of a new, empty database, for this test alone."""
    return postgres_server.create_database()


PACKED = re.compile(rb"H4sI[A-Za-z0-9+/]{40,}={0,2}")
"""What was compressed inside a page, in base64."""


@pytest.fixture
def unpacked() -> Callable[[bytes], bytes]:
    """A page with what is compressed in it: a search of the bytes alone would see none of that."""
    return lambda page: b"\0".join(
        [page, *(gzip.decompress(base64.b64decode(found)) for found in PACKED.findall(page))]
    )


@pytest.fixture
def everything_in(unpacked: Callable[[bytes], bytes]) -> Callable[[Path], dict[str, bytes]]:
    """Every file below a folder, as it is and with what is compressed in it, by its path there."""

    def readable(path: Path) -> bytes:
        if path.suffix != ".parquet":
            return unpacked(path.read_bytes())
        import polars as pl

        table, about = pl.read_parquet(path), pl.read_parquet_metadata(path)
        return path.read_bytes() + repr((about, table.rows())).encode()

    return lambda folder: {
        str(path.relative_to(folder)): readable(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
