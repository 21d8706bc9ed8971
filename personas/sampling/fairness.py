"""Leximin over types: the fairest chances that panels under quotas allow.

Chances are fair in the leximin order: the smallest is as large as possible, then the second
smallest, and so on (Flanigan, Gölz, Gupta, Hennig, Procaccia, "Fair algorithms for selecting
citizens' assemblies", Nature 596, 2021). People of one type have equal chances at the optimum,
so a chance is a number per type.

1. `relaxed`: leximin where a panel may hold fractions of people. No lottery over whole panels
   can be fairer, so if its chances come out, they are the optimum.
2. `decompose`: whole panels whose average is exactly those chances.
3. `realise`: where that stalls, more panels by column generation, until the chances are met or
   proved to be out of reach.
4. `exact`: leximin over whole panels by column generation, for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from personas.programs import Program, Solved
from personas.sampling.pool import FloatArray, Pool

_EXACT = 1e-7  # two chances nearer than this are the same
_DONE = 1e-10  # a lottery that leaves less than this share to panels unknown is complete


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lottery:
    """Panels and how likely each is.

    Attributes:
        panels: people of each type; shape [P, T].
        probabilities: of the panels; shape [P], sum 1.
        gap: largest distance of a type's expected seats from those aimed at.
    """

    panels: FloatArray
    probabilities: FloatArray
    gap: float

    @property
    def seats(self) -> FloatArray:
        """Expected seats of each type; shape [T]."""
        return self.probabilities @ self.panels


def fairest(pool: Pool) -> Lottery:
    """The leximin lottery over panels of a pool."""
    goal = relaxed(pool)
    lottery = decompose(pool, goal)
    if lottery is not None and lottery.gap <= _EXACT:
        return lottery
    start = _first_panel(pool) if lottery is None else lottery.panels
    lottery = realise(pool, goal, start)
    return lottery if lottery.gap <= _EXACT else exact(pool, lottery.panels)


def relaxed(pool: Pool) -> FloatArray:
    """Expected seats of each type [T] at the leximin optimum of fractional panels.

    Raises the smallest chance by a linear program, fixes the types whose dual shows that they
    cannot have more, and goes on with the others.
    """
    count, rows = pool.sizes.size, len(pool.names) + 1
    program = Program(
        np.block(
            [
                [np.vstack([np.ones(count), pool.holds]), np.zeros((rows, 1))],
                [np.eye(count), -pool.sizes[:, None].astype(np.float64)],
            ]
        ),
        rows=(
            np.concatenate([[pool.seats], pool.lower, np.zeros(count)]),
            np.concatenate([[pool.seats], pool.upper, np.full(count, np.inf)]),
        ),
        bounds=(0, np.append(pool.sizes, 1)),
        cost=np.append(np.zeros(count), -1.0),
    )
    open_ = np.ones(count, dtype=bool)
    while True:
        solved = _optimum(program)
        level = float(solved.values[-1])
        _fix(program, pool, open_, level, solved.duals[rows:], first_row=rows, level_column=count)
        if not open_.any():
            return _optimum(program).values[:count]


def decompose(pool: Pool, goal: FloatArray) -> Lottery | None:
    """Whole panels whose average is `goal`, None where not even one fits its rounding.

    Takes a panel near the rest of the goal, gives it the largest probability that keeps the rest
    possible, and goes on with the rest.
    """
    rounding = _Rounding(pool)
    panels: list[FloatArray] = []
    chances: list[float] = []
    rest, left = goal.copy(), 1.0
    while left > _DONE:
        panel = rounding.near(rest)
        step = 0.0 if panel is None else _largest_step(pool, rest, panel)
        if panel is None or step < _DONE:
            break
        panels.append(panel)
        chances.append(left * step)
        left *= 1 - step
        if left > _DONE:
            rest = np.clip((rest - step * panel) / (1 - step), 0, pool.sizes)
    if not panels:
        return None
    return _lottery(np.array(panels), np.array(chances), goal)


def realise(pool: Pool, goal: FloatArray, panels: FloatArray) -> Lottery:
    """The lottery over whole panels nearest to `goal` in the sum of absolute differences.

    Column generation: panels are added until the linear program proves that none brings it
    nearer. A gap left then means that no lottery has these chances.
    """
    count = pool.sizes.size
    slack = np.vstack([np.eye(count), np.zeros((1, count))])
    columns = np.vstack([panels.T, np.ones(len(panels))])
    limits = np.append(goal, 1.0)
    master = Program(
        np.hstack([slack, -slack, columns]),
        rows=(limits, limits),
        bounds=(0, np.inf),
        cost=np.append(np.ones(2 * count), np.zeros(len(panels))),
    )
    pricing = pool.program(integer=True)
    known = list(panels)
    while True:
        solved = _optimum(master)
        if solved.objective <= _EXACT:
            break
        pricing.set_cost(-solved.duals[:count])
        priced = _optimum(pricing)
        # No lottery is nearer than this: the bound of Farley (1990) for weights that sum to 1.
        if priced.objective - solved.duals[count] >= -_DONE:
            break
        known.append(priced.values)
        master.add_column(np.append(priced.values, 1.0))
    return _lottery(np.array(known), solved.values[2 * count :], goal)


def exact(pool: Pool, panels: FloatArray) -> Lottery:
    """The leximin lottery over whole panels, by column generation at every level."""
    count = pool.sizes.size
    master = Program(
        np.vstack(
            [
                np.append(0.0, np.ones(len(panels))),
                np.hstack([-pool.sizes[:, None].astype(np.float64), panels.T]),
            ]
        ),
        rows=(np.append(1, np.zeros(count)), np.append(1, np.full(count, np.inf))),
        bounds=(0, np.append(1, np.full(len(panels), np.inf))),
        cost=np.append(-1.0, np.zeros(len(panels))),
    )
    pricing = pool.program(integer=True)
    known = list(panels)
    open_ = np.ones(count, dtype=bool)
    while True:
        solved = _optimum(master)
        pricing.set_cost(-solved.duals[1:])
        priced = _optimum(pricing)
        if priced.objective - solved.duals[0] < -_EXACT / 10:
            known.append(priced.values)
            master.add_column(np.append(1.0, priced.values))
            continue
        if not open_.any():
            found = np.array(known)
            return _lottery(found, solved.values[1:], solved.values[1:] @ found)
        level = float(solved.values[0])
        _fix(master, pool, open_, level, solved.duals[1:], first_row=1, level_column=0)


def _fix(
    program: Program,
    pool: Pool,
    open_: np.ndarray[tuple[int], np.dtype[np.bool_]],
    level: float,
    duals: FloatArray,
    *,
    first_row: int,
    level_column: int,
) -> None:
    """Fix the open types that cannot have more than `level` (a positive dual says so)."""
    shares = duals * pool.sizes
    stuck = open_ & ((shares > _EXACT) if level < 1 - _EXACT else open_)
    if not stuck.any():  # duals sum to 1 over the open types, so only rounding can hide them
        stuck = open_ & (shares >= shares[open_].max())
    for number in np.flatnonzero(stuck).tolist():
        program.set_entry(first_row + number, level_column, 0.0)
        least = float(pool.sizes[number]) * level - 1e-10
        program.set_row(first_row + number, least, np.inf)
    open_ &= ~stuck


class _Rounding:
    """Finds whole panels near a panel of fractions, between its roundings.

    The linear program leaves at most as many types fractional as there are quotas, so the integer
    program has little to decide; only where it cannot is it given all types back.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._fractions = pool.program(integer=False)
        self._whole = pool.program(integer=True, gap=0.1)

    def near(self, rest: FloatArray) -> FloatArray | None:
        """A panel of the people with most of `rest` left, None where there is none."""
        low, high = np.floor(rest + _EXACT), np.ceil(rest - _EXACT)
        for program in (self._fractions, self._whole):
            program.set_cost(-rest / self._pool.sizes)
            for number, seats in enumerate((self._pool.holds @ rest).tolist(), start=1):
                program.set_row(number, np.floor(seats + _EXACT), np.ceil(seats - _EXACT))
        self._fractions.set_columns(low, high)
        solved = self._fractions.solve()
        if solved is None:
            return None
        near = np.round(solved.values)
        settled = np.abs(solved.values - near) <= _EXACT
        self._whole.set_columns(np.where(settled, near, low), np.where(settled, near, high))
        rounded = self._whole.solve()
        if rounded is None:
            self._whole.set_columns(low, high)
            rounded = self._whole.solve()
        return None if rounded is None else rounded.values


