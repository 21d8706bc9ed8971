"""Charts of welfare: models ranked under each function, and along the power means."""

from __future__ import annotations

import altair as alt

from juries.report.charts.figure import (
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
from juries.report.curve import WelfareCurve
from juries.report.wording import figure_text, range_text
from juries.scores import Scores


def ranking(scores: Scores) -> Figure:
    """Every model's score with its interval, best first, under a function of choice."""
    models = [
        score.model for score in scores.welfare if score.function == scores.welfare[0].function
    ]
    rows: list[Row] = [
        {
            "function": score.function,
            "model": score.model,
            "score": score.estimate,
            "low": score.interval.low,
            "high": score.interval.high,
            "rank": score.rank,
            "said": figure_text(score.estimate),
        }
        for score in scores.welfare
    ]
    labels = dict.fromkeys((score.function, score.label) for score in scores.welfare)
    chosen = alt.param(name="welfare", value=scores.welfare[0].function)
    order = alt.EncodingSortField(field="rank", op="min", order="ascending")
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.function == welfare")
        .encode(y=alt.Y("model:N", sort=order, title=None))
    )
    scale = alt.Scale(domain=[0, 1])
    colour = alt.Color("model:N", scale=model_colours(models), legend=None)
    interval = base.mark_rule(strokeWidth=3, opacity=0.55).encode(
        x=alt.X("low:Q", scale=scale, title="score (0 worst, 1 best)", axis=alt.Axis(tickCount=6)),
        x2="high:Q",
        color=colour,
    )
    point = base.mark_point(filled=True, size=110, opacity=1).encode(
        x=alt.X("score:Q", scale=scale),
        color=colour,
        shape=alt.Shape("model:N", scale=model_shapes(models), legend=None),
        tooltip=tips("model:N", "score:Q", "low:Q", "high:Q", "rank:O"),
    )
    text = base.mark_text(dy=-11, fontSize=11).encode(
        x=alt.X("score:Q", scale=scale), text="said:N"
    )
    some = scores.welfare[0].interval
    return Figure(
        name="ranking",
        title="Models ranked by jury-pluralistic score",
        note=f"Mean over items of the welfare of the jury's utilities. Bars: {some.level:.0%} "
        f"interval, {some.resampled} resampled.",
        label=scores.produced_by,
        chart=alt.layer(interval, point, text)
        .add_params(chosen)
        .properties(width=WIDTH, height=alt.Step(ROW + 8)),
        columns=("welfare function", "rank", "model", "score", "interval", "first in resamples"),
        rows=tuple(
            (
                score.label,
                str(score.rank),
                score.model,
                figure_text(score.estimate),
                range_text(score.interval.low, score.interval.high),
                f"{score.first:.0%}",
            )
            for score in sorted(
                scores.welfare, key=lambda s: ([f for f, _ in labels].index(s.function), s.rank)
            )
        ),
        controls=(Control(param="welfare", label="Welfare function", options=tuple(labels)),),
    )


def welfare_curve(scores: Scores, curve: WelfareCurve) -> Figure:
    """Scores along the power means W_a: the further left, the more the worst-off count."""
    rows: list[Row] = [
        {
            "a": power,
            "model": model,
            "score": None if curve.estimate[p, m] != curve.estimate[p, m] else curve.estimate[p, m],
            "low": float(curve.interval.low[p, m]),
            "high": float(curve.interval.high[p, m]),
        }
        for p, power in enumerate(curve.powers)
        for m, model in enumerate(curve.models)
    ]
    base = alt.Chart(values(rows)).encode(
        x=alt.X(
            "a:Q",
            title="exponent a of the power mean",
            scale=alt.Scale(domain=[curve.powers[0], curve.powers[-1]], nice=False),
        ),
        color=alt.Color("model:N", scale=model_colours(curve.models), title=None),
    )
    top = alt.Scale(domain=[0, 1])
    band = base.mark_area(opacity=0.16).encode(
        y=alt.Y("low:Q", scale=top, title="score"), y2="high:Q"
    )
    line = base.mark_line(strokeWidth=2.2).encode(y=alt.Y("score:Q", scale=top))
    point = base.mark_point(filled=True, size=38, opacity=1).encode(
        y=alt.Y("score:Q", scale=top),
        shape=alt.Shape("model:N", scale=model_shapes(curve.models), title=None),
        tooltip=tips("model:N", "a:Q", "score:Q", "low:Q", "high:Q"),
    )
    known = [{"a": 1, "name": " mean"}, {"a": 0, "name": " Nash"}, {"a": -1, "name": "harmonic "}]
    lines = alt.Chart(values(known)).encode(x="a:Q")
    rules = lines.mark_rule(strokeDash=[3, 3], opacity=0.45)
    text = lines.encode(text="name:N", y=alt.value(8))
    left = text.transform_filter("datum.a < 0").mark_text(align="right", fontSize=11)
    right = text.transform_filter("datum.a >= 0").mark_text(align="left", fontSize=11)
    return Figure(
        name="welfare_curve",
        title="Score against how much the worst-off count",
        note="Power mean W_a of the jury's utilities, a = 1 the mean, 0 Nash, -1 harmonic; towards "
        f"minus infinity the minimum. Bands: {curve.interval.level:.0%} interval at each a, "
        f"{curve.interval.resampled} resampled.",
        label=scores.produced_by,
        chart=alt.layer(rules, left, right, band, line, point).properties(width=WIDTH, height=280),
        columns=("a", "model", "score", "interval"),
        rows=tuple(
            (f"{r['a']:g}", r["model"], figure_text(r["score"]), range_text(r["low"], r["high"]))
            for r in rows
        ),
    )
