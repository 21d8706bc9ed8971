"""How fast a report of 50,000 ratings opens and filters in Chromium, beside one of 500.

Run as `python benchmarks/report.py`; needs playwright and /usr/bin/chromium.
"""

from __future__ import annotations

import csv
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

import juries
from juries.report import write_report

REPEATS = 5
JURORS = 100


def study(folder: Path, items: int) -> dict[str, object]:
    """Five models, 100 jurors, so many items of some hundred words."""
    words = [
        "river",
        "stone",
        "music",
        "bread",
        "light",
        "garden",
        "winter",
        "letter",
        "rain",
        "sea",
    ]
    with (folder / "items.jsonl").open("w") as file:
        for i in range(items):
            text = " ".join(words[(i + k) % len(words)] for k in range(120))
            answers = {f"model {m}": f"{text} {m}" for m in range(5)}
            file.write(json.dumps({"id": f"item {i}", "prompt": text, "out": answers}) + "\n")
    with (folder / "people.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "age", "side"])
        writer.writerows([p, 18 + p % 60, "left" if p % 3 else "right"] for p in range(JURORS))
    return {
        "name": f"{items} items",
        "items": {"path": str(folder / "items.jsonl"), "id": "id", "prompt": "prompt",
                  "responses": "out"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
        "population": {"path": str(folder / "people.csv"), "columns": {"id": "id"}},
        "scores": {"groups": ["side"], "resamples": 200},
    }  # fmt: skip


def median(measure: Callable[[], float]) -> float:
    return statistics.median(measure() for _ in range(REPEATS))


def seconds_to_open(browser: Browser, address: str) -> float:
    page = browser.new_page()
    started = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("html[data-ready=true]", state="attached")
    elapsed = time.perf_counter() - started
    page.close()
    return elapsed


def seconds_to_filter(page: Page, field: str, rows: str, text: str) -> float:
    """From a keystroke to the rows laid out again, measured inside the page."""
    return page.evaluate(
        """([field, rows, text]) => new Promise((done) => {
            const input = document.querySelector(field);
            const started = performance.now();
            input.value = text;
            input.dispatchEvent(new Event("input", { bubbles: true }));
            const settle = () => requestAnimationFrame(() => {
                document.querySelectorAll(rows).length;
                document.body.getBoundingClientRect();
                done((performance.now() - started) / 1000);
            });
            setTimeout(settle, 0);
        })""",
        [field, rows, text],
    )


def measure(browser: Browser, folder: Path, items: int) -> float:
    """Print the figures of a report of so many items; its median time to open."""
    folder.mkdir()
    run = juries.run(study(folder, items), out=folder / "run")
    started = time.perf_counter()
    written = write_report(run.path)
    wrote = time.perf_counter() - started
    opened = median(lambda: seconds_to_open(browser, written.as_uri()))
    page = browser.new_page()
    page.goto(f"{written.as_uri()}#items")
    page.wait_for_selector("html[data-ready=true]", state="attached")
    texts = iter([f"item {k}" for k in range(REPEATS)])
    listed = median(lambda: seconds_to_filter(page, "#q", "#list tr", next(texts)))
    page.goto(f"{written.as_uri()}#item?id=item%200")
    page.wait_for_selector("#matrix")
    sides = iter(["left", "right", "2", "3", "4"])
    jurors = median(lambda: seconds_to_filter(page, "[data-keep=rq]", "#matrix tr", next(sides)))
    page.close()
    print(
        f"{run.record.recorded:>7,} ratings: {written.stat().st_size / 1e6:.1f} MB, "
        f"written in {wrote:.1f} s, opens in {opened:.2f} s, "
        f"filters items in {listed:.3f} s and jurors in {jurors:.3f} s"
    )
    return opened


def main() -> None:
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as root:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        small, large = (measure(browser, Path(root) / str(n), n) for n in (1, 100))
        print(f"opening 100 times the ratings takes {large / small:.2f} times as long")
        browser.close()


if __name__ == "__main__":
    main()
