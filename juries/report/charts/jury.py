"""Charts of who judged: shares against their targets, and weights."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt
import numpy as np

from juries.report.charts.figure import HEADER, PALETTE, ROW, WIDTH, Figure, Row, tips, values
from juries.report.seats import Share
from juries.report.source import Source
from juries.report.wording import figure_text, shorten


def seats(shares: Sequence[Share], label: str) -> Figure:
    """The jury's weighted shares beside the shares aimed at."""
    rows: list[Row] = [
        {
            "about": s.about,
            "level": shorten(s.level, 40),
            "what": what,
            "share": share,
            "seats": s.seats,
        }
        for s in shares
        for what, share in (("seated, weighted", s.seated), ("target", s.target))
        if share is not None
    ]
    kinds = ["seated, weighted", "target"]
    chart = (
        alt.Chart(values(rows))
        .mark_point(size=90, strokeWidth=2, opacity=1)
        .encode(
            x=alt.X(
                "share:Q",
                title="share of the jury's weight",
                axis=alt.Axis(format=".0%"),
                scale=alt.Scale(domain=[0, min(1.0, 0.02 + max(r["share"] for r in rows))]),
            ),
            y=alt.Y("level:N", title=None, sort=None),
            color=alt.Color(
                "what:N", title=None, scale=alt.Scale(domain=kinds, range=[PALETTE[0], PALETTE[5]])
            ),
            shape=alt.Shape(
                "what:N", title=None, scale=alt.Scale(domain=kinds, range=["circle", "stroke"])
            ),
            tooltip=[
                "about:N",
                "level:N",
                "what:N",
                alt.Tooltip("share:Q", format=".1%"),
                "seats:Q",
            ],
        )
        .properties(width=WIDTH - 60, height=alt.Step(ROW - 4))
        .facet(
            row=alt.Row(
                "about:N",
                title=None,
                header=HEADER,
                sort=list(dict.fromkeys(s.about for s in shares)),
            )
        )
        .resolve_scale(y="independent")
    )
    return Figure(
        name="seats",
        title="The jury against the population it stands for",
        note="Weighted share of the seats beside the share aimed at: of the margin raked to, or of "
        "the weighted population within strata. A jury is small, so shares are seen to differ.",
        label=label,
        chart=chart,
        columns=("attribute", "level", "seats", "seated, weighted", "target", "target from"),
        rows=tuple(
            (
                s.about,
                s.level,
                str(s.seats),
                f"{s.seated:.1%}",
                "none set" if s.target is None else f"{s.target:.1%}",
                s.origin,
            )
            for s in shares
        ),
    )


def weights(source: Source) -> Figure:
    """How unequal the jurors' weights are."""
    relative = source.weights * len(source.weights)
    counts, edges = np.histogram(relative, bins=min(30, max(5, len(relative) // 4)))
    rows: list[Row] = [
        {"from": float(a), "to": float(b), "jurors": int(n)}
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    ]
    chart = (
        alt.Chart(values(rows))
        .mark_bar(color=PALETTE[0], stroke="white", strokeWidth=0.5)
        .encode(
            x=alt.X("from:Q", bin="binned", title="weight relative to an equal share"),
            x2="to:Q",
            y=alt.Y("jurors:Q", title="jurors", axis=alt.Axis(tickMinStep=1)),
            tooltip=tips("from:Q", "to:Q", "jurors:Q"),
        )
        .properties(width=WIDTH, height=140)
    )
    return Figure(
        name="weights",
        title="Weights of the jurors",
        note=f"{len(relative)} jurors weigh as much as {source.scores.jury.kish_effective:.1f} of "
        "equal weight (Kish). Weights sum to 1 over the jury.",
        label=source.label,
        chart=chart,
        columns=("weight from", "to", "jurors"),
        rows=tuple(
            (figure_text(r["from"], 2), figure_text(r["to"], 2), str(r["jurors"])) for r in rows
        ),
    )
