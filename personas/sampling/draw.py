"""One entry to all ways of drawing seats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from personas.errors import InputError, nearest
from personas.population import Population
from personas.sampling.result import Sample
from personas.sampling.simple import sample_simple
from personas.sampling.stratified import sample_stratified

Method = Literal["simple", "stratified", "quota", "leximin"]
METHODS: tuple[Method, ...] = get_args(Method)


def sample(
    population: Population,
    seats: int,
    *,
    seed: int,
    method: Method = "simple",
    by: Sequence[str] = (),
    quotas: Mapping[str, Mapping[str, tuple[int, int]]] | None = None,
    replace: bool = False,
    proportional: bool = True,
) -> Sample:
    """Draw seats from a population.

    Args:
        population: who may be drawn.
        seats: how many.
        seed: of the draw.
        method: `simple`, `stratified` (needs `by`), `quota` or `leximin` (need `quotas`).
        by: attributes to stratify by.
        quotas: attribute to level to fewest and most seats.
        replace: draw with replacement (`simple` only).
        proportional: draw in proportion to weight (`simple` only).

    Raises:
        InputError: for an unknown method (the nearest is named), an option that the method does
            not have or lacks, and what the method itself refuses.
    """
    if method not in METHODS:
        raise InputError(
            f"there is no sampling method {method!r}",
            expected="one of " + ", ".join(METHODS),
            hint=nearest(method, METHODS),
        )
    given = {
        "by": bool(by),
        "quotas": quotas is not None,
        "replace": replace,
        "proportional": not proportional,
    }
    allowed: dict[Method, set[str]] = {
        "simple": {"replace", "proportional"},
        "stratified": {"by"},
        "quota": {"quotas"},
        "leximin": {"quotas"},
    }
    for option in sorted(name for name, there in given.items() if there):
        if option not in allowed[method]:
            raise InputError(f"sampling method {method!r} has no use for {option!r}")
    if method == "simple":
        return sample_simple(
            population, seats, seed=seed, replace=replace, proportional=proportional
        )
    if method == "stratified":
        return sample_stratified(population, seats, by=by, seed=seed)
    if method == "quota":
        from personas.sampling.quota import sample_quota

        return sample_quota(population, seats, quotas=quotas or {}, seed=seed)
    from personas.sampling.leximin import leximin

    return leximin(population, seats, quotas=quotas or {}).draw(seed)
