"""Putting conversations to servers and getting answers, calls accounted for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pydantic_core import to_json

from graphs.llm.accounting import Account
from graphs.llm.capabilities import Capabilities
from graphs.llm.client import Answer, Client
from graphs.llm.faults import CallError, FaultKind, ReplyError
from graphs.llm.labels import Order, order_text
from graphs.llm.rendering import Message
from graphs.llm.settings import LlmSettings
from graphs.llm.wire import Completion, ReplyChoice, TokensUsed, read_completion
from graphs.panel import Juror
from graphs.records import Call, Cell
from personas.identity import content_hash, digest

PATH = "/chat/completions"
BATCH_PATH = "/chat/completions/batch"
_NO_USE_ASKING_SINGLY = {FaultKind.UNREACHABLE, FaultKind.DENIED, FaultKind.REDIRECTED}

Fields = dict[str, Any]
"""Request fields beside model and messages."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Put:
    """One conversation put for one juror.

    Attributes:
        juror: for whom.
        cells: the questions that its reply answers.
        orders: of the options of each.
        messages: what is sent.
        uniform: in [0, 1), with which a rating is drawn from a distribution.
        notes: what was done to quoted text.
        purpose: `rate`, `draw` or `reason`.
        repeat: number among samples of the same question.
    """

    juror: Juror
    cells: tuple[Cell, ...]
    orders: tuple[Order, ...]
    messages: list[Message]
    uniform: float
    notes: str | None
    purpose: str = "rate"
    repeat: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a conversation: replies, or an error in a line; and its row of account."""

    choices: tuple[ReplyChoice, ...]
    error: str | None
    call: Call


class Session:
    """A mind's servers with what is known of them."""

    def __init__(
        self,
        *,
        client: Client,
        settings: LlmSettings,
        capabilities: Capabilities,
        position: int,
        seed: int,
    ) -> None:
        self.client = client
        self.settings = settings
        self.capabilities = capabilities
        self.account = Account()
        self.position = position
        self._seed = seed
        self._common: Fields = {"model": settings.model, **settings.extra_body}
        if capabilities.template_switches and settings.thinking == "off":
            switches = settings.extra_body.get("chat_template_kwargs", {})
            self._common["chat_template_kwargs"] = {"enable_thinking": False, **switches}
        elif isinstance(settings.thinking, int):
            self._common["thinking_token_budget"] = settings.thinking

    @property
    def batch(self) -> int:
        """Conversations that travel together, 1 where the server or the settings do not."""
        together = self.settings.panel_batch if self.capabilities.batch else 1
        return max(1, together)

    def limit(self, tokens: int) -> Fields:
        """Bounds a reply, thinking apart."""
        budget = self.settings.thinking if isinstance(self.settings.thinking, int) else 0
        return {self.capabilities.token_limit: tokens + budget}

    async def converse(
        self, puts: Sequence[Put], fields: Fields, *, affinity: str, seeded: bool = False
    ) -> list[Outcome]:
        """Put conversations to a server, together where it takes several, else side by side.

        A group that is turned down is put singly, so that one over-long prompt fails one juror.

        Args:
            puts: the conversations.
            fields: of the request, shared by all.
            affinity: of the item.
            seeded: each gets a seed of its own, and so a request of its own.

        Returns:
            One outcome for each, in order.
        """
        request = _Request({**self._common, **fields}, affinity, seeded)
        if len(puts) > 1 and self.batch > 1 and not seeded:
            return await self._together(puts, request)
        if len(puts) == 1:
            return [await self._alone(puts[0], request)]
        return await asyncio.gather(*(self._alone(put, request) for put in puts))

    async def _alone(self, put: Put, request: _Request) -> Outcome:
        body = {**request.fields, "messages": put.messages}
        if request.seeded:
            body["seed"] = self._seed_of(put)
        try:
            answer = await self.client.send(
                PATH, to_json(body), _read_some, affinity=request.affinity
            )
        except CallError as error:
            return self._lost(put, request, error, shared=1)
        used = _used(answer.value.get("usage"))
        return self._answered(put, request, answer, tuple(answer.value["choices"]), used, 1)

    async def _together(self, puts: Sequence[Put], request: _Request) -> list[Outcome]:
        body = to_json({**request.fields, "messages": [put.messages for put in puts]})
        try:
            answer = await self.client.send(
                BATCH_PATH, body, _read_some, affinity=request.affinity, weight=len(puts)
            )
        except CallError as error:
            if error.kind in _NO_USE_ASKING_SINGLY:
                return [self._lost(put, request, error, shared=len(puts)) for put in puts]
            return await asyncio.gather(*(self._alone(put, request) for put in puts))
        found = _by_index(answer.value, len(puts))
        shares = _shares(answer.value.get("usage"), puts)
        missing = [n for n in range(len(puts)) if n not in found]
        alone = await asyncio.gather(*(self._alone(puts[n], request) for n in missing))
        outcomes = dict(zip(missing, alone, strict=True))
        for n, choice in found.items():
            put = puts[n]
            outcomes[n] = self._answered(put, request, answer, (choice,), shares[n], len(puts))
        return [outcomes[n] for n in range(len(puts))]

    def _seed_of(self, put: Put) -> int:
        """A seed for the server's sampler: of the study, the question and the repeat."""
        name = f"{self._seed}\x1f{put.purpose}\x1f{put.repeat}\x1f{tuple(put.cells[0])}"
        return int(digest(name.encode()), 16) >> 33

    def _answered(
        self,
        put: Put,
        request: _Request,
        answer: Answer[Completion],
        choices: tuple[ReplyChoice, ...],
        used: TokensUsed,
        shared: int,
    ) -> Outcome:
        cached = used.get("prompt_tokens_details") or {}
        call = self._call(
            put,
            request,
            endpoint=answer.endpoint,
            prompt_tokens=used.get("prompt_tokens"),
            cached_tokens=cached.get("cached_tokens"),
            completion_tokens=used.get("completion_tokens"),
            shared=shared,
            seconds=answer.seconds,
            attempts=answer.attempts,
            error=None,
        )
        self.account.add(call)
        return Outcome(choices=choices, error=None, call=call)

    def _lost(self, put: Put, request: _Request, error: CallError, *, shared: int) -> Outcome:
        call = self._call(
            put,
            request,
            endpoint=-1,
            prompt_tokens=None,
            cached_tokens=None,
            completion_tokens=None,
            shared=shared,
            seconds=error.seconds,
            attempts=error.attempts,
            error=error.message,
        )
        self.account.add(call)
        return Outcome(choices=(), error=error.message, call=call)

    def _call(self, put: Put, request: _Request, **measured: Any) -> Call:
        said = "\x1f".join([f"{each['role']}\x1f{each['content']}" for each in put.messages])
        prompt = sha256(said.encode()).hexdigest()[:16]
        cell = put.cells[0]
        name = f"{request.hash} {prompt} {tuple(cell)} {put.purpose} {put.repeat}"
        return Call(
            # Items first: rows that are written together then lie together in the ledger.
            key=f"{cell.item:06x}{digest(name.encode())}",
            mind=self.position,
            item=cell.item,
            juror=cell.juror,
            round=cell.round,
            purpose=put.purpose,
            prompt=prompt,
            order=";".join(map(order_text, put.orders)),
            notes=put.notes,
            **measured,
        )