def _largest_step(pool: Pool, rest: FloatArray, panel: FloatArray) -> float:
    """The largest share of `panel` in `rest` that leaves a possible rest."""
    seats, taken = pool.holds @ rest, pool.holds @ panel
    steps = [
        _room(rest, panel),
        _room(pool.sizes - rest, pool.sizes - panel),
        _room(seats - pool.lower, taken - pool.lower),
        _room(pool.upper - seats, pool.upper - taken),
    ]
    return min(1.0, *steps)


def _room(have: FloatArray, use: FloatArray) -> float:
    spent = use > _EXACT
    return max(0.0, float((have[spent] / use[spent]).min())) if spent.any() else np.inf


def _first_panel(pool: Pool) -> FloatArray:
    return _optimum(pool.program(integer=True)).values[None, :]


def _lottery(panels: FloatArray, chances: FloatArray, goal: FloatArray) -> Lottery:
    held = chances > _DONE / 10
    kept = chances[held] / chances[held].sum()
    found = panels[held]
    return Lottery(panels=found, probabilities=kept, gap=float(np.abs(kept @ found - goal).max()))


def _optimum(program: Program) -> Solved:
    solved = program.solve()
    if solved is None:  # the pool was checked to have a panel
        raise RuntimeError("a program over the pool's panels lost its solution")
    return solved
