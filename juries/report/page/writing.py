"""Writing the page: everything packed into one file, or beyond a size into a file and a folder."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from juries.report.details import chunks
from juries.report.findings import Findings
from juries.report.headline import headline
from juries.report.page.bundle import vega_bundle
from juries.report.page.head import head
from juries.report.page.sections import sections
from juries.report.plots import figure_makers
from juries.report.source import Source
from personas.errors import InputError
from personas.files import replacing

LARGEST_PAGE = 50_000_000
"""Bytes of packed items beyond which they are written to a folder beside the page."""

_FILES = resources.files("juries.report.page")


def write_page(
    source: Source, output: Path, *, other: Source | None = None, largest: int = LARGEST_PAGE
) -> Path:
    """Write a run's report.

    Args:
        source: the run.
        output: the HTML file. Where the items take more than `largest` bytes they are written to
            a folder beside it, named after it, and read from there one chunk at a time.
        other: a run to compare with.
        largest: bytes of items that one page may hold.

    Raises:
        InputError: the file cannot be written.
        JuriesError: the libraries that draw are not installed.
    """
    findings = Findings(source, other)
    made = figure_makers(findings)
    parts = sections(findings, made)
    folder = output.with_name(f"{output.stem}-items")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        packed, places = _pack_items(source, folder, largest)
        content = head(findings, parts, places, folder="" if packed else folder.name)
        page = _render(source, parts, head=pack(content), chunks=packed)
        with replacing(output) as file:
            file.writelines(page)
    except OSError as error:
        raise InputError(f"the report cannot be written ({error.strerror})", where=output) from None
    return output


def pack(content: Any) -> str:
    """JSON, compressed, as text that no parser of pages can mistake for markup."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    packed = gzip.compress(text.encode("utf-8", "surrogatepass"), compresslevel=6, mtime=0)
    return base64.b64encode(packed).decode("ascii")


def _pack_items(
    source: Source, folder: Path, largest: int
) -> tuple[list[str], list[tuple[int, int]]]:
    """Packed chunks for the page (none where they went to the folder), and each item's place."""
    held: list[str] = []
    size = 0
    places: list[tuple[int, int]] = []
    shutil.rmtree(folder, ignore_errors=True)
    for number, details in enumerate(chunks(source)):
        places.extend((number, place) for place in range(len(details)))
        held.append(pack(details))
        size += len(held[-1])
        if size > largest:
            _spill(folder, number + 1 - len(held), held)
            held = []
    if held and folder.exists():
        _spill(folder, places[-1][0] + 1 - len(held), held)
        held = []
    return held, places


def _spill(folder: Path, first: int, packed: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(packed, start=first):
        (folder / f"{number}.js").write_text(f'juriesChunk({number},"{text}");\n', encoding="ascii")


def _render(source: Source, parts: Any, *, head: str, chunks: list[str]) -> Iterator[str]:
    """The page, piece by piece."""
    scores, record = source.scores, source.record
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string((_FILES / "report.html.j2").read_text("utf-8"))
    library, script = vega_bundle(), (_FILES / "report.js").read_text("utf-8")
    functions = list(dict.fromkeys((score.function, score.label) for score in scores.welfare))
    return template.generate(
        title=record.study,
        inputs=scores.inputs,
        policy=policy(library, script, inline=bool(chunks)),
        style=Markup((_FILES / "report.css").read_text("utf-8")),  # noqa: S704 (our own file)
        library=Markup(library),  # noqa: S704 (Vega's code; its hash is in the policy)
        script=Markup(script),  # noqa: S704 (our own file)
        head=head,
        chunks=chunks,
        sections=parts,
        functions=functions,
        headlines={name: headline(scores, name) for name, _ in functions},
        label=source.label,
        reading=_reading(source),
        facts_line=f"{len(source.items):,} items · {len(source.models)} models · "
        f"{len(source.jurors)} jurors · {record.recorded:,} answers",
        complete=record.complete,
        progress=f"Not complete: {record.recorded:,} of {record.questions:,} answers recorded.",
        version=version("juries"),
    )


def policy(library: str, script: str, *, inline: bool) -> str:
    """The page's Content-Security-Policy: its own two scripts, and no connection anywhere.

    Items in a folder are scripts that hold one packed text each; they may come from where the page
    comes from.
    """
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in (library, script)
    )
    beside = "" if inline else " 'self' file:"
    return (
        f"default-src 'none'; script-src {hashes}{beside}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _reading(source: Source) -> str:
    kinds = {mind.kind for mind in source.record.minds}
    said = {
        "simulator": "Its figures are properties of the simulator, not evidence about people.",
        "language model": "Its figures are properties of the model, not evidence about people.",
        "human": "Its figures describe the people who answered.",
    }
    return " ".join(text for kind, text in said.items() if kind in kinds)
