"""Charts of disagreement: distributions, groups, contested responses, groups' losses."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from juries.measures.best_responses import BestResponses
from juries.report.charts.figure import (
    HEADER,
    PALETTE,
    ROW,
    WIDTH,
    Control,
    Figure,
    Row,
    model_colours,
    stacked,
    tips,
    values,
)
from juries.report.disagreement import Contested, Distribution
from juries.report.source import Source
from juries.report.wording import figure_text, range_text, shorten
from juries.scores import Scores


def distributions(source: Source, found: Sequence[Distribution]) -> Figure:
    """How often each point was given, by model, for everyone or by group."""
    labels: dict[str, Sequence[str]] = {
        c: q.points for c, q in zip(source.criteria, source.questions, strict=True)
    }
    rows: list[Row] = [
        {
            "attribute": one.attribute,
            "level": shorten(one.level, 40),
            "model": one.model,
            "criterion": one.criterion,
            "point": k + 1,
            "said": labels[one.criterion][k],
            "share": share,
            "answers": one.answers,
        }
        for one in found
        for k, share in enumerate(one.shares)
    ]
    params = [alt.param(name="attribute", value="everyone")]
    controls = [
        Control(
            param="attribute",
            label="Jurors by",
            options=tuple(
                (a, a.replace("_", " ")) for a in dict.fromkeys(o.attribute for o in found)
            ),
        )
    ]
    wanted = "datum.attribute == attribute"
    if len(source.criteria) > 1:
        params.append(alt.param(name="criterion", value=source.criteria[0]))
        controls.append(
            Control(
                param="criterion", label="Criterion", options=tuple((c, c) for c in source.criteria)
            )
        )
        wanted += " && datum.criterion == criterion"
    widest = max(len(points) for points in labels.values())
    chart = (
        alt.Chart(values(rows))
        .transform_filter(wanted)
        .mark_bar(stroke="#8886", strokeWidth=0.5)
        .encode(
            x=alt.X(
                "share:Q",
                stack="zero",
                title="share of valid ratings, weighted",
                axis=alt.Axis(format=".0%"),
                scale=alt.Scale(domain=[0, 1]),
            ),
            y=alt.Y("model:N", title=None, sort=list(source.models)),
            color=alt.Color(
                "point:O",
                title="point",
                sort="ascending",
                scale=_likert(list(range(1, widest + 1))),
            ),
            order=alt.Order("point:Q"),
            tooltip=[
                "level:N",
                "model:N",
                "point:O",
                "said:N",
                alt.Tooltip("share:Q", format=".1%"),
                "answers:Q",
            ],
        )
        .properties(width=WIDTH - 40, height=alt.Step(ROW - 6))
        .facet(row=alt.Row("level:N", title=None, header=HEADER))
        .add_params(*params)
    )
    points = labels[source.criteria[0]]
    return Figure(
        name="distributions",
        title="Ratings given",
        note="Share of each point among valid answers, weighted by juror; a description of this "
        f"jury, so without interval. Points from 1 ({points[0]}) to {len(points)} ({points[-1]}).",
        label=source.label,
        chart=chart,
        columns=(
            "jurors",
            "model",
            "criterion",
            *(f"point {k + 1}" for k in range(widest)),
            "answers",
        ),
        rows=tuple(
            (
                one.level if one.attribute == "everyone" else f"{one.attribute}: {one.level}",
                one.model,
                one.criterion,
                *(f"{s:.1%}" for s in one.shares),
                *("" for _ in range(widest - len(one.shares))),
                f"{one.answers:,}",
            )
            for one in found
        ),
        controls=tuple(controls),
    )


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
            scale=_likert([0, 1]),
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


def _likert(domain: list[int]) -> alt.Scale:
    """Orange at the low end, violet at the high one: told apart by colour-blind readers."""
    return alt.Scale(scheme="purpleorange", reverse=True, domain=domain)
