"""Runs whose reports are looked at, and a real browser to look with."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import juries
from juries.cli.starting import examples
from juries.report import write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
HOSTILE = "<script>window.harmed=1</script><img src=x onerror='window.harmed=2'>"


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """The shipped example, whose planted effects are known."""
    return juries.run(examples() / "study.yaml", out=tmp_path_factory.mktemp("demo") / "run")


@pytest.fixture(scope="session")
def demo_page(demo: juries.Run) -> str:
    """Address of the example's report."""
    return write_report(demo.path).as_uri()


@pytest.fixture(scope="session")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> juries.Run:
    """A run in which everything that others wrote tries to be markup."""
    folder = tmp_path_factory.mktemp("hostile")
    with (folder / "items.jsonl").open("w") as file:
        for number in range(3):
            answers = {f"model {HOSTILE}": f"{HOSTILE} {number} </script></pre>", "plain": "Fine."}
            row = {"id": f"{number} {HOSTILE}", "prompt": f"Prompt {HOSTILE}", "out": answers}
            file.write(json.dumps(row | {"topic": HOSTILE}) + "\n")
    with (folder / "people.jsonl").open("w") as file:
        for number in range(8):
            side = HOSTILE if number % 2 else "plain"
            file.write(json.dumps({"id": f"p{number}", "side": side, "age": 20 + number}) + "\n")
    study = {
        "name": f"study {HOSTILE}",
        "items": {
            "path": str(folder / "items.jsonl"),
            "id": "id",
            "prompt": "prompt",
            "responses": "out",
            "attributes": ["topic"],
        },
        "scale": {
            "kind": "likert",
            "question": f"Good? {HOSTILE}",
            "points": ["no", HOSTILE, "yes"],
        },
        "population": {"path": str(folder / "people.jsonl"), "columns": {"id": "id"}},
        "scores": {"groups": ["side"], "resamples": 100},
    }
    return juries.run(study, out=folder / "run")


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """Debian's Chromium; the tests skip where it is not installed, unless it is required.

    Of module scope, for its event loop must not outlive the tests that look.
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
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Generator[Callable[..., Page]]:
    """Open an address and wait until it is drawn; anything wrong on any page fails the test.

    Wrong is: a message on the console, an error of a script, a request that leaves the page's own
    files.
    """
    complaints: list[str] = []
    contexts = []

    def see_request(url: str) -> None:
        if not url.startswith(("file:", "data:", "blob:")):
            complaints.append(f"request: {url}")

    def open_page(url: str, **options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda request: see_request(request.url))
        page.goto(url)
        page.wait_for_selector("html[data-ready=true]", state="attached")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
