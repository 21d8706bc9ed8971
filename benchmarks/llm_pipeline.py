"""Language-model jurors against a server that is never the bottleneck.

The whole pipeline (study, graph, client, ledger) in single calls stands beside a bare typed
`AsyncOpenAI` loop on the same backend, and in panel batches beside a loop that only posts ready
bodies and reads nothing. Each figure is a fresh process, the server another; ratios are of one run.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import yaml

ROOT = Path(__file__).resolve().parent.parent
STUB = ROOT / "benchmarks" / "servers" / "llm_stub.py"
MODELS = ("ash", "birch")
WORDS_OF_RESPONSE, WORDS_OF_PORTRAIT = 450, 100
MEASURED = """
import json, resource, sys, time
def report(count, began):
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(json.dumps({
        "ratings": count,
        "wall": time.perf_counter() - began,
        "cpu": used.ru_utime + used.ru_stime - before,
        "resident": used.ru_maxrss / 1024,
    }))
_used = resource.getrusage(resource.RUSAGE_SELF)
"""
PIPELINE = (
    MEASURED
    + """
from pathlib import Path
from juries.runs import load_study, rate
from juries.progress import Silent
study, base = load_study(Path(sys.argv[1]))
class Clock(Silent):
    def start(self, *, total, done):
        global began, before
        used = resource.getrusage(resource.RUSAGE_SELF)
        before = used.ru_utime + used.ru_stime
        began = time.perf_counter()
    def finish(self):
        self.ended = True
out, in_flight = Path(sys.argv[2]), int(sys.argv[3])
result = rate(study.located(base), out=out, progress=Clock(), in_flight=in_flight)
report(result.record.recorded, began)
"""
)
BARE = (
    MEASURED
    + """
import asyncio
from openai import AsyncOpenAI, DefaultAioHttpClient
url, calls, workers, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
text = "word " * words
async def main():
    global before, began
    http = DefaultAioHttpClient()
    async with AsyncOpenAI(base_url=url, api_key="none", http_client=http) as client:
        waiting = iter(range(calls))
        async def work():
            for number in waiting:
                reply = await client.chat.completions.create(
                    model="stub", max_tokens=1, logprobs=True, top_logprobs=5, temperature=1,
                    messages=[{"role": "system", "content": "You judge."},
                              {"role": "user", "content": f"{text}{number}"}],
                )
                assert reply.choices[0].logprobs.content[0].top_logprobs
        used = resource.getrusage(resource.RUSAGE_SELF)
        before = used.ru_utime + used.ru_stime
        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(workers)))
asyncio.run(main())
report(calls, began)
"""
)

BARE_BATCHES = (
    MEASURED
    + """
import asyncio, httpx2
from openai import AsyncOpenAI, DefaultAioHttpClient
url, batches, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
one = [{"role":"system","content":"You judge."},{"role":"user","content":"word " * words}]
fields = {"model": "stub", "max_tokens": 1, "logprob_token_ids": [49], "messages": [one] * 50}
body = json.dumps(fields, separators=(",", ":")).encode()
async def main():
    global before, began
    http = DefaultAioHttpClient()
    async with AsyncOpenAI(base_url=url, api_key="none", http_client=http) as client:
        waiting = iter(range(batches))
        async def work():
            for number in waiting:
                reply = await client.post(
                    "/chat/completions/batch", cast_to=httpx2.Response, content=body,
                    options={"headers": {"Content-Type": "application/json"}},
                )
                assert len(reply.content) > 10_000
        used = resource.getrusage(resource.RUSAGE_SELF)
        before = used.ru_utime + used.ru_stime
        began = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(8)))
asyncio.run(main())
report(batches * 50, began)
"""
)


@contextlib.contextmanager
def stub(delay: float = 0.0) -> Iterator[str]:
    """The server, in a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, STUB, str(port), str(delay)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def write_study(folder: Path, url: str, *, items: int, jurors: int, **mind: object) -> Path:
    """A study of so many items, two responses each, and jurors; conversations of 750 words."""
    rng = np.random.default_rng(1)
    words = (ROOT / "LICENSE").read_text().split()
    folder.mkdir(parents=True)
    with (folder / "items.jsonl").open("w") as file:
        for number in range(items):
            texts = {m: " ".join(rng.choice(words, WORDS_OF_RESPONSE)) for m in MODELS}
            row = {"id": f"i{number}", "prompt": " ".join(rng.choice(words, 40)), "out": texts}
            file.write(json.dumps(row) + "\n")
    with (folder / "people.jsonl").open("w") as file:
        for number in range(jurors):
            told = " ".join(rng.choice(words, WORDS_OF_PORTRAIT))
            file.write(json.dumps({"id": f"p{number}", "age": 20 + number, "told": told}) + "\n")
    study = {
        "name": "stub",
        "items": {"path": "items.jsonl", "id": "id", "prompt": "prompt", "responses": "out"},
        "scale": {"kind": "likert", "question": "Good?", "points": ["1", "2", "3", "4", "5"]},
        "population": {
            "path": "people.jsonl",
            "columns": {"id": "id", "attributes": ["age"], "narrative": "told"},
        },
        "baselines": {"share": 0},
        "mind": {"kind": "llm", "model": "stub", "endpoints": [{"base_url": f"{url}/v1"}], **mind},
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


def child(code: str, *arguments: object) -> dict[str, float]:
    """Run code in a fresh process and read what it measured."""
    made = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True,
        cwd=ROOT, check=False,
    )  # fmt: skip
    if made.returncode:
        raise SystemExit(made.stderr[-2000:])
    return json.loads(made.stdout.splitlines()[-1])


