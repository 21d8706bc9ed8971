"""Less tracing of objects while a run asks: a fifth of the embedded mind's time."""

from __future__ import annotations

import gc
from collections.abc import Generator
from contextlib import contextmanager

YOUNG_OBJECTS = 20_000
"""New objects before they are traced: enough that those of a panel's answers are gone by then."""


@contextmanager
def fewer_collections() -> Generator[None]:
    """Trace seldom, and nothing that is there already: what was set up lives to the end anyway."""
    gc.freeze()
    often = gc.get_threshold()
    gc.set_threshold(YOUNG_OBJECTS, *often[1:])
    try:
        yield
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()
