"""Named random streams are what numpy draws from the seed and the hash of the names."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from personas.identity import generator


def reference(seed: int, *names: str | int) -> np.random.Generator:
    """The definition, number by number."""
    key = "\x1f".join(str(name) for name in names).encode()
    words = np.frombuffer(hashlib.blake2b(key, digest_size=16).digest(), dtype="<u4")
    return np.random.default_rng([seed, *words.tolist()])


@given(
    seed=st.integers(0, 2**80),
    names=st.lists(st.one_of(st.integers(), st.text(max_size=8)), max_size=4),
)
def test_a_stream_is_its_definition(seed, names) -> None:
    assert generator(seed, *names).random(3).tolist() == reference(seed, *names).random(3).tolist()


def test_streams_differ_by_name_and_seed() -> None:
    drawn = [generator(seed, *n).random() for seed in (0, 1) for n in (("a", 1), ("a", 2), ("a1",))]
    assert len(set(drawn)) == 6


def test_a_negative_seed_is_refused() -> None:
    with pytest.raises(OverflowError):
        generator(-1, "a")
