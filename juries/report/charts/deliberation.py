"""Charts of a deliberation: what changed, who left which point for which, whom others follow."""

from __future__ import annotations

import altair as alt

from juries.deliberation.results import DeliberationReport, FlipTable
from juries.figures import Figure as Number
from juries.report.charts.figure import PALETTE, ROW, WIDTH, Control, Figure, Row, tips, values
from juries.report.wording import figure_text, range_text

_SHOWN = 15


def changes(found: DeliberationReport) -> Figure:
    """Every figure before and after talk, and its change."""
    rows: list[Row] = [
        {
            "name": f"{change.name} of {change.change.of}",
            "before": change.before.value,
            "after": change.after.value,
            "change": change.change.value,
            **_ends(change.change),
        }
        for change in found.changes
        if change.change.value is not None
    ]
    base = alt.Chart(values(rows)).encode(y=alt.Y("name:N", title=None, sort=None))
    zero = alt.Chart(values([{"zero": 0}])).mark_rule(opacity=0.6).encode(x="zero:Q")
    axis = alt.X("low:Q", title="after talk less before")
    chart = alt.layer(
        zero,
        base.mark_rule(strokeWidth=3, opacity=0.55, color=PALETTE[0]).encode(x=axis, x2="high:Q"),
        base.mark_point(filled=True, size=90, opacity=1, color=PALETTE[0]).encode(
            x="change:Q", tooltip=tips("name:N", "before:Q", "after:Q", "change:Q")
        ),
    ).properties(width=WIDTH - 120, height=alt.Step(ROW))
    return Figure(
        name="deliberation_changes",
        title="What talk changed",
        note="Each figure on the final ballot less the same on the first. Bars: "
        f"{_resampled(found)}. How much of it comes from talk, the control says.",
        label=found.produced_by,
        chart=chart,
        columns=("figure", "before", "after", "change", "interval"),
        rows=tuple(
            (
                f"{change.name} of {change.change.of}",
                _said(change.before),
                _said(change.after),
                figure_text(change.change.value),
                _range(change.change),
            )
            for change in found.changes
        ),
    )


def flips(found: DeliberationReport) -> Figure:
    """Who left which point for which: rows the first ballot, columns the final one."""
    rows = [row for table in found.flips for row in _moves(table)]
    points = list(found.flips[0].points)
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.criterion == criterion")
        .encode(
            x=alt.X("after:N", sort=points, title="after talk", axis=alt.Axis(labelAngle=-25)),
            y=alt.Y("before:N", sort=points, title="before"),
        )
    )
    ink = alt.condition("datum.share > 0.6", alt.value("white"), alt.value("black"))
    chart = alt.layer(
        base.mark_rect().encode(
            color=alt.Color("share:Q", title="share of the row", legend=alt.Legend(format=".0%"))
            .scale(scheme="blues", domain=[0, 1]),
            tooltip=[*tips("before:N", "after:N", "share:Q"), "count:Q"],
        ),
        base.mark_text().encode(text="count:Q", color=ink),
    )  # fmt: skip
    criteria = tuple((table.criterion, table.criterion) for table in found.flips)
    return Figure(
        name="flips",
        title="Flips: first ballot against final ballot",
        note="Answers by point before (rows) and after talk (columns); on the diagonal nobody "
        f"moved. {_flipped(found)}",
        label=found.produced_by,
        chart=chart.add_params(alt.param(name="criterion", value=criteria[0][0])).properties(
            width=alt.Step(78), height=alt.Step(34)
        ),
        columns=("criterion", "before", "after", "answers", "share of the row"),
        rows=tuple(
            (r["criterion"], r["before"], r["after"], f"{r['count']:,}", f"{r['share']:.0%}")
            for r in rows
        ),
        controls=(Control(param="criterion", label="Criterion", options=criteria),),
    )


def speakers(found: DeliberationReport) -> Figure:
    """How far those who hear a juror move towards them in a round."""
    ranked = sorted(
        (one for one in found.speakers if one.pull is not None), key=lambda one: -(one.pull or 0.0)
    )
    rows: list[Row] = [
        {"juror": s.juror, "pull": s.pull, "low": s.low, "high": s.high} for s in ranked[:_SHOWN]
    ]
    base = alt.Chart(values(rows)).encode(y=alt.Y("juror:N", title=None, sort=None))
    chart = alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.55, color=PALETTE[0]).encode(
            x=alt.X("low:Q", title="share of the gap that hearers close in a round"), x2="high:Q"
        ),
        base.mark_point(filled=True, size=80, opacity=1, color=PALETTE[0]).encode(
            x="pull:Q", tooltip=tips("juror:N", "pull:Q")
        ),
    ).properties(width=WIDTH - 120, height=alt.Step(ROW - 4))
    return Figure(
        name="speakers",
        title="Whom others follow",
        note=f"The {len(rows)} jurors with the largest pull of {len(ranked)}; picked as the "
        "largest, so expect less from them again. Bars: intervals, items resampled.",
        label=found.produced_by,
        chart=chart,
        columns=("juror", "pull", "interval", "heard by"),
        rows=tuple(
            (s.juror, figure_text(s.pull), range_text(s.low, s.high), str(s.hearers))
            for s in ranked
        ),
    )


def _moves(table: FlipTable) -> list[Row]:
    return [
        {
            "criterion": table.criterion,
            "before": before,
            "after": after,
            "count": count,
            "share": count / max(sum(row), 1),
        }
        for before, row in zip(table.points, table.counts, strict=True)
        for after, count in zip(table.points, row, strict=True)
    ]


def _flipped(found: DeliberationReport) -> str:
    return " ".join(
        f"On {table.criterion} {figure_text(table.flipped.value, 2)} of {table.paired:,} answers "
        f"flipped ({_range(table.flipped)}; items resampled)."
        for table in found.flips
    )


def _resampled(found: DeliberationReport) -> str:
    intervals = [c.change.interval for c in found.changes if c.change.interval is not None]
    if not intervals:
        return "no interval could be taken"
    return f"{intervals[0].level:.0%} interval, {intervals[0].resampled} resampled"


def _ends(number: Number) -> Row:
    bounds = number.interval
    return {"low": bounds.low if bounds else None, "high": bounds.high if bounds else None}


def _said(number: Number) -> str:
    return f"{figure_text(number.value)} ({_range(number)})"


def _range(number: Number) -> str:
    bounds = number.interval
    return "no interval" if bounds is None else range_text(bounds.low, bounds.high)
