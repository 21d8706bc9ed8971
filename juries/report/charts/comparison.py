"""Chart of two runs side by side: how far each model's score moved."""

from __future__ import annotations

import altair as alt

from juries.report.charts.figure import PALETTE, ROW, WIDTH, Control, Figure, Row, values
from juries.report.compare import Comparison
from juries.report.wording import figure_text, range_text


def comparison(found: Comparison, label: str) -> Figure:
    """Each model's score here less its score in the other run, under a function of choice."""
    rows: list[Row] = [
        {
            "function": change.function,
            "model": change.model,
            "difference": change.difference,
            "low": change.low,
            "high": change.high,
            "clear": "beyond noise" if change.beyond_noise else "within noise",
        }
        for change in found.changes
    ]
    functions = tuple(dict.fromkeys((change.function, change.label) for change in found.changes))
    reach = max(max(abs(change.low), abs(change.high)) for change in found.changes) * 1.05 or 0.1
    scale = alt.Scale(domain=[-reach, reach])
    kinds = alt.Scale(domain=["beyond noise", "within noise"], range=[PALETTE[5], PALETTE[7]])
    base = (
        alt.Chart(values(rows))
        .transform_filter("datum.function == welfare")
        .encode(
            y=alt.Y("model:N", title=None, sort=None),
            color=alt.Color("clear:N", title=None, scale=kinds),
        )
    )
    zero = alt.Chart(values([{"zero": 0}])).mark_rule(opacity=0.6).encode(x="zero:Q")
    chart = (
        alt.layer(
            zero,
            base.mark_rule(strokeWidth=3, opacity=0.6).encode(
                x=alt.X("low:Q", scale=scale, title="score here less score there"), x2="high:Q"
            ),
            base.mark_point(filled=True, size=100, opacity=1).encode(
                x=alt.X("difference:Q", scale=scale),
                tooltip=["model:N", alt.Tooltip("difference:Q", format="+.3f"), "clear:N"],
            ),
        )
        .add_params(alt.param(name="welfare", value=functions[0][0]))
        .properties(width=WIDTH - 60, height=alt.Step(ROW))
    )
    return Figure(
        name="comparison",
        title=f"Change against {found.other}",
        note=f"{found.level:.0%} interval, {found.resampled} resampled. "
        + (
            "Both runs asked the same jurors about the same items, so they were resampled together."
            if found.paired
            else "The runs differ in items or jurors, so they were resampled apart, which makes "
            "the intervals wider."
        ),
        label=f"{label}; the other run: {found.label}",
        chart=chart,
        columns=("welfare function", "model", "here", "there", "difference", "interval", "reading"),
        rows=tuple(
            (
                change.label,
                change.model,
                figure_text(change.here),
                figure_text(change.there),
                f"{change.difference:+.3f}",
                range_text(change.low, change.high, sign=True),
                "beyond noise" if change.beyond_noise else "within noise",
            )
            for change in found.changes
        ),
        controls=(Control(param="welfare", label="Welfare function", options=functions),),
    )
