"""Finding out what a server can do, by a few tiny requests."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from graphs.llm.capabilities import Capabilities
from graphs.llm.client import Client
from graphs.llm.distribution import label_mass
from graphs.llm.endpoint import Endpoint
from graphs.llm.faults import AttemptError, CallError, FaultKind, MindUnavailableError, ReplyError
from graphs.llm.parsing import final_text, read_json
from graphs.llm.settings import LlmSettings
from graphs.llm.wire import Completion, Position, read_completion
from personas.errors import InputError, nearest

MOST_TOKEN_IDS = 64
"""Labels with their variants, at most; what the launcher lets vLLM report."""
_SAY = "Say yes."
_SAYS_NO = {FaultKind.REJECTED, FaultKind.MISSING, FaultKind.BROKEN, FaultKind.MALFORMED}

T = TypeVar("T")


class _Model(BaseModel):
    id: str
    owned_by: str = ""
    root: str | None = None
    max_model_len: int | None = None


class _Models(BaseModel):
    data: list[_Model]


class _Version(BaseModel):
    version: str


async def probe(client: Client, settings: LlmSettings, found: Capabilities) -> Capabilities:
    """Ask a server what it can do, by a few tiny requests.

    Args:
        client: the mind's servers, of which one answers.
        settings: of the mind.
        found: what `identify` found.

    Raises:
        InputError: the server refuses the key.
        MindUnavailableError: it does not answer.
    """
    prober = _Prober(client, settings, found)
    await prober.find_token_limit()
    tests = {
        "logprob_token_ids": prober.token_ids,
        "top_logprobs": prober.top_logprobs,
        "json_schema": prober.json_schema,
        "several": prober.several,
        "batch": prober.batch,
        "tokenize": prober.tokenize,
        "template_switches": prober.template_switches,
    }
    overrides = settings.capabilities.model_dump(exclude_none=True)
    wanted = {name: test for name, test in tests.items() if name not in overrides}
    results = await asyncio.gather(*(test() for test in wanted.values()))
    changes: dict[str, Any] = {**dict(zip(wanted, results, strict=True)), **overrides}
    return replace(prober.found, **changes)


async def identify(endpoint: Endpoint, model: str) -> Capabilities:
    """Check that a server answers and serves the model; what it says of itself.

    Raises:
        InputError: it does not serve the model, or refuses the key.
        MindUnavailableError: it cannot be reached.
    """
    try:
        listed = _Models.model_validate_json(await endpoint.get("/models", within=30.0)).data
    except AttemptError as error:
        if error.kind in (FaultKind.DENIED, FaultKind.REDIRECTED):
            raise InputError(error.message, where="mind.endpoints") from None
        if error.kind is not FaultKind.MISSING:
            raise MindUnavailableError(
                f"{error.message}. Is the server running? `juries serve MODEL` starts one."
            ) from None
        listed = []  # some gateways list nothing
    except ValidationError:
        raise InputError(
            f"{endpoint.url}/models does not answer as an OpenAI-compatible server does",
            where="mind.endpoints",
            hint="base_url usually ends in /v1.",
        ) from None
    mine = next((each for each in listed if each.id == model), None)
    if listed and mine is None:
        names = [each.id for each in listed]
        raise InputError(
            f"{endpoint.url} does not serve this model",
            where="mind.model",
            found=model,
            expected="one of " + ", ".join(names[:10]),
            hint=nearest(model, names),
        )
    if mine is None or mine.owned_by != "vllm":
        return Capabilities(context=mine.max_model_len if mine else None)
    try:
        version = _Version.model_validate_json(await endpoint.get("//version", within=30.0)).version
    except (AttemptError, ValidationError):
        version = ""
    return Capabilities(
        server="vllm", version=version, root=mine.root or "", context=mine.max_model_len
    )


class _Prober:
    """Tiny requests, each of which tells one thing."""

    def __init__(self, client: Client, settings: LlmSettings, found: Capabilities) -> None:
        self.found = found
        self._client = client
        self._settings = settings

    async def find_token_limit(self) -> None:
        """Learn which field bounds a reply; the first request that must work at all."""
        said = self._settings.capabilities.token_limit
        if said is not None:
            self.found = replace(self.found, token_limit=said)
        elif await self._ask() is None:
            self.found = replace(self.found, token_limit="max_completion_tokens")  # noqa: S106 (a field)
            if await self._ask(tokens=16) is None:
                raise MindUnavailableError(
                    f"{self._client.endpoints[0].url}: the server does not complete the simplest "
                    "chat. Ask it by hand to see what it says."
                )

    async def token_ids(self) -> int:
        """How many chosen tokens' log-probabilities it reports."""
        if self.found.server != "vllm":
            return 0
        for most in (MOST_TOKEN_IDS, 20):
            reply = await self._ask(
                logprobs=True,
                logprob_token_ids=list(range(most)),
                return_tokens_as_token_ids=True,
            )
            if _reported(reply, most) == most:
                return most
        return 0

    async def top_logprobs(self) -> int:
        """How many likely tokens' log-probabilities it reports."""
        for most in (20, 5):
            position = first_position(await self._ask(logprobs=True, top_logprobs=most))
            if position and len(position.get("top_logprobs") or ()) > 1:
                return most
        return 0

    async def json_schema(self) -> bool:
        """A reply keeps to a schema that nobody would keep to by chance."""
        schema = {
            "type": "object",
            "properties": {"rating": {"type": "string", "enum": ["turquoise"]}},
            "required": ["rating"],
            "additionalProperties": False,
        }
        form = {"name": "probe", "schema": schema, "strict": True}
        reply = await self._ask(
            tokens=64,
            temperature=0,
            response_format={"type": "json_schema", "json_schema": form},
        )
        if reply is None or not reply["choices"]:
            return False
        text = final_text(reply["choices"][0]["message"].get("content"))
        return text is not None and read_json(text, {"": {"turquoise": 0}}) is not None

    async def several(self) -> bool:
        """`n` samples come back."""
        reply = await self._ask(n=2, temperature=1)
        return reply is not None and len(reply["choices"]) == 2

    async def batch(self) -> bool:
        """Several conversations are taken in one request."""
        if self.found.server != "vllm":
            return False
        conversation = [{"role": "user", "content": _SAY}]
        reply = await self._ask(
            path="/chat/completions/batch", messages=[conversation, conversation]
        )
        return reply is not None and len(reply["choices"]) == 2

    async def template_switches(self) -> bool:
        """Switches for the chat template are taken."""
        return await self._ask(chat_template_kwargs={"enable_thinking": False}) is not None

    async def tokenize(self) -> bool:
        """A text's tokens are told."""
        return await token_ids(self._client, self._settings.model, prompt="1") is not None

    async def _ask(
        self, *, path: str = "/chat/completions", tokens: int = 1, **fields: Any
    ) -> Completion | None:
        """A tiny request; None where the server refuses it or answers something else."""
        body = {
            "model": self._settings.model,
            "messages": [{"role": "user", "content": _SAY}],
            self.found.token_limit: tokens,
            **self._settings.extra_body,
            **fields,
        }
        return await _answer(self._client, path, body, read_completion)


