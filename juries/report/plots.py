"""The charts of a run, from Python and for files: `run.plot.welfare_curve()`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from juries.report.compare import Comparison
from juries.report.curve import has_curve
from juries.report.findings import Findings
from juries.report.needs import require_report
from juries.report.source import read_source
from personas.errors import InputError, nearest

if TYPE_CHECKING:
    from juries.report.charts.figure import AnyChart, Figure

Makers = dict[str, "Callable[[], Figure]"]


def figure_makers(findings: Findings) -> Makers:
    """How to make each figure that the run has data for, by name, in reading order.

    Raises:
        JuriesError: the libraries that draw are not installed.
    """
    require_report()
    from juries.report.charts import (
        comparison,
        disagreement,
        groups,
        jury,
        welfare,
    )

    source, scores = findings.source, findings.source.scores
    choice = bool(scores.groups) and len(source.models) > 1
    available: dict[str, tuple[bool, Callable[[], Figure]]] = {
        "ranking": (bool(scores.welfare), lambda: welfare.ranking(scores)),
        "welfare_curve": (has_curve(source), lambda: welfare.welfare_curve(scores, findings.curve)),
        "seats": (bool(findings.shares), lambda: jury.seats(findings.shares, source.label)),
        "weights": (True, lambda: jury.weights(source)),
        "distributions": (
            bool(findings.distributions),
            lambda: disagreement.distributions(source, findings.distributions),
        ),
        "groups": (bool(scores.groups), lambda: groups.groups(scores)),
        "losses": (choice, lambda: groups.losses(findings.choices, source.label)),
        "contested": (
            bool(findings.contested),
            lambda: disagreement.contested(source, findings.contested),
        ),
        "comparison": (
            findings.comparison is not None,
            lambda: comparison.comparison(_there(findings.comparison), source.label),
        ),
    }
    made = {name: make for name, (there, make) in available.items() if there}
    return made | _measure_makers(findings) | _deliberation_makers(findings)


def _measure_makers(findings: Findings) -> Makers:
    """Figures of the six measures, for those that the run's data allow."""
    from juries.report.charts import measures

    made: Makers = {}
    for found in findings.source.scores.measures:
        if any(number.value is not None for number in found.figures):
            made[measures.slug(found.measure)] = partial(measures.measure, found)
        if len(measures.objectives(found)) > 1:
            made["pareto"] = partial(measures.pareto, found)
        if measures.budgets(found):
            made["steerability"] = partial(measures.steerability, found)
    return made


def _deliberation_makers(findings: Findings) -> Makers:
    """Figures of what talk changed, for a jury that talked."""
    from juries.report.charts import deliberation, network

    found = findings.source.deliberation
    if found is None:
        return {}
    available = {
        "deliberation_changes": (bool(found.changes), deliberation.changes),
        "flips": (bool(found.flips), deliberation.flips),
        "influence": (any(t.pull is not None for t in found.ties), network.influence),
        "speakers": (any(s.pull is not None for s in found.speakers), deliberation.speakers),
    }
    return {name: partial(make, found) for name, (there, make) in available.items() if there}


def _there(found: Comparison | None) -> Comparison:
    if found is None:
        raise ValueError("there is no other run to compare with")
    return found


class Plots:
    """The charts of a run as methods that return Altair charts; `list(run.plot)` names them."""

    def __init__(self, run_folder: Path | str) -> None:
        self._makers = figure_makers(Findings(read_source(run_folder)))

    def __getattr__(self, name: str) -> Callable[[], AnyChart]:
        """A chart's name as a method."""
        if name.startswith("_") or name not in self._makers:
            hint = nearest(name, self._makers) or f"There are {', '.join(self._makers)}."
            raise AttributeError(f"this run has no chart {name!r}. {hint}")
        return lambda: self._makers[name]().titled()

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._makers]

    def __iter__(self) -> Iterator[str]:
        """Names of the charts that this run has."""
        return iter(self._makers)


def save_plot(run_folder: Path, name: str, output: Path, *, scale: float = 2.0) -> None:
    """Write one chart of a run as PNG, SVG or Vega-Lite JSON, by the suffix of `output`.

    Raises:
        InputError: no such chart, or another suffix.
        JuriesError: the libraries that draw are not installed.
    """
    makers = figure_makers(Findings(read_source(run_folder)))
    if name not in makers:
        raise InputError(
            "this run has no such chart",
            where=run_folder,
            found=name,
            expected="one of " + ", ".join(makers),
            hint=nearest(name, makers),
        )
    kind = output.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg", "json"):
        raise InputError(
            "charts are written as .png, .svg or .json", where=output, found=output.suffix
        )
    chart = makers[name]().titled()
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        chart.save(str(output), format=kind, scale_factor=scale if kind == "png" else 1)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", where=output) from None
