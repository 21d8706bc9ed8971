"""Who follows whom, drawn on the network on which the jury talked."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot

import altair as alt

from juries.deliberation.results import DeliberationReport, Tie
from juries.report.charts.figure import PALETTE, Control, Figure, Row, tips, values
from juries.report.wording import figure_text, range_text

_SIZE = 460
_DENSE = 0.4
"""Share of all possible lines beyond which jurors stand on a circle: no layout is clearer."""
_NAMED = 30
"""Jurors up to which their seats are written beside them."""
_ASIDE = 0.014
"""How far a line runs beside the straight way, so that both directions can be seen."""
_SHOWN = (
    ("all", "all lines"),
    ("beyond chance", "lines whose interval leaves out zero"),
)
_SCALE = alt.Scale(domain=[-1.1, 1.1], nice=False)
TOWARDS, AWAY, NEITHER = "towards the speaker", "away from the speaker", "not beyond chance"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a juror stands in the picture, and the number of the seat."""

    x: float
    y: float
    seat: int


def influence(found: DeliberationReport) -> Figure:
    """The network, each line as wide as the pull of its speaker on its hearer."""
    places = _layout(found)
    lines = [_line(tie, places) for tie in found.ties]
    pulls = {speaker.juror: speaker for speaker in found.speakers}
    jurors: list[Row] = [
        {
            "juror": juror,
            "seat": place.seat,
            "x": place.x,
            "y": place.y,
            "pull": pulls[juror].pull,
            "heard by": pulls[juror].hearers,
        }
        for juror, place in places.items()
    ]
    clear = sum(line["shown"] == "beyond chance" for line in lines)
    ranked = sorted(found.ties, key=lambda tie: -(tie.pull if tie.pull is not None else -9.0))
    return Figure(
        name="influence",
        title="Whom each juror follows, on the network",
        note="A line leads from a speaker to who hears them (the triangle points at the hearer); "
        "it is as wide as the share of the gap between them that the hearer closes in a round. "
        f"The interval of {clear:,} of {len(lines):,} lines leaves out zero; by chance alone "
        "about one in twenty would. Circles are jurors by number of seat, larger for a larger "
        "mean pull on those who hear them. Items were resampled.",
        label=found.produced_by,
        chart=alt.layer(*_lines(lines), *_jurors(jurors))
        .add_params(alt.param(name="show", value=_SHOWN[0][0]))
        .properties(width=_SIZE, height=_SIZE),
        columns=("hearer", "seat", "speaker", "seat of the speaker", "pull", "interval"),
        rows=tuple(
            (
                tie.hearer,
                str(places[tie.hearer].seat),
                tie.speaker,
                str(places[tie.speaker].seat),
                figure_text(tie.pull),
                range_text(tie.low, tie.high),
            )
            for tie in ranked
        ),
        controls=(Control(param="show", label="Show", options=_SHOWN),),
    )


def _lines(rows: list[Row]) -> tuple[alt.Chart, alt.Chart]:
    base = (
        alt.Chart(values(rows))
        .transform_filter("show == 'all' || datum.shown == show")
        .encode(
            color=alt.Color(
                "way:N",
                title=None,
                legend=alt.Legend(direction="vertical"),
                scale=alt.Scale(
                    domain=[TOWARDS, AWAY, NEITHER], range=[PALETTE[0], PALETTE[5], "#b0b0b0"]
                ),
            ),
            tooltip=tips("hearer:N", "speaker:N", "pull:Q", "low:Q", "high:Q"),
        )
    )
    width = alt.StrokeWidth(
        "size:Q", legend=None, scale=alt.Scale(domain=[0, 0.6], range=[0.7, 7], clamp=True)
    )
    rules = base.mark_rule(opacity=0.65).encode(
        x=_x("x"), y=_y("y"), x2="x2:Q", y2="y2:Q", strokeWidth=width
    )
    heads = base.mark_point(shape="triangle", filled=True, size=70, opacity=0.95).encode(
        x=_x("tip_x"), y=_y("tip_y"), angle=alt.Angle("angle:Q", scale=None)
    )
    return rules, heads


def _jurors(rows: list[Row]) -> tuple[alt.Chart, ...]:
    base = alt.Chart(values(rows)).encode(x=_x("x"), y=_y("y"))
    dots = base.mark_circle(opacity=1, color=PALETTE[1], stroke="black", strokeWidth=0.6).encode(
        size=alt.Size(
            "pull:Q", legend=None, scale=alt.Scale(domain=[0, 0.4], range=[110, 520], clamp=True)
        ),
        tooltip=tips("juror:N", "seat:O", "pull:Q", "heard by:O"),
    )
    if len(rows) > _NAMED:
        return (dots,)
    return dots, base.mark_text(fontSize=10, color="black").encode(text="seat:O")


def _x(name: str) -> alt.X:
    return alt.X(f"{name}:Q", axis=None, scale=_SCALE)


def _y(name: str) -> alt.Y:
    return alt.Y(f"{name}:Q", axis=None, scale=_SCALE)


def _line(tie: Tie, places: dict[str, _Place]) -> Row:
    """A line from speaker to hearer, moved aside so that the way back does not cover it."""
    start, end = places[tie.speaker], places[tie.hearer]
    along_x, along_y = end.x - start.x, end.y - start.y
    length = max(hypot(along_x, along_y), 1e-9)
    aside_x, aside_y = -along_y / length * _ASIDE, along_x / length * _ASIDE
    pull = tie.pull
    clear = tie.low is not None and tie.high is not None and (tie.low > 0 or tie.high < 0)
    way = NEITHER if pull is None or not clear else TOWARDS if pull > 0 else AWAY
    return {
        "hearer": tie.hearer,
        "speaker": tie.speaker,
        "pull": pull,
        "low": tie.low,
        "high": tie.high,
        "size": abs(pull or 0.0),
        "way": way,
        "shown": "beyond chance" if clear else "all",
        "x": start.x + aside_x,
        "y": start.y + aside_y,
        "x2": end.x + aside_x,
        "y2": end.y + aside_y,
        "tip_x": start.x + 0.72 * along_x + aside_x,
        "tip_y": start.y + 0.72 * along_y + aside_y,
        "angle": 90 - degrees(atan2(along_y, along_x)),
    }


def _layout(found: DeliberationReport) -> dict[str, _Place]:
    """Places in -1..1: on a circle where nearly everybody hears everybody, else by springs."""
    import networkx as nx

    names = [speaker.juror for speaker in found.speakers]
    network: nx.Graph[str] = nx.Graph()
    network.add_nodes_from(names)
    network.add_edges_from((tie.hearer, tie.speaker) for tie in found.ties)
    dense = len(network.edges) > _DENSE * len(names) * (len(names) - 1) / 2
    places = nx.circular_layout(network) if dense else nx.spring_layout(network, seed=1)
    return {
        name: _Place(x=round(float(places[name][0]), 4), y=round(float(places[name][1]), 4), seat=n)
        for n, name in enumerate(names, 1)
    }
