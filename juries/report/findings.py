"""What a report works out beyond the scores, each part once and when it is asked for."""

from __future__ import annotations

from functools import cached_property

from juries.measures.best_responses import BestResponses
from juries.report.compare import Comparison, compare
from juries.report.curve import WelfareCurve, welfare_curve
from juries.report.disagreement import (
    Contested,
    Distribution,
    MinorityView,
    choices_by_group,
    contested,
    distributions,
    minority_views,
)
from juries.report.seats import Share, seated_shares
from juries.report.source import Source


class Findings:
    """A run's source and everything drawn from it."""

    def __init__(self, source: Source, other: Source | None = None) -> None:
        self.source = source
        self._other = other

    @cached_property
    def comparison(self) -> Comparison | None:
        """The run beside another one; None where there is no other."""
        return None if self._other is None else compare(self.source, self._other)

    @cached_property
    def curve(self) -> WelfareCurve:
        """Scores along the power means; see `has_curve`."""
        return welfare_curve(self.source)

    @cached_property
    def shares(self) -> tuple[Share, ...]:
        """The seated jury against its targets."""
        return seated_shares(self.source)

    @cached_property
    def distributions(self) -> tuple[Distribution, ...]:
        """Points given, by model, criterion and group."""
        return tuple(distributions(self.source))

    @cached_property
    def contested(self) -> tuple[Contested, ...]:
        """Responses with the widest spread; none without welfare."""
        return contested(self.source) if self.source.scores.welfare else ()

    @cached_property
    def choices(self) -> dict[str, BestResponses]:
        """What groups would choose, by attribute; empty without welfare or groups."""
        return choices_by_group(self.source) if self.source.scores.welfare else {}

    @cached_property
    def minority_views(self) -> tuple[MinorityView, ...]:
        """Items on which a group loses most by the jury's choice."""
        return minority_views(self.source, self.choices)
