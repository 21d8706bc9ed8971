"""Charts of disagreement: ratings given, and the responses jurors are furthest apart on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import altair as alt

from juries.report.charts.figure import (
    HEADER,
    ROW,
    WIDTH,
    Control,
    Figure,
    Row,
    likert,
    model_colours,
    tips,
    values,
)
from juries.report.disagreement import Contested, Distribution
from juries.report.source import Source
from juries.report.wording import figure_text, range_text, shorten


def distributions(source: Source, found: Sequence[Distribution]) -> Figure:
    """How often each point was given, by model, for everyone or by group."""
    labels = [question.points for question in source.questions]
    widest = max(len(points) for points in labels)
    attributes = dict.fromkeys(one.attribute for one in found)
    chosen = {
        "attribute": ("Jurors by", [(name, name.replace("_", " ")) for name in attributes]),
        "criterion": ("Criterion", [(name, name) for name in source.criteria]),
    }
    chart = (
        alt.Chart(values(_points(source, found)))
        .transform_filter("datum.attribute == attribute && datum.criterion == criterion")
        .mark_bar(stroke="#8886", strokeWidth=0.5)
        .encode(
            x=alt.X("share:Q", stack="zero", title="share of valid ratings, weighted")
            .axis(format=".0%")
            .scale(domain=[0, 1]),
            y=alt.Y("model:N", title=None, sort=list(source.models)),
            color=alt.Color("point:O", title="point", scale=likert(list(range(1, widest + 1)))),
            order=alt.Order("point:Q"),
            tooltip=[*tips("level:N", "model:N", "said:N", "share:Q"), "answers:Q"],
        )
        .properties(width=WIDTH - 40, height=alt.Step(ROW - 6))
        .facet(row=alt.Row("level:N", title=None, header=HEADER))
        .add_params(*(alt.param(name=n, value=o[0][0]) for n, (_, o) in chosen.items()))
    )
    ends = f"1 ({labels[0][0]}) to {len(labels[0])} ({labels[0][-1]})"
    return Figure(
        name="distributions",
        title="Ratings given",
        note="Share of each point among valid answers, weighted by juror; a description of this "
        f"jury, so without interval. Points run from {ends}.",
        label=source.label,
        chart=chart,
        columns=("jurors", "model", "criterion", *_numbered(widest), "answers"),
        rows=tuple(_distribution_row(one, widest) for one in found),
        controls=tuple(
            Control(param=name, label=label, options=tuple(options))
            for name, (label, options) in chosen.items()
        ),
    )


def _points(source: Source, found: Sequence[Distribution]) -> Iterator[Row]:
    labels = {c: q.points for c, q in zip(source.criteria, source.questions, strict=True)}
    for one in found:
        for k, share in enumerate(one.shares):
            yield {
                "attribute": one.attribute,
                "level": shorten(one.level, 40),
                "model": one.model,
                "criterion": one.criterion,
                "point": k + 1,
                "said": labels[one.criterion][k],
                "share": share,
                "answers": one.answers,
            }


def _numbered(points: int) -> list[str]:
    return [f"point {k + 1}" for k in range(points)]


def _distribution_row(one: Distribution, widest: int) -> tuple[str, ...]:
    return (
        one.level if one.attribute == "everyone" else f"{one.attribute}: {one.level}",
        one.model,
        one.criterion,
        *(f"{share:.1%}" for share in one.shares),
        *("" for _ in range(widest - len(one.shares))),
        f"{one.answers:,}",
    )


def contested(source: Source, found: Sequence[Contested]) -> Figure:
    """The responses on which jurors are furthest apart."""
    rows: list[Row] = [
        {
            "response": f"{shorten(source.items[one.item].id, 26)} · {shorten(one.model, 20)}",
            "model": one.model,
            "spread": one.spread,
            "low": one.low,
            "high": one.high,
        }
        for one in found
    ]
    base = alt.Chart(values(rows)).encode(
        y=alt.Y("response:N", title=None, sort=None),
        color=alt.Color("model:N", scale=model_colours(source.models), legend=None),
    )
    scale = alt.Scale(domain=[0, 0.5])
    chart = alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.55).encode(
            x=alt.X("low:Q", scale=scale, title="spread of utilities (at most 0.5)"),
            x2="high:Q",
        ),
        base.mark_point(filled=True, size=90, opacity=1).encode(
            x=alt.X("spread:Q", scale=scale),
            tooltip=tips("response:N", "spread:Q", "low:Q", "high:Q"),
        ),
    ).properties(width=WIDTH - 60, height=alt.Step(ROW - 2))
    return Figure(
        name="contested",
        title="Most contested responses",
        note="Weighted standard deviation of the jurors' utilities; 95% interval, jurors "
        "resampled. These are the largest of many, so expect less spread from another jury.",
        label=source.label,
        chart=chart,
        columns=("item", "model", "spread", "interval", "mean utility"),
        rows=tuple(
            (
                source.items[one.item].id,
                one.model,
                figure_text(one.spread),
                range_text(one.low, one.high),
                figure_text(one.mean),
            )
            for one in found
        ),
    )
