"""One server: single attempts over the OpenAI SDK, its gate and its breaker."""

from __future__ import annotations

import asyncio
import email.utils
import math
import time
from collections.abc import AsyncIterator
from typing import Any, Self, cast

import aiohttp
import httpx2
import openai
from openai import AsyncOpenAI, DefaultAioHttpClient

from graphs.llm.breaker import Breaker
from graphs.llm.faults import AttemptError, FaultKind
from graphs.llm.gate import Gate
from graphs.llm.keys import resolve_key, scrub, scrub_bytes
from graphs.llm.settings import EndpointSettings, Limits
from personas.errors import shorten

_JSON = {"Content-Type": "application/json"}
_OPENAI = "//api.openai.com/"
_KINDS = {
    400: FaultKind.REJECTED,
    401: FaultKind.DENIED,
    402: FaultKind.DENIED,
    403: FaultKind.DENIED,
    404: FaultKind.MISSING,
    405: FaultKind.MISSING,
    408: FaultKind.TIMEOUT,
    409: FaultKind.BROKEN,
    425: FaultKind.BROKEN,
    429: FaultKind.BUSY,
    501: FaultKind.MISSING,
}


class _UnreadableError(httpx2.RequestError):
    """The body passed the limit; reading stopped."""


class _Bounded(httpx2.AsyncByteStream):
    """A body that ends in an error once it grows past a limit."""

    def __init__(self, stream: httpx2.AsyncByteStream, most: int) -> None:
        self._stream = stream
        self._most = most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = 0
        async for chunk in self._stream:
            read += len(chunk)
            if read > self._most:
                raise _UnreadableError(f"its reply is longer than {self._most} bytes")
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class Endpoint:
    """One server of a mind. Use as an async context manager, or call `close`.

    Attributes:
        number: its place among the mind's servers.
        url: its address, without secrets.
        gate: how many conversations may be in flight.
        breaker: whether it is worth asking.
    """

    def __init__(self, number: int, settings: EndpointSettings, limits: Limits) -> None:
        self.number = number
        self.url = settings.base_url
        self.weight = settings.weight
        self.gate = Gate(settings.max_connections)
        self.breaker = Breaker()
        self._key = resolve_key(settings)
        self._limits = limits
        self._http = DefaultAioHttpClient(
            follow_redirects=False,
            # Reading the certificates takes longer than a run's first hundred calls.
            verify=settings.base_url.startswith("https:"),
            limits=httpx2.Limits(
                max_connections=settings.max_connections,
                max_keepalive_connections=settings.max_connections,
                keepalive_expiry=30.0,
            ),
            event_hooks={"response": [self._bound]},
        )
        self._client = AsyncOpenAI(
            base_url=settings.base_url,
            # Without a key of its own an address must not be sent OPENAI_API_KEY.
            api_key="none" if self._key is None else self._key.get_secret_value(),
            http_client=self._http,
            max_retries=0,
            timeout=httpx2.Timeout(
                None, connect=limits.connect_s, read=limits.read_s, write=limits.read_s
            ),
            default_headers={"Accept-Encoding": "identity"},
        )
        if _OPENAI not in settings.base_url:
            # Taken from the environment by the SDK; no other server should learn them.
            self._client.organization = self._client.project = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"Endpoint({self.number}, {self.url!r})"

    async def close(self) -> None:
        """Close every connection."""
        await self._client.close()

    async def post(self, path: str, body: bytes) -> bytes:
        """Send a JSON body once and return the reply's body.

        Args:
            path: below the base address, such as `/chat/completions`; a path that starts with
                `//` is taken from the server's root, such as `//tokenize`.
            body: JSON.

        Raises:
            AttemptError: no answer with status 200 came.
        """
        try:
            response = await self._client.post(
                self._address(path),
                cast_to=httpx2.Response,
                content=body,
                options={"headers": _JSON},
            )
        except openai.APIError as error:
            raise self._fault(error) from None
        # A proxy that echoes headers must not bring the key into rows.
        return scrub_bytes(response.content, self._key)

    async def get(self, path: str, *, within: float | None = None) -> bytes:
        """Fetch a path, as `post` takes it, once.

        Raises:
            AttemptError: no answer with status 200 came, or none within so many seconds.
        """
        try:
            async with asyncio.timeout(within):
                response = await self._client.get(self._address(path), cast_to=httpx2.Response)
        except TimeoutError:
            raise AttemptError(
                FaultKind.TIMEOUT, f"{self.url}: no answer in {within:g} s"
            ) from None
        except openai.APIError as error:
            raise self._fault(error) from None
        return response.content

    async def ping(self) -> None:
        """Try an open circuit, and close it if the server says anything sensible."""
        self.breaker.trying()
        try:
            await self.get("/models", within=self._limits.connect_s)
        except AttemptError as fault:
            if fault.kind.server_at_fault:
                self.breaker.fault(fault.message)
                return
        self.breaker.answered()

    def _address(self, path: str) -> str:
        if not path.startswith("//"):
            return path
        root = self.url.removesuffix("/v1")
        return f"{root}{path[1:]}"

    async def _bound(self, response: httpx2.Response) -> None:
        most = self._limits.max_reply_bytes
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > most:
            raise _UnreadableError(
                f"its reply is longer than {most} bytes", request=response.request
            )
        if response.headers.get("content-encoding", "identity") != "identity":
            raise _UnreadableError("its reply is compressed, unasked", request=response.request)
        response.stream = _Bounded(cast("httpx2.AsyncByteStream", response.stream), most)

    def _fault(self, error: openai.APIError) -> AttemptError:
        if isinstance(error, openai.APIStatusError):
            return self._status_fault(error)
        cause = error.__cause__
        if isinstance(cause, _UnreadableError):
            return AttemptError(FaultKind.MALFORMED, f"{self.url}: {cause}")
        # The aiohttp transport reports a server that hangs up as a timeout, too; its cause tells.
        under = cause.__cause__ if cause is not None else None
        if isinstance(error, openai.APITimeoutError) and isinstance(under, TimeoutError | None):
            return AttemptError(FaultKind.TIMEOUT, f"{self.url}: no answer in time")
        said = str(cause or error) or type(under or cause or error).__name__
        unreachable = isinstance(under, aiohttp.ClientConnectorError)
        kind = FaultKind.UNREACHABLE if unreachable else FaultKind.BROKEN
        return AttemptError(kind, self._line(f"{self.url}: {said}"))

    def _status_fault(self, error: openai.APIStatusError) -> AttemptError:
        status = error.status_code
        said = self._line(f"{self.url}: HTTP {status}: {_said(error)}")
        retry_after = retry_after_seconds(error.response.headers)
        if 300 <= status < 400:
            hint = "it redirects elsewhere; put the final address into base_url"
            return AttemptError(FaultKind.REDIRECTED, f"{self.url}: HTTP {status}: {hint}")
        kind = _KINDS.get(status, FaultKind.REJECTED if status < 500 else FaultKind.BROKEN)
        if status == 503 and retry_after is not None:
            kind = FaultKind.BUSY
        if status == 429 and error.code == "insufficient_quota":
            kind = FaultKind.DENIED
        return AttemptError(kind, said, retry_after=retry_after)

    def _line(self, text: str) -> str:
        line = " ".join(scrub(text, self._key).split())
        return line if len(line) <= 300 else f"{line[:299]}…"


def _said(error: openai.APIStatusError) -> str:
    """What the server said: the API's message, else the start of the body."""
    body: Any = error.body
    if isinstance(body, dict):
        message = cast("dict[str, Any]", body).get("message")
        if isinstance(message, str) and message:
            return message
    return shorten(error.response.text[:200]) if error.response.text else "no message"


def retry_after_seconds(headers: httpx2.Headers) -> float | None:
    """Seconds until the server wants to be asked again (RFC 9110, 10.2.3), None if unsaid.

    Milliseconds in `retry-after-ms`, a number of seconds or an HTTP date in `retry-after`.
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    date = email.utils.parsedate_tz(headers.get("retry-after", ""))
    if date is None:
        return None
    return max(0.0, email.utils.mktime_tz(date) - time.time())
