"""What a page is made of: sections that hold prose, tables and figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from juries.report.charts.figure import Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table as it is shown.

    Attributes:
        title: its caption.
        columns: headings.
        rows: cells as text; the first of a row names it.
        note: how to read it; stands below.
        links: for each row, an item that it links to, or an empty text.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    links: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """Which macro of the template shows it."""
        return "table"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prose:
    """Paragraphs; `style` is a class of the style sheet."""

    paragraphs: tuple[str, ...]
    title: str = ""
    style: str = ""

    @property
    def kind(self) -> str:
        """Which macro of the template shows it."""
        return "prose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """A figure's place: the script draws the chart there."""

    figure: Figure

    @property
    def kind(self) -> str:
        """Which macro of the template shows it."""
        return "drawing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names and values, such as versions."""

    title: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def kind(self) -> str:
        """Which macro of the template shows it."""
        return "facts"


Block = Table | Prose | Drawing | Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page with a heading; one without blocks is not shown.

    Attributes:
        id: of the heading's place, and of the view in the address.
        title: the heading.
        lead: what the section says, in a sentence.
        blocks: in reading order.
    """

    id: str
    title: str
    lead: str = ""
    blocks: Sequence[Block] = field(default_factory=tuple[Block, ...])