class _Request:
    """What the requests of one group have in common."""

    def __init__(self, fields: Fields, affinity: str, seeded: bool) -> None:  # noqa: FBT001 (private)
        self.fields = fields
        self.affinity = affinity
        self.seeded = seeded
        self.hash = content_hash(fields)


def _read_some(body: bytes) -> Completion:
    completion = read_completion(body)
    if not completion["choices"]:
        raise ReplyError("its reply holds no choices")
    return completion


def _by_index(completion: Completion, size: int) -> dict[int, ReplyChoice]:
    """Choices by the conversation they answer; an index given twice answers none."""
    found: dict[int, ReplyChoice] = {}
    twice: set[int] = set()
    for choice in completion["choices"]:
        index = choice.get("index", -1)
        twice |= {index} & found.keys()
        found[index] = choice
    return {n: choice for n, choice in found.items() if 0 <= n < size and n not in twice}


def _used(used: TokensUsed | None) -> TokensUsed:
    return used or {}


def _shares(used: TokensUsed | None, puts: Sequence[Put]) -> list[TokensUsed]:
    """A request's tokens shared out by length of the conversations; sums are kept."""
    lengths = [sum(len(message["content"]) for message in put.messages) for put in puts]
    prompt = apportion(_used(used).get("prompt_tokens"), lengths)
    completion = apportion(_used(used).get("completion_tokens"), [1] * len(puts))
    return [
        {"prompt_tokens": p, "completion_tokens": c}
        for p, c in zip(prompt, completion, strict=True)
    ]


def apportion(total: int | None, weights: Sequence[int]) -> list[int | None]:
    """Whole numbers in proportion to weights that sum to `total`; None throughout for None."""
    if total is None:
        return [None] * len(weights)
    whole, given, passed = max(1, sum(weights)), 0, 0
    shares: list[int | None] = []
    for weight in weights:
        passed += weight
        upto = total * passed // whole
        shares.append(upto - given)
        given = upto
    return shares
