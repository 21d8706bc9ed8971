"""A figure: a chart with what must stand beside it, and the look that all charts share.

On a page, text and lines are drawn in `currentColor`, so that light, dark and paper colour them;
models have the colours of Okabe and Ito, which colour-blind readers can tell apart.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import altair as alt

PALETTE = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8c6d31", "#7f7f7f",
)  # fmt: skip
"""Okabe and Ito's colours, with brown and grey for their yellow and black."""
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
WIDTH = 720
ROW = 26
"""Height of a row of a chart whose rows are named things."""
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"

Row = dict[str, Any]
"""A row of a chart's data."""
AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart | alt.VConcatChart | alt.HConcatChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A choice that a reader has: the values of one of the chart's parameters.

    Attributes:
        param: its name in the chart.
        label: for people.
        options: value and label of each choice; the first is shown first.
    """

    param: str
    label: str
    options: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Figure:
    """A chart and what must stand beside it.

    Attributes:
        name: under which `juries plot` and `run.plot` know it.
        title: what it shows, as a phrase.
        note: how to read it, what its intervals are, what was resampled.
        label: the minds that produced it, and whether they were calibrated.
        chart: as drawn, without title.
        columns: headings of the same figures as a table.
        rows: the table, cells as text.
        controls: choices that a reader has.
    """

    name: str
    title: str
    note: str
    label: str
    chart: AnyChart
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    controls: tuple[Control, ...] = field(default_factory=tuple)

    def titled(self) -> AnyChart:
        """The chart with title, note and label on it, to stand alone."""
        lines = [*_wrapped(self.note), *_wrapped(self.label)]
        title = alt.TitleParams(
            text=self.title, subtitle=lines, anchor="start", subtitlePadding=6, offset=14
        )
        return styled(self.chart.properties(title=title), ink="#1c1c1c", paper="white")

    def spec(self) -> dict[str, Any]:
        """The Vega-Lite specification for a page, which writes title and note itself."""
        chart = self.chart.properties(description=f"{self.title}. {self.note}")
        return styled(chart, ink="currentColor", paper="transparent").to_dict()


def styled(chart: AnyChart, *, ink: str, paper: str) -> AnyChart:
    """The look of all charts, as configuration of this one, in one colour of ink on paper."""
    worded: dict[str, Any] = {
        "labelColor": ink,
        "titleColor": ink,
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    }
    return chart.configure(
        background=paper,
        font=FONT,
        padding=4,
        view={"stroke": None},
        axis=worded
        | {"labelLimit": 220, "gridColor": ink, "gridOpacity": 0.13}
        | {"domainColor": ink, "domainOpacity": 0.4, "tickColor": ink, "tickOpacity": 0.4},
        legend=worded | {"orient": "top", "labelLimit": 260, "symbolOpacity": 1},
        header=worded,
        title={"color": ink, "subtitleColor": ink, "fontSize": 15, "subtitleFontSize": 11.5},
        text={"color": ink, "fontSize": 12},
        rule={"color": ink},
        facet={"spacing": 12},
    )


HEADER = alt.Header(
    labelAngle=0,
    labelAlign="left",
    labelOrient="top",
    labelAnchor="start",
    labelFontWeight="bold",
    labelPadding=3,
)
"""Of the rows of a faceted chart."""


def values(rows: Iterable[Row]) -> alt.Data:
    """Rows as inline data."""
    return alt.Data(values=list(rows))


def tips(*fields: str, digits: int = 3) -> list[alt.Tooltip]:
    """What is shown of a mark that is pointed at; quantities (`name:Q`) with so many digits."""
    return [
        alt.Tooltip(field, format=f".{digits}f") if field.endswith(":Q") else alt.Tooltip(field)
        for field in fields
    ]


def stacked(chart: AnyChart, rows: Sequence[Row]) -> alt.VConcatChart:
    """The same layers for each attribute, one below the other on one scale.

    A facet would do, but Vega-Lite warns of layers in facets whose rows have scales of their own.
    """
    attributes = dict.fromkeys(row["attribute"] for row in rows)
    parts = [
        chart.properties(
            data=values(row for row in rows if row["attribute"] == attribute),
            title=alt.TitleParams(attribute, anchor="start", frame="group", fontSize=12, offset=4),
        )
        for attribute in attributes
    ]
    return alt.vconcat(*parts, spacing=10).resolve_scale(x="shared")


def model_colours(models: Sequence[str]) -> alt.Scale:
    """The colour of each model, the same in every chart of a run."""
    return alt.Scale(
        domain=list(models), range=[PALETTE[i % len(PALETTE)] for i in range(len(models))]
    )


def model_shapes(models: Sequence[str]) -> alt.Scale:
    """The shape of each model, so that colour is never the only sign."""
    return alt.Scale(
        domain=list(models), range=[SHAPES[i % len(SHAPES)] for i in range(len(models))]
    )


def likert(domain: list[int]) -> alt.Scale:
    """Orange at the low end, violet at the high one: told apart by colour-blind readers."""
    return alt.Scale(scheme="purpleorange", reverse=True, domain=domain)


def _wrapped(text: str, width: int = 92) -> list[str]:
    return textwrap.wrap(text, width)
