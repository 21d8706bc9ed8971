"""A model server that is never the bottleneck: prepared bytes, nothing parsed.

`python llm_stub.py PORT [SECONDS]` answers as vLLM does, each request after so many seconds. It
counts what it is asked in `GET /asked`.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
from typing import ClassVar

LABELS = 5
SHARES = (0.1, 0.2, 0.3, 0.2, 0.1)


def reply(conversations: int, *, named: bool) -> bytes:
    """A reply to so many conversations, with log-probabilities of the labels 1 to 5."""
    names = [f"token_id:{49 + n}" if named else str(n + 1) for n in range(LABELS)]
    top = [
        {"token": name, "logprob": math.log(share), "bytes": [49]}
        for name, share in zip(names, SHARES, strict=True)
    ]
    choices = [
        {
            "index": n,
            "message": {"role": "assistant", "content": "3", "refusal": None, "reasoning": None},
            "logprobs": {"content": [{**top[2], "top_logprobs": top}]},
            "finish_reason": "length",
            "stop_reason": None,
        }
        for n in range(conversations)
    ]
    tokens = 1000 * conversations
    used = {"prompt_tokens": tokens, "completion_tokens": conversations, "total_tokens": tokens}
    whole = {
        "id": "chatcmpl-0",
        "object": "chat.completion",
        "created": 0,
        "model": "stub",
        "choices": choices,
        "usage": used,
    }
    return http(json.dumps(whole).encode())


def http(body: bytes, status: str = "200 OK") -> bytes:
    """A response with this body."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    return head.encode() + b"\r\n\r\n" + body


MODELS = http(json.dumps({"object": "list", "data": [{"id": "stub", "owned_by": "vllm"}]}).encode())
VERSION = http(b'{"version": "0.0.stub"}')
METRICS = http(
    b'vllm:prompt_tokens_total{engine="0"} 0.0\nvllm:cache_config_info{block_size="16"} 1.0\n'
)
NOT_FOUND = http(b"{}", "404 Not Found")


class Stub(asyncio.Protocol):
    """One connection."""

    replies: ClassVar[dict[tuple[int, bool], bytes]] = {}
    delay = 0.0
    asked = 0

    def __init__(self) -> None:
        self._data = bytearray()

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._data += data
        while (end := self._data.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._data[:end]).lower()
            at = head.find(b"content-length:")
            length = 0 if at < 0 else int(head[at + 15 : (head + b"\r\n").find(b"\r\n", at)])
            if len(self._data) < end + 4 + length:
                return
            body = self._data[end + 4 : end + 4 + length]
            del self._data[: end + 4 + length]
            self._answer(head.split(b" ", 2)[1], body)

    def _answer(self, path: bytes, body: bytearray) -> None:
        if path.startswith(b"/v1/chat/completions"):
            batch = path.endswith(b"batch")
            size = body.count(b'"role":"system"') or body.count(b'"role":"user"') if batch else 1
            Stub.asked += size
            named = b"logprob_token_ids" in body
            if b"Say yes." in body or b"json_schema" in body:
                self._send(self._probed(body, size))
                return
            key = (size, named)
            if key not in self.replies:
                self.replies[key] = reply(size, named=named)
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self._send, self.replies[key])
            else:
                self._send(self.replies[key])
        elif path == b"/tokenize":
            asked_of = json.loads(body)
            text = asked_of.get("prompt")
            if text is None:
                parts = [f"<{m['role']}>{m['content']}" for m in asked_of["messages"]]
                text = "".join(parts) + "<assistant>" * bool(asked_of.get("add_generation_prompt"))
            self._send(http(json.dumps({"tokens": [ord(c) for c in text]}).encode()))
        else:
            known = {b"/v1/models": MODELS, b"/version": VERSION, b"/metrics": METRICS}
            counted = http(json.dumps({"asked": Stub.asked}).encode())
            self._send(counted if path == b"/asked" else known.get(path, NOT_FOUND))

    def _probed(self, body: bytearray, size: int) -> bytes:
        wanted = json.loads(body)
        ids = wanted.get("logprob_token_ids")
        if ids:
            top = [{"token": f"token_id:{one}", "logprob": -5.0} for one in ids]
            choice = {
                "index": 0,
                "message": {"content": "x"},
                "logprobs": {"content": [{**top[0], "top_logprobs": top}]},
            }
            return http(json.dumps({"choices": [choice]}).encode())
        return reply(size, named=False)

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


async def main(port: int, delay: float) -> None:
    """Serve until killed."""
    Stub.delay = delay
    server = await asyncio.get_running_loop().create_server(Stub, "127.0.0.1", port)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0))