def rated(folder: Path, url: str, in_flight: int = 16, **study: object) -> dict[str, float]:
    """One whole run in a fresh process."""
    path = write_study(folder / "study", url, **study)  # pyright: ignore[reportArgumentType]
    return child(PIPELINE, path, folder / "run", in_flight)


def single_calls(folder: Path, repeats: int, calls: int) -> dict[str, float]:
    """The pipeline in single calls beside the bare typed loop, in turn."""
    ratios, ours, bare = [], [], []
    with stub() as url:
        for turn in range(repeats):
            one = rated(folder / f"single-{turn}", url, items=calls // 40, jurors=20, panel_batch=0)
            two = child(BARE, f"{url}/v1", calls, 64, 750)
            ours.append(one["ratings"] / one["wall"])
            bare.append(two["ratings"] / two["wall"])
            ratios.append(ours[-1] / bare[-1])
    return {
        "pipeline_per_s": statistics.median(ours),
        "bare_typed_per_s": statistics.median(bare),
        "ratio": statistics.median(ratios),
    }


def with_latency(folder: Path, repeats: int, ratings: int) -> dict[str, float]:
    """50 ms latency and 256 ratings in flight: the bound is 5,120 a second."""
    reached = []
    with stub(delay=0.05) as url:
        for turn in range(repeats):
            endpoints = [{"base_url": f"{url}/v1", "max_connections": 256}]
            got = rated(
                folder / f"latency-{turn}", url, items=ratings // 64, jurors=32, panel_batch=32,
                in_flight=32, endpoints=endpoints,
            )  # fmt: skip
            reached.append(got["ratings"] / got["wall"])
    return {"per_s": statistics.median(reached), "of_bound": statistics.median(reached) / 5120}


def batches(folder: Path, repeats: int, ratings: int) -> dict[str, float]:
    """Panel batches of 50, and beside them what posting as many ready bodies takes."""
    speed, cpu, bare = [], [], []
    with stub() as url:
        for turn in range(repeats):
            got = rated(
                folder / f"batch-{turn}", url, items=ratings // 100, jurors=50, panel_batch=50
            )
            speed.append(got["ratings"] / got["wall"])
            cpu.append(1000 * got["cpu"] / got["ratings"])
            posted = child(BARE_BATCHES, f"{url}/v1", ratings // 50, 750)
            bare.append(1000 * posted["cpu"] / posted["ratings"])
    return {
        "per_s": statistics.median(speed),
        "cpu_ms_a_rating": statistics.median(cpu),
        "bare_post_ms_a_rating": statistics.median(bare),
    }


def memory(folder: Path) -> dict[str, float]:
    """Resident size after 200,000 ratings over that after 10,000."""
    with stub() as url:
        small, large = (
            rated(folder / f"memory-{n}", url, items=n // 100, jurors=50, panel_batch=50)
            for n in (10_000, 200_000)
        )
    return {
        "resident_10k_mb": small["resident"],
        "resident_200k_mb": large["resident"],
        "growth_mb": large["resident"] - small["resident"],
    }


def killed(folder: Path) -> dict[str, float]:
    """SIGKILL in the middle: what is asked again, beyond what was in flight."""
    with stub(delay=0.05) as url:
        endpoints = [{"base_url": f"{url}/v1", "max_connections": 256}]
        path = write_study(
            folder / "study", url, items=200, jurors=50, panel_batch=16, endpoints=endpoints
        )
        arguments = [sys.executable, "-c", PIPELINE, path, folder / "run", "16"]
        process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
        while _asked(url) < 8000:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        time.sleep(0.2)
        with sqlite3.connect(folder / "run" / "ledger.sqlite") as ledger:
            kept = ledger.execute("SELECT count(*) FROM ratings").fetchone()[0]
        before = _asked(url)
        child(PIPELINE, path, folder / "run", 16)
        with sqlite3.connect(folder / "run" / "ledger.sqlite") as ledger:
            rows = ledger.execute("SELECT count(*) FROM ratings").fetchone()[0]
        again = before - kept
    return {"asked_before": before, "kept": kept, "asked_again": again, "rows_in_the_end": rows}


def _asked(url: str) -> int:
    with urllib.request.urlopen(f"{url}/asked", timeout=10) as reply:
        return json.load(reply)["asked"]


def main() -> None:
    """Print every figure, and what was wanted of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=())
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    wanted = {
        "single_calls": "ratio at least 1.5",
        "with_latency": "of_bound at least 0.92",
        "batches": "per_s at least 10,000; cpu_ms_a_rating at most 0.1",
        "memory": "growth_mb at most 20",
        "killed": "asked_again at most 256 in flight + 50 ms of answers (256); 20,000 rows",
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = {
            "single_calls": lambda: single_calls(folder, given.repeats, 8000),
            "with_latency": lambda: with_latency(folder, given.repeats, 40_000),
            "batches": lambda: batches(folder, given.repeats, 40_000),
            "memory": lambda: memory(folder),
            "killed": lambda: killed(folder / "killed"),
        }
        for part, measure in parts.items():
            if given.only and part not in given.only:
                continue
            figures = {name: round(value, 3) for name, value in measure().items()}
            print(f"{part}: {figures}  (wanted: {wanted[part]})", flush=True)


if __name__ == "__main__":
    main()
