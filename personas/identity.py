"""Content-derived identities and named random streams.

- `content_hash(value)`: the same content has the same hash on every machine and in every run.
- `generator(seed, *names)`: an independent random stream for each name, so that a result never
  depends on the order in which streams are used or on how many run at once.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np


def content_hash(value: object, *, length: int = 16) -> str:
    """Hex digest of JSON-compatible content; key order does not matter, `length` hex digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)
    return digest(text.encode(), length=length)


def digest(data: bytes, *, length: int = 16) -> str:
    """BLAKE2b of bytes as `length` hex digits (an even number of at most 128)."""
    return hashlib.blake2b(data, digest_size=length // 2).hexdigest()


def generator(seed: int, *names: str | int) -> np.random.Generator:
    """A random stream named by `seed` and `names`; equal names give equal streams (PCG64)."""
    key = "\x1f".join(map(str, names)).encode()
    width = max(1, -(-seed.bit_length() // 32)) * 4
    words = seed.to_bytes(width, "little") + hashlib.blake2b(key, digest_size=16).digest()
    # One array of words: numpy takes a list of numbers apart one by one, at twice the cost.
    return np.random.default_rng(np.frombuffer(words, dtype="<u4"))


def _plain(value: Any) -> object:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} has no content hash")
