"""Vega, Vega-Lite and Vega-Embed as one script, from vl-convert; kept in the user's cache."""

from __future__ import annotations

import contextlib
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path

from personas.files import replacing


@cache
def vega_bundle() -> str:
    """The script that defines `vegaEmbed`; made in some seconds once per version of vl-convert."""
    kept = _cache_folder() / f"vega-{version('vl-convert-python')}.js"
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if text := kept.read_text("utf-8"):
            return text
    import vl_convert

    made = str(vl_convert.javascript_bundle())  # pyright: ignore (its stub lacks the default)
    text = made.replace("\r", "").replace("</script", "<\\/script")
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time, nothing else
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as file:
            file.write(text)
    return text


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "juries"