async def _answer(
    client: Client, path: str, body: dict[str, Any], read: Callable[[bytes], T]
) -> T | None:
    try:
        return (await client.send(path, to_json(body), read, affinity="probe")).value
    except CallError as error:
        if error.kind is FaultKind.DENIED:
            raise InputError(error.message, where="mind.endpoints") from None
        if error.kind in _SAYS_NO:
            return None
        raise MindUnavailableError(error.message) from None


def first_position(reply: Completion | None) -> Position | None:
    """The first generated token with its log-probabilities, where a reply holds it."""
    if reply is None or not reply["choices"]:
        return None
    content = (reply["choices"][0].get("logprobs") or {}).get("content")
    return content[0] if content else None


def _reported(reply: Completion | None, most: int) -> int:
    position = first_position(reply)
    if position is None:
        return 0
    try:
        labels = {f"token_id:{number}": number for number in range(most)}
        return most - label_mass(position, labels, most).missing
    except ReplyError:
        return 0


class _Tokens(BaseModel):
    tokens: list[int]


async def token_ids(client: Client, model: str, **fields: Any) -> list[int] | None:
    """The tokens of a `prompt` or of `messages`, None where the server does not tell.

    Raises:
        MindUnavailableError: it does not answer at all.
    """
    body = {"model": model, "add_special_tokens": False, **fields}
    tokens = await _answer(client, "//tokenize", body, _read_tokens)
    return None if tokens is None else tokens.tokens


def _read_tokens(body: bytes) -> _Tokens:
    try:
        return _Tokens.model_validate_json(body)
    except ValidationError:
        raise ReplyError("its reply holds no tokens") from None
