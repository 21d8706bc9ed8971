"""Vectors of what jurors said, from a server or a local model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from juries.measures.positions import Embed
from juries.spec_measures import EmbeddingSpec
from personas.errors import InputError, JuriesError

_BATCH = 256


def open_embedding(spec: EmbeddingSpec) -> Embed:
    """From texts to vectors.

    Raises:
        InputError: sentence-transformers is asked for and not installed, or a key is not set.
    """
    return _local(spec) if spec.base_url is None else _served(spec, spec.base_url)


def _local(spec: EmbeddingSpec) -> Embed:
    try:
        library: Any = import_module("sentence_transformers")
    except ImportError:
        raise InputError(
            "a local embedding model needs sentence-transformers, which is not installed",
            where="scores.overton.embedding",
            hint="Install the extra: pip install 'juries[embeddings]'; or give `base_url` of a "
            "server that has /embeddings.",
        ) from None
    encode: Embed = library.SentenceTransformer(spec.model).encode
    return encode


def _served(spec: EmbeddingSpec, base_url: str) -> Embed:
    import openai

    key = "none" if spec.api_key_env is None else os.environ.get(spec.api_key_env)
    if key is None:
        raise InputError(
            f"the environment variable {spec.api_key_env} is not set",
            where="scores.overton.embedding",
        )

    def embed(texts: Sequence[str]) -> ArrayLike:
        vectors: list[list[float]] = []
        try:
            with openai.OpenAI(base_url=base_url, api_key=key) as client:
                for start in range(0, len(texts), _BATCH):
                    part = list(texts[start : start + _BATCH])
                    reply = client.embeddings.create(model=spec.model, input=part)
                    ordered = sorted(reply.data, key=lambda each: each.index)
                    vectors.extend(each.embedding for each in ordered)
        except openai.OpenAIError as error:
            raise JuriesError(f"{base_url}: no embeddings ({error})") from None
        return np.array(vectors)

    return embed
