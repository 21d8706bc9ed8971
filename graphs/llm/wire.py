"""What the API sends back, validated as it enters."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from graphs.llm.faults import ReplyError


class TokenLogprob(TypedDict):
    """A token and its log-probability; NaN and infinities are for the reader to judge."""

    token: str
    logprob: float | None


class Position(TokenLogprob):
    """One generated token with its alternatives."""

    top_logprobs: NotRequired[list[TokenLogprob] | None]


class Logprobs(TypedDict):
    """Log-probabilities of the generated tokens."""

    content: NotRequired[list[Position] | None]


class Message(TypedDict):
    """What was generated. `reasoning` and its likes are left unread on purpose."""

    content: NotRequired[str | None]
    refusal: NotRequired[str | None]


class ReplyChoice(TypedDict):
    """One answer to one conversation."""

    index: NotRequired[int]
    message: Message
    logprobs: NotRequired[Logprobs | None]
    finish_reason: NotRequired[str | None]


Count = Annotated[int, Field(ge=0)]


class CachedTokens(TypedDict):
    """How many prompt tokens came from the server's cache."""

    cached_tokens: NotRequired[Count | None]


class TokensUsed(TypedDict):
    """Tokens of a request."""

    prompt_tokens: NotRequired[Count | None]
    completion_tokens: NotRequired[Count | None]
    prompt_tokens_details: NotRequired[CachedTokens | None]


@with_config(extra="ignore")
class Completion(TypedDict):
    """A reply of `/chat/completions`, or of its batch form."""

    choices: list[ReplyChoice]
    usage: NotRequired[TokensUsed | None]


_completion = TypeAdapter(Completion)


def read_completion(body: bytes) -> Completion:
    """The reply in a body.

    Raises:
        ReplyError: it is no JSON, or not of the form that the API promises.
    """
    try:
        return _completion.validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        what = f"{where}: {first['msg']}" if where else first["msg"]
        raise ReplyError(f"its reply is not a chat completion ({what})") from None
    except RecursionError:
        raise ReplyError("its reply is nested too deeply") from None
