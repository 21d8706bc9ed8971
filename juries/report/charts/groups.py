"""Charts of groups of jurors: what each thinks of each model, and what the choice costs it."""

from __future__ import annotations

import altair as alt

from juries.measures.best_responses import BestResponses
from juries.report.charts.figure import (
    PALETTE,
    ROW,
    WIDTH,
    Figure,
    Row,
    likert,
    stacked,
    tips,
)
from juries.report.wording import figure_text, range_text, shorten
from juries.scores import Scores


def groups(scores: Scores) -> Figure:
    """Mean utility of each model in each group of jurors, with its interval."""
    models = list(dict.fromkeys(group.model for group in scores.groups))
    rows: list[Row] = [
        {
            "attribute": group.attribute.replace("_", " "),
            "level": f"{shorten(group.level, 32)} ({group.jurors})",
            "model": group.model,
            "mean": group.estimate,
            "said": figure_text(group.estimate, 2),
            "range": range_text(group.interval.low, group.interval.high, 2),
        }
        for group in scores.groups
    ]
    slant = -30 if max(map(len, models)) > 14 else 0
    base = alt.Chart().encode(
        x=alt.X(
            "model:N", title=None, sort=models, axis=alt.Axis(labelAngle=slant, labelLimit=150)
        ),
        y=alt.Y("level:N", title=None, sort=None),
    )
    square = base.mark_rect().encode(
        color=alt.Color(
            "mean:Q",
            title="mean utility",
            scale=likert([0, 1]),
            legend=alt.Legend(gradientLength=180),
        ),
        tooltip=tips("attribute:N", "level:N", "model:N", "mean:Q", "range:N"),
    )
    ink = alt.condition(
        "datum.mean < 0.12 || datum.mean > 0.86", alt.value("white"), alt.value("black")
    )
    said = base.mark_text(dy=-6, fontWeight="bold").encode(text="said:N", color=ink)
    interval = base.mark_text(dy=8, fontSize=10).encode(text="range:N", color=ink)
    step = max(72, min(120, 520 // len(models)))
    chart = stacked(
        alt.layer(square, said, interval).properties(width=alt.Step(step), height=alt.Step(36)),
        rows,
    )
    some = scores.groups[0].interval
    return Figure(
        name="groups",
        title="Mean utility by group of jurors and model",
        note=f"Number of jurors in brackets. Below each mean its {some.level:.0%} interval, "
        f"{some.resampled} resampled within the group.",
        label=scores.produced_by,
        chart=chart,
        columns=("attribute", "group", "jurors", "model", "mean utility", "interval"),
        rows=tuple(
            (
                group.attribute,
                group.level,
                str(group.jurors),
                group.model,
                figure_text(group.estimate),
                range_text(group.interval.low, group.interval.high),
            )
            for group in scores.groups
        ),
    )


def losses(choices: dict[str, BestResponses], label: str) -> Figure:
    """What each group loses because the jury prefers another response, beside chance."""
    rows: list[Row] = [
        {
            "attribute": attribute.replace("_", " "),
            "level": shorten(level, 40),
            "loss": float(choice.regret[g]),
            "low": float(choice.regret_interval.low[g]),
            "high": float(choice.regret_interval.high[g]),
            "chance": float(choice.chance_regret[g]),
            "differs": float(choice.differs[g]),
            "p": float(choice.p[g]),
            "favourite": choice.favourite[g],
        }
        for attribute, choice in choices.items()
        for g, level in enumerate(choice.groups)
        if choice.n_items[g]
    ]
    base = alt.Chart().encode(y=alt.Y("level:N", title=None, sort=None))
    layers = alt.layer(
        base.mark_rule(strokeWidth=3, opacity=0.55, color=PALETTE[0]).encode(
            x=alt.X("low:Q", title="mean utility lost by the jury's choice"), x2="high:Q"
        ),
        base.mark_tick(thickness=3, size=16, color=PALETTE[5]).encode(x="chance:Q"),
        base.mark_point(filled=True, size=90, opacity=1, color=PALETTE[0]).encode(
            x="loss:Q",
            tooltip=[
                "attribute:N",
                "level:N",
                alt.Tooltip("loss:Q", format=".3f"),
                alt.Tooltip("chance:Q", format=".3f"),
                alt.Tooltip("differs:Q", format=".0%"),
            ],
        ),
    )
    chart = stacked(layers.properties(width=WIDTH - 60, height=alt.Step(ROW - 2)), rows)
    return Figure(
        name="losses",
        title="What groups lose by the jury's choice",
        note="On each item, the group's mean utility for the response it likes best less its mean "
        "for the one the whole jury likes best. Bars: 95% interval, items resampled. Orange tick: "
        "the same with group labels dealt at random; a group loses only beyond it.",
        label=label,
        chart=chart,
        columns=(
            "attribute",
            "group",
            "chooses otherwise",
            "loses",
            "interval",
            "by chance",
            "p",
            "favourite",
        ),
        rows=tuple(
            (
                r["attribute"],
                r["level"],
                f"{r['differs']:.0%}",
                figure_text(r["loss"]),
                range_text(r["low"], r["high"]),
                figure_text(r["chance"]),
                figure_text(r["p"]),
                r["favourite"] or "none",
            )
            for r in rows
        ),
    )
