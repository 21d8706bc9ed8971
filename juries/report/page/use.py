"""What asking language models took: what the dry run said beforehand, beside what it was."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from juries.report.page.blocks import Table
from juries.run_directory import RunRecord

_Report = Mapping[str, Any]
_UNKNOWN = "not known"


def use_of(record: RunRecord) -> Iterator[Table]:
    """A table of each mind that asked servers in any session; none where no mind did."""
    minds = dict.fromkeys(str(report["mind"]) for report in record.asking if report.get("usage"))
    for mind in minds:
        sessions = [r for r in record.asking if r["mind"] == mind and r.get("usage")]
        rows = [row for report in sessions for row in _rows(report, several=len(sessions) > 1)]
        yield Table(
            title=f"Estimated and real use: {mind}",
            columns=("Quantity", "Estimated", "In fact", "In fact / estimated"),
            rows=tuple(rows),
            note=_note(sessions),
        )


def _rows(report: _Report, *, several: bool) -> Iterator[tuple[str, ...]]:
    usage: _Report = report["usage"]
    estimate: _Report = report.get("estimate") or {}
    place = f", session {report['session']}" if several else ""
    layout = str(report.get("layout"))
    cost: _Report | None = report.get("cost")
    expected_cost: _Report | None = estimate.get("cost")
    fresh = computed(report)
    talk: _Report = estimate.get("talk") or {}
    # Reuse is estimated for one ballot only.
    expected: _Report = {} if talk else estimate.get("computed_tokens") or {}
    for name, before, after in (
        ("Conversations", whole(estimate, "calls"), usage["calls"]),
        ("Tokens of prompts", whole(estimate, "prompt_tokens"), usage["prompt_tokens"]),
        ("Of them not from a cache", expected.get(layout), fresh),
        ("Tokens generated", whole(estimate, "generated_tokens"), usage["completion_tokens"]),
        ("Seconds from first to last", estimate.get("seconds"), report.get("wall_seconds")),
    ):
        yield (f"{name}{place}", _number(before), _number(after), _ratio(before, after))
    if cost is not None or expected_cost is not None:
        before = expected_cost["amount"] if expected_cost and not talk else None
        after = cost["amount"] if cost else None
        currency = str((cost or expected_cost or {})["currency"])
        yield (f"Cost, {currency}{place}", _money(before), _money(after), _ratio(before, after))
    if usage["failed"]:
        yield (f"Given up{place}", "0", _number(usage["failed"]), "")


def whole(estimate: _Report, name: str) -> int | None:
    """A figure of an estimate, talk included; None where there is no estimate."""
    if not estimate:
        return None
    talk: _Report = estimate.get("talk") or {}
    return int(estimate[name]) + int(talk.get(name, 0))


def computed(report: _Report) -> float | None:
    """Tokens of prompts that were computed; as the servers counted them where replies do not tell.

    The servers' counts hold whatever else they were asked meanwhile.
    """
    usage: _Report = report["usage"]
    if not usage["cache_unknown"]:
        return usage["prompt_tokens"] - usage["cached_tokens"]
    counted = [server["counted"] for server in report.get("servers", ())]
    return sum(one["prompt_tokens"] - one["cached_tokens"] for one in counted) or None


def _note(sessions: Sequence[_Report]) -> str:
    last = sessions[-1]
    estimate: _Report = last.get("estimate") or {}
    said = [
        f"Asked by {str(last.get('elicitation')).replace('_', ' ')}, {last.get('layout')} in the "
        "prompt."
    ]
    if estimate:
        said.append(
            f"The estimate is of the items that were open, tokens counted by "
            f"{estimate.get('counted_by')}; talk is reckoned at its most, and repetitions after a "
            "fault come on top."
        )
    else:
        said.append("No estimate was made.")
    if any(report["usage"]["cache_unknown"] for report in sessions):
        said.append("What came from a cache is as the servers count it, others' use included.")
    if any(report["usage"]["uncounted"] for report in sessions):
        said.append("Of some answers the server counted no tokens, so the sums are lower bounds.")
    return " ".join(said)


def _number(value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return _UNKNOWN if value is None else f"{value:,.4f}"


def _ratio(before: float | None, after: float | None) -> str:
    return f"{after / before:.2f}" if before and after is not None else ""
