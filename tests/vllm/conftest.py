"""A real vLLM server on the CPU, with a checkpoint made here.

It needs an environment of its own with vLLM in it (`make setup-vllm`); where that is absent, tests
skip, or fail if JURIES_REQUIRE_VLLM is set.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from graphs.llm.settings import EndpointSettings, LlmSettings, ServeSettings
from graphs.llm.vllm import Server, find_installation

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent

ARGS = ("--max-model-len", "4096", "--enforce-eager")
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1", "HF_HUB_OFFLINE": "1"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the server, which takes its time to start."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.vllm)
            item.add_marker(pytest.mark.timeout(600))


@pytest.fixture(scope="session")
def vllm_python() -> Path:
    """The interpreter that holds vLLM."""
    python = Path(os.environ.get("JURIES_VLLM_PYTHON", ROOT / ".venv-vllm/bin/python"))
    if not python.exists():
        message = f"no vLLM at {python}: run `make setup-vllm`"
        if os.environ.get("JURIES_REQUIRE_VLLM"):
            pytest.fail(message)
        pytest.skip(message)
    return python


@pytest.fixture(scope="session")
def checkpoint(vllm_python: Path) -> Path:
    """A tiny chat model with random weights, made once and kept."""
    script = HERE / "make_checkpoint.py"
    folder = (
        vllm_python.parent.parent
        / "checkpoints"
        / f"tiny-{hashlib.sha256(script.read_bytes()).hexdigest()[:12]}"
    )
    if not (folder / "tokenizer.json").exists():
        making = folder.with_suffix(".making")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(parents=True)
        subprocess.run([vllm_python, script, making], check=True, capture_output=True, timeout=300)
        making.rename(folder)
    return folder


@dataclass
class Served:
    """A running server and how to speak of it in a study."""

    server: Server
    checkpoint: Path
    python: Path

    @property
    def endpoint(self) -> EndpointSettings:
        """Where it answers."""
        return EndpointSettings(base_url=self.server.url)

    def settings(self, **changes: Any) -> LlmSettings:
        """A mind at this server; noise puts little weight on labels, so none is required."""
        defaults = {"endpoints": (self.endpoint,), "min_label_mass": 0, "reason_tokens": 12}
        return LlmSettings(model=str(self.checkpoint), **{**defaults, **changes})

    def kill(self) -> None:
        """End it at once, workers and all, as the kernel does when memory runs out."""
        guard = self.server._process
        assert guard is not None
        children = Path(f"/proc/{guard.pid}/task/{guard.pid}/children").read_text().split()
        for child in children:
            os.killpg(int(child), signal.SIGKILL)
        guard.wait()

    def restart(self) -> None:
        """Start it again at the same address."""
        self.server.stop()
        self.server.start()
        self.server.wait_ready()


@pytest.fixture(scope="session")
def served(
    vllm_python: Path, checkpoint: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The server, started by the launcher, for all tests of a session."""
    settings = ServeSettings(python=vllm_python, args=ARGS, env=ENVIRONMENT, ready_s=300)
    server = Server(
        str(checkpoint),
        settings,
        installation=find_installation(vllm_python),
        log=tmp_path_factory.mktemp("vllm") / "vllm.log",
    )
    with server:
        server.wait_ready()
        yield Served(server, checkpoint, vllm_python)


REGIONS = ("South", "West", "Midwest", "Northeast")


@pytest.fixture
def study_file(served: Served, tmp_path: Path) -> Callable[..., Path]:
    """Write a small study whose mind is at the server; keywords change its sections."""

    def write(name: str = "study", *, items: int = 2, seats: int = 6, **sections: Any) -> Path:
        rows = [
            {
                "id": f"item-{n}",
                "prompt": f"Question {n}: how should a town decide what to build?",
                "responses": {
                    "long": f"By asking everybody who lives there, answer {n}. " * 12,
                    "short": f"By lot, answer {n}.",
                },
            }
            for n in range(items)
        ]
        people = [
            {"id": f"p{n}", "age": 20 + 3 * n, "region": REGIONS[n % 4]} for n in range(seats)
        ]
        for file, content in (("items", rows), ("people", people)):
            lines = "".join(json.dumps(row) + "\n" for row in content)
            (tmp_path / f"{name}-{file}.jsonl").write_text(lines)
        study: dict[str, Any] = {
            "name": name,
            "seed": 3,
            "items": {"path": f"{name}-items.jsonl", "id": "id", "responses": "responses"},
            "population": {
                "path": f"{name}-people.jsonl",
                "format": "table",
                "columns": {"id": "id", "attributes": ["age", "region"]},
            },
            "scale": {
                "kind": "likert",
                "question": "How helpful is this response?",
                "points": ["not at all", "a little", "somewhat", "quite", "very"],
            },
            "scores": {"resamples": 100},
            "baselines": {"share": 0},
        }
        if "minds" not in sections:
            study["mind"] = served.settings().model_dump(mode="json")
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump({**study, **sections}))
        return path

    return write
