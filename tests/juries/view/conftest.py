"""`juries view` as a user starts it, and a real browser to look with."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
Answer = tuple[int, str, dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that was started."""

    address: str
    process: subprocess.Popen[str]

    def get(self, path: str = "", **headers: str) -> Answer:
        request = urllib.request.Request(self.address + path, headers=headers)
        return answer(request)

    def post(self, path: str, fields: dict[str, str], **headers: str) -> Answer:
        """Send a form as a page of the server would; redirects are followed."""
        own = {"Origin": self.address.rsplit("/", 2)[0]} | headers
        data = urllib.parse.urlencode(fields).encode()
        return answer(urllib.request.Request(self.address + path, data, own, method="POST"))


def answer(request: urllib.request.Request) -> Answer:
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read().decode(), dict(reply.headers)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), dict(error.headers)


@pytest.fixture
def serve() -> Generator[Callable[[Path], Server]]:
    """Start `juries view` as a user would, on any free port."""
    started: list[subprocess.Popen[str]] = []

    def start(runs: Path) -> Server:
        process = subprocess.Popen(
            [sys.executable, "-m", "juries", "view", str(runs), "--no-open"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        started.append(process)
        assert process.stdout is not None
        return Server(address=process.stdout.readline().strip(), process=process)

    yield start
    for process in started:
        process.terminate()
        process.wait(timeout=20)
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def ask() -> Callable[..., Answer]:
    """Send one request: status, text and headers of what comes back."""
    return lambda url, **options: answer(urllib.request.Request(url, **options))


@pytest.fixture
def page() -> Generator[Page]:
    """A page of Debian's Chromium; an error of any script on it fails the test.

    The test skips where the browser is not installed, unless it is required.
    """
    required = os.environ.get("JURIES_REQUIRE_BROWSER") == "1"
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        if required:
            raise
        pytest.skip("playwright is not installed")
    if not Path(CHROMIUM).exists():
        if required:
            pytest.fail(f"{CHROMIUM} is missing, and JURIES_REQUIRE_BROWSER=1")
        pytest.skip(f"{CHROMIUM} is not installed")
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        yield page
        browser.close()
    assert errors == []
