"""What asking language models took, in a line or two after a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from juries.report.page.use import computed, whole

if TYPE_CHECKING:
    from juries.run_directory import RunRecord

_Report = Mapping[str, Any]


def print_use(record: RunRecord) -> None:
    """Say of each mind that asked servers how much, and what of it came from a cache."""
    reports = [report for report in record.asking if report.get("usage", {}).get("calls")]
    for mind in dict.fromkeys(str(report["mind"]) for report in reports):
        sessions = [report for report in reports if report["mind"] == mind]
        for line in use_lines(mind, sessions):
            typer.echo(line)


def use_lines(mind: str, sessions: Sequence[_Report]) -> list[str]:
    """The lines about one mind: sums over sessions, and the estimate of the last beside its use.

    Args:
        mind: its name.
        sessions: its reports, as `RunRecord.asking` holds them.
    """
    last = sessions[-1]
    total = {name: sum(r["usage"][name] for r in sessions) for name in last["usage"]}
    prompts = total["prompt_tokens"]
    known = [computed(report) for report in sessions]
    fresh = None if None in known else sum(one for one in known if one is not None)
    cached = "of which the server does not say what was cached"
    if fresh is not None and prompts:
        cached = f"{1 - fresh / prompts:.1%} of them from the prefix cache, {fresh:,.0f} computed"
    lines = [
        f"{mind}: {last['elicitation']}, {last['layout']}",
        f"  {total['calls']:,} conversations, {prompts:,} prompt tokens ({cached}), "
        f"{total['completion_tokens']:,} generated",
    ]
    estimate: _Report | None = last.get("estimate")
    if estimate:
        lines.append(
            f"  estimated: {whole(estimate, 'calls'):,} conversations, "
            f"{whole(estimate, 'prompt_tokens'):,} prompt tokens, "
            + (
                "talk at its most"
                if estimate.get("talk")
                else f"{estimate['computed_tokens'][last['layout']]:,} computed"
            )
        )
    if total["failed"]:
        lines.append(f"  {total['failed']:,} conversations were given up")
    costs = [report["cost"] for report in sessions if report.get("cost")]
    if costs:
        spent = sum(cost["amount"] for cost in costs)
        lines.append(f"  cost: {spent:,.4f} {costs[-1]['currency']} ({costs[-1]['basis']})")
    return lines
