"""Welfare functions as values: named in a study, shown in a table, applied to arrays.

- `parse_welfare("power:0")` reads what a user wrote; `function.name` parses back to the same.
- A function is called as `function(utilities, weights)`; see `juries.measures.welfare`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from numpy.typing import ArrayLike

from juries.measures.welfare import (
    FloatArray,
    inequality_averse_mean,
    lower_tail_mean,
    power_mean,
    quantile,
)
from personas.errors import InputError, nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerMean:
    """Power mean W_a; `floor` raises utilities below it, which matters for a ≤ 0."""

    power: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        if math.isnan(self.power):
            raise ValueError("power is NaN")
        if not 0 <= self.floor < math.inf:
            raise ValueError(f"floor is {self.floor}; it must be finite and not negative")

    @property
    def name(self) -> str:
        """Such as `power:0` or `power:0,floor=0.01`."""
        return f"power:{_exact(self.power)}" + (
            f",floor={_exact(self.floor)}" if self.floor else ""
        )

    @property
    def label(self) -> str:
        """For people, such as `Nash (geometric mean)`."""
        known = {
            1.0: "utilitarian (mean)",
            0.0: "Nash (geometric mean)",
            -1.0: "harmonic mean",
            -math.inf: "Rawlsian (minimum)",
            math.inf: "maximum",
        }
        label = known.get(self.power, f"power mean, a = {self.power:g}")
        return label + (f", floor {self.floor:g}" if self.floor else "")

    def __call__(
        self, utilities: ArrayLike, weights: ArrayLike | None = None, *, axis: int = -1
    ) -> FloatArray:
        """`power_mean` with this power and floor."""
        return power_mean(utilities, self.power, weights, axis=axis, floor=self.floor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantile:
    """Weighted quantile at `level` in (0, 1)."""

    level: float

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; it must lie strictly between 0 and 1")

    @property
    def name(self) -> str:
        """Such as `quantile:0.1`."""
        return f"quantile:{_exact(self.level)}"

    @property
    def label(self) -> str:
        """For people, such as `10 % quantile`."""
        return "median" if self.level == 0.5 else f"{100 * self.level:g} % quantile"

    def __call__(
        self, utilities: ArrayLike, weights: ArrayLike | None = None, *, axis: int = -1
    ) -> FloatArray:
        """`quantile` at this level."""
        return quantile(utilities, self.level, weights, axis=axis)


@dataclass(frozen=True, slots=True, kw_only=True)
class LowerTailMean:
    """Mean of the worst-off `share` in (0, 1] of the weight (CVaR)."""

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise ValueError(f"share is {self.share}; it must lie in (0, 1]")

    @property
    def name(self) -> str:
        """Such as `cvar:0.2`."""
        return f"cvar:{_exact(self.share)}"

    @property
    def label(self) -> str:
        """For people, such as `mean of the worst-off 20 %`."""
        return f"mean of the worst-off {100 * self.share:g} %"

    def __call__(
        self, utilities: ArrayLike, weights: ArrayLike | None = None, *, axis: int = -1
    ) -> FloatArray:
        """`lower_tail_mean` with this share."""
        return lower_tail_mean(utilities, self.share, weights, axis=axis)


@dataclass(frozen=True, slots=True, kw_only=True)
class InequalityAverseMean:
    """Mean less `aversion` (in [0, 1]) times half the mean absolute difference."""

    aversion: float

    def __post_init__(self) -> None:
        if not 0 <= self.aversion <= 1:
            raise ValueError(f"aversion is {self.aversion}; it must lie in [0, 1]")

    @property
    def name(self) -> str:
        """Such as `inequality:0.5`."""
        return f"inequality:{_exact(self.aversion)}"

    @property
    def label(self) -> str:
        """For people, such as `inequality-averse mean, λ = 0.5`."""
        return f"inequality-averse mean, λ = {self.aversion:g}"

    def __call__(
        self, utilities: ArrayLike, weights: ArrayLike | None = None, *, axis: int = -1
    ) -> FloatArray:
        """`inequality_averse_mean` with this aversion."""
        return inequality_averse_mean(utilities, self.aversion, weights, axis=axis)


WelfareFunction = PowerMean | Quantile | LowerTailMean | InequalityAverseMean

DEFAULT_FAMILY: tuple[WelfareFunction, ...] = (
    PowerMean(power=1.0),
    PowerMean(power=0.0),
    PowerMean(power=-1.0),
    PowerMean(power=-math.inf),
    Quantile(level=0.1),
    LowerTailMean(share=0.2),
    InequalityAverseMean(aversion=0.5),
)
"""What a study reports side by side where it names nothing else."""

ALIASES = {
    "utilitarian": "power:1",
    "mean": "power:1",
    "nash": "power:0",
    "geometric": "power:0",
    "harmonic": "power:-1",
    "rawlsian": "power:-inf",
    "minimum": "power:-inf",
    "min": "power:-inf",
    "maximum": "power:inf",
    "max": "power:inf",
    "median": "quantile:0.5",
}
"""Other names of common functions."""

_FORMS: dict[str, tuple[Callable[[float], WelfareFunction], str]] = {
    "power": (lambda value: PowerMean(power=value), "power:A for any number A, -inf or inf"),
    "quantile": (lambda value: Quantile(level=value), "quantile:Q with 0 < Q < 1"),
    "cvar": (lambda value: LowerTailMean(share=value), "cvar:Q with 0 < Q <= 1"),
    "inequality": (
        lambda value: InequalityAverseMean(aversion=value),
        "inequality:L with 0 <= L <= 1",
    ),
}


def parse_welfare(text: str, *, where: str | None = None) -> WelfareFunction:
    """Read a welfare function such as `power:-1`, `power:0,floor=0.01`, `nash` or `cvar:0.2`.

    Args:
        text: a form of `power`, `quantile`, `cvar`, `inequality`, or an alias.
        where: the file or study section, for the error message.

    Raises:
        InputError: an unknown name, or a number that is missing or out of range.
    """
    cleaned = text.strip().lower()
    kind, colon, argument = ALIASES.get(cleaned, cleaned).partition(":")
    if kind not in _FORMS:
        known = [*_FORMS, *ALIASES]
        raise InputError(
            "unknown welfare function",
            where=where,
            found=text,
            expected="one of " + ", ".join(form for _, form in _FORMS.values()),
            hint=nearest(kind, known) or f"Short names: {', '.join(ALIASES)}.",
        )
    build, form = _FORMS[kind]
    number, _, option = argument.partition(",")
    try:
        function = build(float(number))
        return _with_floor(function, option) if option else function
    except ValueError:
        problem = "welfare function needs a number" if not colon else "bad welfare function"
        expected = f"{form}, or power:A,floor=F" if kind == "power" else form
        raise InputError(problem, where=where, found=text, expected=expected) from None


def parse_welfares(
    texts: Sequence[str], *, where: str | None = None
) -> tuple[WelfareFunction, ...]:
    """Read several welfare functions; the same one twice (under any name) is refused.

    Raises:
        InputError: an empty list, an unreadable function, or a repeated one.
    """
    if not texts:
        raise InputError("no welfare function named", where=where, hint="Name at least one.")
    functions: dict[WelfareFunction, str] = {}
    for text in texts:
        function = parse_welfare(text, where=where)
        if function in functions:
            raise InputError(
                f"welfare function {function.name} is named twice",
                where=where,
                found=[functions[function], text],
                hint="Remove one of them.",
            )
        functions[function] = text
    return tuple(functions)


def _with_floor(function: WelfareFunction, option: str) -> WelfareFunction:
    key, _, value = option.partition("=")
    if not isinstance(function, PowerMean) or key.strip() != "floor":
        raise ValueError(option)
    return PowerMean(power=function.power, floor=float(value))


def _exact(number: float) -> str:
    """Short where that is exact, so that a name parses back to an equal function."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)
