"""Linear and mixed-integer programs, solved by HiGHS.

`Program` holds a model that is solved again under other costs, bounds or columns without being
built again. One thread and a fixed seed: equal programs have equal solutions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import highspy
import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

_OPTIONS: dict[str, int | float | bool] = {
    "threads": 1,
    "random_seed": 0,
    "primal_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
    # This heuristic took three quarters of the time on panels under quotas and found nothing.
    "mip_heuristic_run_feasibility_jump": False,
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Solved:
    """An optimal solution.

    Attributes:
        objective: the least cost.
        values: of the variables; shape [C].
        duals: of the rows, where no variable is integer; shape [R].
    """

    objective: float
    values: FloatArray
    duals: FloatArray


class _Quiet(highspy.Highs):
    """HiGHS without the banner that its constructor writes to standard output."""

    def enableCallbacks(self) -> None:  # noqa: N802 - HiGHS calls it by this name
        self.setOptionValue("output_flag", False)  # noqa: FBT003 - HiGHS's own signature
        super().enableCallbacks()


class Program:
    """Minimise `cost @ x` with `lower <= matrix @ x <= upper` and `x` within `bounds`.

    Args:
        matrix: shape [R, C].
        rows: lowest and highest value of each row; numbers or shapes [R].
        bounds: lowest and highest value of each variable; numbers or shapes [C].
        cost: shape [C]; zero by default.
        integer: whether all variables are whole numbers.
        gap: how far from the optimum an integer solution may be, as a share of the cost.
    """

    def __init__(
        self,
        matrix: ArrayLike,
        *,
        rows: tuple[ArrayLike, ArrayLike],
        bounds: tuple[ArrayLike, ArrayLike],
        cost: ArrayLike | None = None,
        integer: bool = False,
        gap: float = 0.0,
    ) -> None:
        dense = np.asarray(matrix, dtype=np.float64)
        count, width = dense.shape
        lp: Any = highspy.HighsLp()
        lp.num_row_, lp.num_col_ = count, width
        lp.row_lower_, lp.row_upper_ = (_full(side, count) for side in rows)
        lp.col_lower_, lp.col_upper_ = (_full(side, width) for side in bounds)
        lp.col_cost_ = _full(0.0 if cost is None else cost, width)
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        held = dense != 0
        lp.a_matrix_.start_ = np.append(0, np.cumsum(held.sum(axis=1))).astype(np.int32)
        lp.a_matrix_.index_ = np.nonzero(held)[1].astype(np.int32)
        lp.a_matrix_.value_ = dense[held]
        if integer:
            lp.integrality_ = [highspy.HighsVarType.kInteger] * width
        self._width = width
        self._integer = integer
        self._highs: Any = _Quiet()
        for option, value in _OPTIONS.items():
            self._highs.setOptionValue(option, value)
        self._highs.setOptionValue("mip_rel_gap", gap)
        self._highs.passModel(lp)

    def set_cost(self, cost: ArrayLike) -> None:
        """Give every variable another cost."""
        self._highs.changeColsCost(
            self._width, np.arange(self._width, dtype=np.int32), _full(cost, self._width)
        )

    def set_row(self, row: int, lower: float, upper: float) -> None:
        """Give a row other limits."""
        self._highs.changeRowBounds(row, lower, upper)

    def set_columns(self, lower: FloatArray, upper: FloatArray) -> None:
        """Give every variable other bounds; shapes [C]."""
        every = np.arange(self._width, dtype=np.int32)
        self._highs.changeColsBounds(self._width, every, lower, upper)

    def set_entry(self, row: int, column: int, value: float) -> None:
        """Change one number of the matrix."""
        self._highs.changeCoeff(row, column, value)

    def add_column(self, entries: ArrayLike, *, cost: float = 0.0) -> None:
        """Add a variable of at least 0 with a number for every row."""
        dense = np.asarray(entries, dtype=np.float64)
        held = np.flatnonzero(dense).astype(np.int32)
        self._highs.addCol(cost, 0.0, highspy.kHighsInf, held.size, held, dense[held])
        self._width += 1

    def solve(self) -> Solved | None:
        """The optimum, or None where nothing satisfies the rows and bounds.

        Raises:
            RuntimeError: where HiGHS stops without either answer.
        """
        self._highs.run()
        status = self._highs.getModelStatus()
        if status in (
            highspy.HighsModelStatus.kInfeasible,
            highspy.HighsModelStatus.kUnboundedOrInfeasible,
        ):
            return None
        if status != highspy.HighsModelStatus.kOptimal:
            raise RuntimeError(f"HiGHS stopped with {self._highs.modelStatusToString(status)}")
        solution = self._highs.getSolution()
        values = np.array(solution.col_value, dtype=np.float64)
        return Solved(
            objective=float(self._highs.getInfo().objective_function_value),
            values=np.round(values) if self._integer else values,
            duals=np.array([] if self._integer else solution.row_dual, dtype=np.float64),
        )


def _full(values: ArrayLike, size: int) -> FloatArray:
    return np.array(np.broadcast_to(np.asarray(values, dtype=np.float64), size))
