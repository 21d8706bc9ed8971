"""Charts of the six measures of pluralism: every figure with its interval, and two special ones."""

from __future__ import annotations

import re
from itertools import combinations

import altair as alt

from juries.figures import Figure as Number
from juries.figures import MeasureScores
from juries.report.charts.figure import (
    PALETTE,
    ROW,
    WIDTH,
    Control,
    Figure,
    Row,
    model_colours,
    model_shapes,
    tips,
    values,
)
from juries.report.wording import figure_text, range_text, shorten

TITLES = {
    "overton": "Overton pluralism: views represented",
    "steerable": "Steerable pluralism",
    "distributional": "Distributional pluralism",
    "multi-objective": "Multi-objective benchmark",
    "trade-off steerable": "Trade-off steerable benchmark",
    "jury-pluralistic": "Jury-pluralistic benchmark",
}
"""What each measure is called on the page."""
_OBJECTIVE = "objective "
_BUDGET = re.compile(r"prompt steerability index, budget ([\d.]+)")


def slug(measure: str) -> str:
    """A measure's name as a figure's name."""
    return re.sub(r"\W+", "_", measure)


def measure(found: MeasureScores) -> Figure:
    """Every figure of a measure with its interval, one quantity at a time."""
    defined = [number for number in found.figures if number.value is not None]
    names = tuple(dict.fromkeys(number.name for number in defined))
    method = found.method[:1].upper() + found.method[1:]
    base = (
        alt.Chart(values(_row(number) for number in defined))
        .transform_filter("datum.name == quantity")
        .encode(y=alt.Y("of:N", title=None, sort=None))
    )
    scale = alt.Scale(zero=True)
    layers = alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.55, color=PALETTE[0]).encode(
            x=alt.X("low:Q", title=None, scale=scale), x2="high:Q"
        ),
        base.mark_point(filled=True, size=90, opacity=1, color=PALETTE[0]).encode(
            x=alt.X("value:Q", scale=scale), tooltip=tips("name:N", "of:N", "value:Q", "interval:N")
        ),
        base.mark_text(dy=-10, fontSize=11).encode(x=alt.X("value:Q", scale=scale), text="said:N"),
    )
    return Figure(
        name=slug(found.measure),
        title=f"{TITLES[found.measure]}, in figures",
        note=f"{method}. Bars: intervals, {_resampled(defined)}.",
        label=found.produced_by,
        chart=layers.add_params(alt.param(name="quantity", value=names[0])).properties(
            width=WIDTH - 80, height=alt.Step(ROW + 4)
        ),
        columns=("quantity", "of", "value", "interval", "units", "remark"),
        rows=tuple(_cells(number) for number in found.figures),
        controls=(
            Control(param="quantity", label="Quantity", options=tuple((n, n) for n in names)),
        ),
    )


def objectives(found: MeasureScores) -> list[str]:
    """Names of the objectives on which a measure holds models' figures."""
    held = [number.name for number in found.figures if number.name.startswith(_OBJECTIVE)]
    return list(dict.fromkeys(name.removeprefix(_OBJECTIVE) for name in held))


