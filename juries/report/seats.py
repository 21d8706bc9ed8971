"""Who judged: the seated jury against the shares it was to have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from juries.report.source import Source
from personas.errors import JuriesError
from personas.margins import load_margin, shipped_margins


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One level of what the jury was to look like.

    Attributes:
        about: the attributes, joined by ` x `.
        level: the level.
        target: the share aimed at; None where none was set.
        origin: whose share the target is.
        seated: the level's share of the jury's weight.
        seats: jurors in it.
    """

    about: str
    level: str
    target: float | None
    origin: str
    seated: float
    seats: int


def seated_shares(source: Source) -> tuple[Share, ...]:
    """The jury's weighted shares against the margins raked to and the strata drawn by.

    Attributes that the study scores by and that have no target stand without one.
    """
    shares: list[Share] = []
    for margin, attributes in _margins(source).items():
        for level in source.record.jury["raking"]["levels"]:
            if level["margin"] == margin:
                shares.append(
                    _share(source, attributes, tuple(level["level"]), level["target"], margin)
                )
    drawn: dict[str, Any] = source.record.jury.get("sampling") or {}
    known = {share.about for share in shares}
    for level in drawn.get("levels", ()):
        if level["attribute"] not in known:
            shares.append(
                Share(
                    about=level["attribute"],
                    level="(not stated)" if level["level"] is None else str(level["level"]),
                    target=level["target"],
                    origin="weighted population",
                    seated=level["weighted_share"],
                    seats=level["seats"],
                )
            )
    known = {name for share in shares for name in share.about.split(" x ")}
    for attribute, levels in source.groups().items():
        if attribute not in known:
            shares.extend(
                _share(source, (attribute,), (level,), None, "no target") for level in levels
            )
    return tuple(shares)


def _margins(source: Source) -> dict[str, tuple[str, ...]]:
    """Attributes of every margin that was raked to; margins that cannot be read are left out."""
    rake, raked = source.study.population.rake, source.record.jury.get("raking")
    if rake is None or raked is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for spec in rake.margins:
        name, columns = (spec, None) if isinstance(spec, str) else (spec.margin, spec.columns)
        try:
            margin = load_margin(name if name in shipped_margins() else Path(name), columns=columns)
        except JuriesError:  # the user's file has moved since the run
            continue
        found[margin.name] = margin.attributes
    return found


def _share(
    source: Source,
    attributes: tuple[str, ...],
    level: tuple[str, ...],
    target: float | None,
    origin: str,
) -> Share:
    wanted = ("(not stated)",) if level == ("(not stated)",) else level
    seats = [
        juror.position
        for juror in source.jurors
        if tuple(str(juror.persona.attributes.get(name, "(not stated)")) for name in attributes)
        == wanted
    ]
    return Share(
        about=" x ".join(attributes),
        level=" x ".join(level),
        target=target,
        origin=origin,
        seated=float(source.weights[seats].sum()),
        seats=len(seats),
    )
