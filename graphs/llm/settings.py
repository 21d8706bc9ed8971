"""What a study says of a language-model mind. Imports pydantic only."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from graphs.llm.prompts import load_prompts

Layout = Literal["item-first", "persona-first"]
Method = Literal["probabilities", "structured", "sampled"]
ReasonAt = Literal["none", "before", "after", "separate"]

_SECRET = re.compile(r"(api[-_]?key|token|secret|password)$", re.IGNORECASE)

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Share = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class EndpointSettings(_Settings):
    """One server. Its key is named by variable or file and never held here.

    Attributes:
        base_url: the address under which `/chat/completions` lies, such as
            `http://127.0.0.1:8000/v1`.
        api_key_env: environment variable that holds the key.
        api_key_file: file that holds the key.
        max_connections: conversations in flight at most; the limit adapts below it.
        weight: share of the items that this server takes, relative to the mind's others.
    """

    base_url: str = Field(pattern=r"^https?://[^\s/]+")
    api_key_env: str | None = Field(default=None, min_length=1)
    api_key_file: Path | None = None
    max_connections: int = Field(default=256, ge=1, le=100_000)
    weight: Share = 1.0

    @field_validator("base_url")
    @classmethod
    def _no_secrets(cls, url: str) -> str:
        authority = url.split("://", 1)[1].split("/", 1)[0]
        if "@" in authority or "?" in url:
            raise ValueError(
                "an address may hold no user, password or query; name a key by api_key_env"
            )
        return url.rstrip("/")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if self.api_key_env and self.api_key_file:
            raise ValueError("give api_key_env or api_key_file, not both")
        return self


class Limits(_Settings):
    """How long and how often a request is tried.

    Attributes:
        connect_s: to reach the server.
        read_s: between two pieces of its reply.
        call_s: for one question in all, waits and retries included.
        attempts: tries after faults, the first included; a server that says it is busy (429, or
            503 with `retry-after`) is asked again until `call_s` has passed.
        patience_s: how long to wait for a dead server before its mind is given up.
        max_reply_bytes: longest reply that is read.
    """

    connect_s: Seconds = 10.0
    read_s: Seconds = 300.0
    call_s: Seconds = 900.0
    attempts: int = Field(default=5, ge=1, le=100)
    patience_s: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    max_reply_bytes: int = Field(default=32_000_000, ge=1_000)


class TokenPrice(_Settings):
    """What an API charges per million tokens, in the currency named."""

    input_per_million: Money
    output_per_million: Money
    cached_input_per_million: Money | None = None
    currency: str = Field(default="USD", min_length=1)


class GpuPrice(_Settings):
    """What a machine costs: cost is time from first to last call x GPUs x price.

    Attributes:
        prefill_tokens_per_s: prompt tokens computed per second and GPU, for the dry run.
        decode_tokens_per_s: tokens generated per second and GPU, for the dry run.
    """

    per_gpu_hour: Money
    gpus: int = Field(default=1, ge=1)
    prefill_tokens_per_s: Share | None = None
    decode_tokens_per_s: Share | None = None
    currency: str = Field(default="USD", min_length=1)


class CapabilityOverrides(_Settings):
    """What the server can do, where the probe should not be believed.

    The fields are those of `graphs.llm.capabilities.Capabilities`.
    """

    logprob_token_ids: int | None = Field(default=None, ge=0)
    top_logprobs: int | None = Field(default=None, ge=0, le=100)
    json_schema: bool | None = None
    several: bool | None = None
    batch: bool | None = None
    tokenize: bool | None = None
    template_switches: bool | None = None
    token_limit: Literal["max_tokens", "max_completion_tokens"] | None = None


class ServeSettings(_Settings):
    """A vLLM server that the run starts and stops.

    Attributes:
        python: interpreter of the environment that holds vLLM; by default this one.
        replicas: servers to start, one GPU each; items keep to one of them.
        port: of the first replica; 0 takes free ports.
        args: further arguments for vLLM, as on its command line.
        env: environment variables for the server.
        ready_s: how long to wait until it is healthy; loading a large model takes minutes.
    """

    python: Path | None = None
    replicas: int = Field(default=1, ge=1, le=64)
    port: int = Field(default=0, ge=0, le=65535)
    args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict[str, str])
    ready_s: Seconds = 1800.0

    @model_validator(mode="after")
    def _no_secrets(self) -> Self:
        named = [*self.env, *(arg.split("=", 1)[0] for arg in self.args if arg.startswith("--"))]
        for name in named:
            if _SECRET.search(name):
                raise ValueError(
                    f"{name} looks like a secret, and studies are stored; set it in the "
                    "environment, which the server inherits"
                )
        return self


class LlmSettings(_Settings):
    """A language model that answers for jurors.

    Attributes:
        model: name under which the servers offer it.
        endpoints: the servers; several hold replicas of the same model.
        serve: start vLLM for the run instead.
        elicitation: how a rating is asked for; `auto` takes the best that the server can do.
        layout: `item-first` shares the item among a panel in the server's prefix cache;
            `persona-first` puts the persona in the system message.
        reason: ask why: `before` or `after` the rating in a structured reply, or `separate`ly in
            a second, short call.
        joint_criteria: ask all criteria of a rubric in one structured reply.
        point: the rating of a row is `draw`n from the distribution, or its `mode`.
        min_label_mass: probability on the labels below which a row is `low_mass`.
        draws: samples per question, `sampled` only.
        temperature: of samples and of structured replies; 0 takes the likeliest.
        thinking: `off`, `default` (as the model does) or a budget in tokens.
        option_order: `balanced` over the panel and drawn from the seed, or `as-written`.
        panel_batch: conversations per request where the server takes several; 0 asks singly.
        max_item_chars: longest quoted text; `too_long` says what happens beyond it.
        reason_tokens: longest reason.
        prompts: folder with files that replace the shipped ones of the same name.
        special_tokens: further strings of the model's chat template to neutralise in items.
        extra_body: sent with every request as it stands.
        capabilities: overrides of what the probe finds.
    """

    kind: Literal["llm"] = "llm"
    model: str = Field(min_length=1)
    endpoints: tuple[EndpointSettings, ...] = ()
    serve: ServeSettings | None = None
    elicitation: Method | Literal["auto"] = "auto"
    layout: Layout = "item-first"
    reason: ReasonAt = "none"
    joint_criteria: bool = True
    point: Literal["draw", "mode"] = "draw"
    min_label_mass: float = Field(default=0.5, ge=0, le=1)
    draws: int = Field(default=5, ge=1, le=128)
    temperature: float = Field(default=1.0, ge=0, le=5, allow_inf_nan=False)
    thinking: Literal["off", "default"] | Annotated[int, Field(ge=1, le=100_000)] = "off"
    option_order: Literal["balanced", "as-written"] = "balanced"
    panel_batch: int = Field(default=32, ge=0, le=1000)
    max_item_chars: int = Field(default=60_000, ge=100)
    too_long: Literal["refuse", "truncate"] = "refuse"
    reason_tokens: int = Field(default=120, ge=8, le=4000)
    prompts: Path | None = None
    special_tokens: tuple[str, ...] = ()
    extra_body: dict[str, Any] = Field(default_factory=dict[str, Any])
    limits: Limits = Limits()
    price: TokenPrice | None = None
    gpu: GpuPrice | None = None
    capabilities: CapabilityOverrides = CapabilityOverrides()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.endpoints and self.serve:
            raise ValueError("give endpoints or serve, not both")
        if self.price and self.gpu:
            raise ValueError("give price or gpu, not both")
        if self.elicitation == "probabilities" and self.reason in ("before", "after"):
            raise ValueError(
                f"reason: {self.reason} needs elicitation: structured; "
                "with probabilities ask for the reason separately"
            )
        if self.elicitation == "probabilities" and self.thinking != "off":
            raise ValueError("probabilities are read from the first token: thinking must be off")
        if self.elicitation == "sampled" and self.reason in ("before", "after"):
            raise ValueError("samples are short; ask for the reason separately")
        return self

    def located(self, base: Path) -> LlmSettings:
        """The same settings with absolute paths."""

        def absolute(path: Path | None) -> Path | None:
            return None if path is None else base / path.expanduser()

        endpoints = tuple(
            each.model_copy(update={"api_key_file": absolute(each.api_key_file)})
            for each in self.endpoints
        )
        serve = self.serve
        if serve is not None and serve.python is not None and len(serve.python.parts) > 1:
            serve = serve.model_copy(update={"python": absolute(serve.python)})
        return self.model_copy(
            update={"endpoints": endpoints, "serve": serve, "prompts": absolute(self.prompts)}
        )

    def identity(self) -> dict[str, Any]:
        """What can change an answer, for the study's fingerprint.

        Addresses, keys, limits, prices and how requests travel are not in it, so a run resumes on
        another machine or port.
        """
        travels = {
            "endpoints",
            "serve",
            "limits",
            "price",
            "gpu",
            "panel_batch",
            "capabilities",
            "prompts",
        }
        prompts = load_prompts(self.prompts).version
        return {**self.model_dump(mode="json", exclude=travels), "prompts": prompts}