def pareto(found: MeasureScores) -> Figure:
    """Models on two objectives at a time; a ring marks those likely to be on the front."""
    axes = objectives(found)
    pairs = list(combinations(axes, 2))
    by = {(n.name.removeprefix(_OBJECTIVE), n.of): n for n in found.figures}
    models = list(dict.fromkeys(n.of for n in found.figures if n.name.startswith(_OBJECTIVE)))
    front = {n.of: n.value or 0.0 for n in found.figures if n.name == "probability of the front"}
    rows: list[Row] = [
        {
            "pair": f"{a} against {b}",
            "model": model,
            **_ends("x", by[a, model]),
            **_ends("y", by[b, model]),
            "front": front.get(model),
        }
        for a, b in pairs
        for model in models
        if (a, model) in by and (b, model) in by
    ]
    base = alt.Chart(values(rows)).transform_filter("datum.pair == objectives")
    colour = alt.Color("model:N", title=None, scale=model_colours(models))
    across, up = alt.X("x:Q", title="first objective"), alt.Y("y:Q", title="second objective")
    scale = alt.Scale(zero=False)
    layers = alt.layer(
        base.mark_rule(opacity=0.5, strokeWidth=2).encode(
            x=alt.X("xlow:Q", scale=scale, title="first objective"),
            x2="xhigh:Q",
            y=up,
            color=colour,
        ),
        base.mark_rule(opacity=0.5, strokeWidth=2).encode(
            y=alt.Y("ylow:Q", scale=scale, title="second objective"),
            y2="yhigh:Q",
            x=across,
            color=colour,
        ),
        base.transform_filter("datum.front >= 0.5")
        .mark_point(size=330, strokeWidth=1.5, opacity=0.8, color=PALETTE[7])
        .encode(x=across, y=up),
        base.mark_point(filled=True, size=110, opacity=1).encode(
            x=across,
            y=up,
            color=colour,
            shape=alt.Shape("model:N", title=None, scale=model_shapes(models)),
            tooltip=tips("model:N", "x:Q", "y:Q", "front:Q"),
        ),
    )
    options = tuple((f"{a} against {b}", f"{a} (across) against {b} (up)") for a, b in pairs)
    return Figure(
        name="pareto",
        title="Objectives against each other",
        note="Mean utility on two objectives, up and to the right is better. Crosses: intervals, "
        f"{_resampled(found.figures)}. Ringed: on the Pareto front of all objectives in at least "
        "half of the resamples.",
        label=found.produced_by,
        chart=layers.add_params(alt.param(name="objectives", value=options[0][0])).properties(
            width=420, height=320
        ),
        columns=("objectives", "model", "across", "up", "on the front"),
        rows=tuple(
            (
                r["pair"],
                r["model"],
                f"{figure_text(r['x'])} ({range_text(r['xlow'], r['xhigh'])})",
                f"{figure_text(r['y'])} ({range_text(r['ylow'], r['yhigh'])})",
                "n/a" if r["front"] is None else f"{r['front']:.0%}",
            )
            for r in rows
        ),
        controls=(Control(param="objectives", label="Objectives", options=options),),
    )


def budgets(found: MeasureScores) -> list[tuple[float, Number]]:
    """Steerability indices with the budget of steering statements behind each."""
    matched = ((_BUDGET.fullmatch(number.name), number) for number in found.figures)
    return [(float(match[1]), number) for match, number in matched if match]


def steerability(found: MeasureScores) -> Figure:
    """How far steering moves answers, against how many statements steer."""
    rows: list[Row] = [{"budget": budget, **_row(number)} for budget, number in budgets(found)]
    base = alt.Chart(values(rows)).encode(
        x=alt.X("budget:Q", title="steering statements", axis=alt.Axis(tickMinStep=1)),
        color=alt.Color("of:N", title=None, scale=alt.Scale(range=list(PALETTE))),
    )
    layers = alt.layer(
        base.mark_area(opacity=0.15).encode(y=alt.Y("low:Q", title="steerability"), y2="high:Q"),
        base.mark_line(strokeWidth=2.2, point=True).encode(
            y="value:Q", tooltip=tips("of:N", "budget:Q", "value:Q", "interval:N")
        ),
    )
    return Figure(
        name="steerability",
        title="Steerability against the budget of statements",
        note="Share of the way from the unsteered to the ideal profile (arXiv 2411.12405). Bands: "
        f"intervals, {_resampled(found.figures)}.",
        label=found.produced_by,
        chart=layers.properties(width=WIDTH - 80, height=260),
        columns=("statements", "direction", "index", "interval"),
        rows=tuple(
            (f"{r['budget']:g}", r["of"], figure_text(r["value"]), r["interval"]) for r in rows
        ),
    )


def _row(number: Number) -> Row:
    low, high = _interval(number)
    return {
        "name": number.name,
        "of": shorten(number.of, 48),
        "value": number.value,
        "low": low,
        "high": high,
        "said": figure_text(number.value),
        "interval": "none" if low is None else range_text(low, high),
    }


def _cells(number: Number) -> tuple[str, ...]:
    low, high = _interval(number)
    return (
        number.name,
        number.of,
        "undefined" if number.value is None else figure_text(number.value),
        "none" if low is None else range_text(low, high),
        "" if number.n is None else f"{number.n:,}",
        number.reason,
    )


def _ends(axis: str, number: Number) -> Row:
    low, high = _interval(number)
    return {axis: number.value, f"{axis}low": low, f"{axis}high": high}


def _interval(number: Number) -> tuple[float | None, float | None]:
    bounds = number.interval
    return (None, None) if bounds is None else (bounds.low, bounds.high)


def _resampled(numbers: list[Number] | tuple[Number, ...]) -> str:
    units = dict.fromkeys(n.interval.resampled for n in numbers if n.interval is not None)
    levels = {n.interval.level for n in numbers if n.interval is not None}
    if not units:
        return "none were taken"
    said = ", or ".join(units)
    return f"{'/'.join(f'{level:.0%}' for level in sorted(levels))}, {said} resampled"
