"""What a server can do for a jury: found by trying (`probing`), and recorded with the run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from graphs.llm.settings import LlmSettings, Method
from personas.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a server offers.

    Attributes:
        server: `vllm` or `other`.
        version: of vLLM, empty elsewhere.
        root: where vLLM loaded the model from, empty elsewhere.
        context: longest prompt with answer in tokens, None where unsaid.
        logprob_token_ids: chosen tokens whose log-probabilities it reports at once, 0 for none.
        top_logprobs: most likely tokens whose log-probabilities it reports, 0 for none.
        json_schema: replies keep to a schema.
        several: `n` samples from one request.
        batch: several conversations in one request.
        tokenize: it tells a text's tokens.
        template_switches: `chat_template_kwargs` are taken, so that thinking can be turned off.
        token_limit: the field that bounds a reply.
    """

    server: Literal["vllm", "other"] = "other"
    version: str = ""
    root: str = ""
    context: int | None = None
    logprob_token_ids: int = 0
    top_logprobs: int = 0
    json_schema: bool = False
    several: bool = False
    batch: bool = False
    tokenize: bool = False
    template_switches: bool = False
    token_limit: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"  # noqa: S105 (a field)

    def record(self) -> dict[str, Any]:
        """As the run record holds it."""
        return asdict(self)

    def best_method(self, settings: LlmSettings) -> Method:
        """The method asked for, or with `auto` the best that the server and the reasons allow.

        Raises:
            InputError: the server cannot do what was asked for.
        """
        exact = self.logprob_token_ids > 0 or self.top_logprobs > 0
        if settings.elicitation == "auto":
            in_reply = settings.reason in ("before", "after")
            if exact and not in_reply and settings.thinking == "off":
                return "probabilities"
            return "structured" if self.json_schema or in_reply else "sampled"
        if settings.elicitation == "probabilities" and not exact:
            raise InputError(
                "this server reports no log-probabilities",
                where="mind.elicitation",
                found="probabilities",
                expected="structured, sampled or auto",
            )
        return settings.elicitation
