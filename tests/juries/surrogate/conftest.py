"""Torch, or a skip that says why."""

from __future__ import annotations

import importlib.util
import os

import pytest


@pytest.fixture(scope="session", autouse=True)
def _torch() -> None:
    """JURIES_REQUIRE_TORCH=1 makes the absence of torch a failure."""
    if importlib.util.find_spec("torch") is not None:
        return
    said = "the extra `torch` is not installed"
    if os.environ.get("JURIES_REQUIRE_TORCH") == "1":
        pytest.fail(said)
    pytest.skip(said)
