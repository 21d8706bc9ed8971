"""What a run found, in a sentence or two for each welfare function."""

from __future__ import annotations

from juries.report.wording import figure_text, joined, range_text
from juries.scores import Comparison, Scores, WelfareScore

_CLEAR = 0.975
"""Share of resamples from which one model is said to be ahead of another."""


def headline(scores: Scores, function: str) -> str:
    """Who leads under a function, by how much and how surely, and whether others disagree."""
    ranked = sorted(
        (score for score in scores.welfare if score.function == function), key=lambda s: s.rank
    )
    if not ranked or ranked[0].estimate is None:
        return "No model was validly rated, so there is no ranking."
    first = ranked[0]
    return " ".join(
        part
        for part in (
            f"Under {first.label}, {first.model} scores {figure_text(first.estimate)} "
            f"({range_text(first.interval.low, first.interval.high)}).",
            _lead(scores, ranked),
            _others(scores, first),
        )
        if part
    )


def _lead(scores: Scores, ranked: list[WelfareScore]) -> str:
    if len(ranked) == 1 or ranked[1].estimate is None:
        return ""
    first, second = ranked[:2]
    pair = next(
        (
            c
            for c in scores.comparisons
            if c.function == first.function and {c.a, c.b} == {first.model, second.model}
        ),
        None,
    )
    if pair is None or pair.probability is None or pair.difference is None:
        return ""
    ahead, gap, low, high = _from_first(pair, first.model)
    ends = f"{gap:+.3f} ({range_text(low, high, sign=True)})"
    if ahead >= _CLEAR:
        return f"It is ahead of {second.model} by {ends}, in {ahead:.0%} of resamples."
    return (
        f"Its lead over {second.model}, {ends}, is not beyond noise: it is ahead in "
        f"{ahead:.0%} of resamples."
    )


def _from_first(pair: Comparison, first: str) -> tuple[float, float, float | None, float | None]:
    """Probability, difference and interval of a comparison as seen by its leading model."""
    probability, difference = pair.probability or 0.0, pair.difference or 0.0
    low, high = pair.interval.low, pair.interval.high
    if pair.a == first:
        return probability, difference, low, high
    return (
        1 - probability,
        -difference,
        None if high is None else -high,
        None if low is None else -low,
    )


def _others(scores: Scores, first: WelfareScore) -> str:
    """Functions under which another model leads."""
    elsewhere: dict[str, list[str]] = {}
    for score in scores.welfare:
        if score.rank == 1 and score.model != first.model and score.estimate is not None:
            elsewhere.setdefault(score.model, []).append(score.label)
    if not elsewhere:
        same = len({score.function for score in scores.welfare}) > 1
        return "It leads under every welfare function reported." if same else ""
    said = "; ".join(f"{model} under {joined(labels)}" for model, labels in elsewhere.items())
    return f"Which model leads depends on whose welfare counts: {said}."
