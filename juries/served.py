"""Which servers a study's language models are asked at, where the caller says so."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from graphs.llm.settings import EndpointSettings, Layout, LlmSettings, ServeSettings
from graphs.minds.opening import MindSettings
from juries.spec import Study
from personas.errors import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """What the caller says about servers.

    Attributes:
        serve: a model to start vLLM with for the run.
        serve_args: further arguments for vLLM.
        python: interpreter of the environment that holds vLLM.
        replicas: servers to start.
        base_urls: addresses of running servers.
        model: name of the model there; without it the study's, or the only one they serve.
        api_key_env: variable that holds their key.
        max_connections: conversations in flight at each server, at most.
        layout: of prompts, in place of the study's.
    """

    serve: str | None = None
    serve_args: tuple[str, ...] = ()
    python: Path | None = None
    replicas: int = 1
    base_urls: Sequence[str] = ()
    model: str | None = None
    api_key_env: str | None = None
    max_connections: int | None = None
    layout: Layout | None = None


def point(study: Study, servers: Servers) -> Study:
    """The study with its language models at these servers.

    A study without a language model has its mind replaced by one: the same items, jury and scale,
    judged by the model named.

    Raises:
        InputError: the servers contradict each other, or no model is named.
    """
    if servers.serve and (servers.base_urls or servers.model):
        raise InputError(
            "a server is started or named, not both", where="--serve", found=servers.serve
        )
    if servers.serve is None and not servers.base_urls:
        return study.with_minds(lambda mind: _limited(mind, servers))
    changes = _changes(servers)
    minds = [each.mind for each in study.seated_minds]
    if not any(isinstance(mind, LlmSettings) for mind in minds):
        model = changes.get("model") or _only_model(servers.base_urls[0])
        return study.model_copy(update={"mind": _made({**changes, "model": model}), "minds": ()})
    return study.with_minds(
        lambda mind: mind.model_copy(update=changes) if isinstance(mind, LlmSettings) else mind
    )


def _changes(servers: Servers) -> dict[str, Any]:
    if servers.serve is not None:
        serve = ServeSettings(
            python=servers.python, replicas=servers.replicas, args=servers.serve_args
        )
        return {"model": servers.serve, **_laid_out(servers), "serve": serve, "endpoints": ()}
    try:
        endpoints = tuple(
            EndpointSettings(
                base_url=url,
                api_key_env=servers.api_key_env,
                max_connections=servers.max_connections or 256,
            )
            for url in servers.base_urls
        )
    except ValidationError as error:
        raise InputError(
            "this is no address of a server",
            where="--base-url",
            found=", ".join(servers.base_urls),
            expected="something like http://127.0.0.1:8000/v1",
            hint=str(error.errors(include_url=False)[0]["msg"]),
        ) from None
    named = {} if servers.model is None else {"model": servers.model}
    return {**named, **_laid_out(servers), "serve": None, "endpoints": endpoints}


def _made(changes: dict[str, Any]) -> LlmSettings:
    return LlmSettings(**changes)


def _limited(mind: MindSettings, servers: Servers) -> MindSettings:
    if not isinstance(mind, LlmSettings):
        return mind
    mind = mind.model_copy(update=_laid_out(servers))
    if servers.max_connections is None:
        return mind
    endpoints = tuple(
        each.model_copy(update={"max_connections": servers.max_connections})
        for each in mind.endpoints
    )
    return mind.model_copy(update={"endpoints": endpoints})


def _laid_out(servers: Servers) -> dict[str, Any]:
    return {} if servers.layout is None else {"layout": servers.layout}


def _only_model(base_url: str) -> str:
    """The model of a server that offers just one."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{base_url.rstrip('/')}/models", timeout=10) as reply:
            names = [str(each["id"]) for each in json.load(reply)["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        names = []
    if len(names) != 1:
        raise InputError(
            "the study names no language model",
            where=base_url,
            found=", ".join(names[:5]) or None,
            hint="Say which one the jurors are by --model NAME.",
        )
    return names[0]
