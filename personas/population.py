"""A population: personas, what share of it each stands for, and where they come from.

- `Population.of(personas, provenance=…)`: checks weights and normalises them.
- `derive`, `take`, `reweighted`: new populations; a population itself never changes.
- `describe()`: shares and quantiles, unweighted and weighted.
- `save(path)`: JSONL with a header line; `personas.importers.load_population` reads it back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from personas.derivation import Bands, Recode
from personas.errors import InputError, nearest
from personas.files import replacing
from personas.persona import AttributeValue, Persona
from personas.summary import Column, Description, code_column, kish_effective_size, summarise

FloatArray = NDArray[np.float64]

HEADER = "juries_population"
VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a population comes from and what was done to it.

    Attributes:
        source: the data set and file.
        licence: the licence of the source, None where it is not known.
        weighting: how the weights came about.
        notes: anything a reader of results should know, in order of what was done.
    """

    source: str
    licence: str | None = None
    weighting: str = "equal weights"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Population:
    """Weighted personas. Build one with `Population.of`, which checks the weights.

    Attributes:
        personas: who is in it, in the order of the source.
        weights: share of the population each persona stands for; shape [n], read-only, sums to 1.
        provenance: source, licence and weighting.
    """

    personas: tuple[Persona, ...]
    weights: FloatArray
    provenance: Provenance
    _columns: dict[str, Column] = field(default_factory=dict[str, Column], repr=False)

    @classmethod
    def of(
        cls,
        personas: Iterable[Persona],
        *,
        provenance: Provenance,
        weights: ArrayLike | None = None,
        row: Callable[[int], int] = lambda index: index + 1,
    ) -> Self:
        """Build a population.

        Args:
            personas: at least one.
            provenance: where they come from; its `source` is named in errors.
            weights: one finite non-negative number per persona, scaled here to sum to 1; equal
                weights where None.
            row: the source's row of a persona's index, for error messages.

        Raises:
            InputError: without personas, or where a weight is NaN, infinite or negative (its row
                is named), or where all are zero.
        """
        members = tuple(personas)
        if not members:
            raise InputError("the population is empty", where=provenance.source)
        raw = np.ones(len(members)) if weights is None else np.array(weights, dtype=np.float64)
        if raw.shape != (len(members),):
            raise ValueError(f"{raw.shape} weights for {len(members)} personas")
        bad = np.flatnonzero(~(np.isfinite(raw) & (raw >= 0)))
        if bad.size:
            raise InputError(
                "a weight cannot be used",
                where=provenance.source,
                line=row(int(bad[0])),
                found=float(raw[bad[0]]),
                expected="a finite number of at least 0",
            )
        return cls(personas=members, weights=_normalised(raw, provenance), provenance=provenance)

    def __len__(self) -> int:
        return len(self.personas)

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of all attributes any persona has, in order of first appearance."""
        return tuple(dict.fromkeys(name for p in self.personas for name in p.attributes))

    @property
    def effective_size(self) -> float:
        """Kish's effective sample size of the weights."""
        return kish_effective_size(self.weights)

    def column(self, name: str) -> Column:
        """One attribute of every persona as codes and levels (computed once, then kept).

        Raises:
            InputError: where no persona has the attribute.
        """
        if name not in self._columns:
            column = code_column([persona.attributes.get(name) for persona in self.personas])
            if not column.levels:
                known = self.attributes
                raise InputError(
                    f"no persona has the attribute {name!r}",
                    where=self.provenance.source,
                    expected="one of " + ", ".join(known[:40]),
                    hint=nearest(name, known),
                )
            column.codes.setflags(write=False)
            self._columns[name] = column
        return self._columns[name]

    def require(self, names: Iterable[str]) -> None:
        """Check that each attribute exists.

        Raises:
            InputError: naming the first that no persona has, and the nearest there is.
        """
        for name in names:
            self.column(name)

    def derive(self, derivations: Mapping[str, Bands | Recode]) -> Population:
        """Add attributes by declaration, in order, so that one may build on another.

        Raises:
            InputError: where a name is taken, a source attribute is unknown, or a value is
                covered by no band or level.
        """
        population = self
        for name, rule in derivations.items():
            population = population._derived(name, rule)
        return population

    def _derived(self, name: str, rule: Bands | Recode) -> Population:
        if name in self.attributes:
            raise InputError(
                f"the derived attribute {name!r} has the name of one that is there already",
                where=self.provenance.source,
            )
        column = self.column(rule.source)
        new: list[AttributeValue | None] = [rule.derive(level) for level in column.levels]
        members: list[Persona] = []
        codes: list[int] = column.codes.tolist()
        for persona, code in zip(self.personas, codes, strict=True):
            value = new[code] if code >= 0 else None
            if value is None:
                members.append(persona)
                continue
            members.append(_with(persona, {**persona.attributes, name: value}))
        note = f"derived {name!r} from {rule.source!r}"
        provenance = replace(self.provenance, notes=(*self.provenance.notes, note))
        return replace(self, personas=tuple(members), provenance=provenance, _columns={})

    def reweighted(
        self, weights: ArrayLike, *, weighting: str, notes: Sequence[str] = ()
    ) -> Population:
        """The same personas under other weights, and what `weighting` says of them."""
        provenance = replace(
            self.provenance, weighting=weighting, notes=(*self.provenance.notes, *notes)
        )
        checked = Population.of(self.personas, weights=weights, provenance=provenance)
        return replace(checked, _columns=self._columns)

    def take(
        self,
        indices: Sequence[int] | NDArray[np.int64],
        *,
        weights: ArrayLike | None = None,
        note: str | None = None,
    ) -> Population:
        """The personas at `indices`, in that order, repeats allowed.

        Their weights are those given, else their own scaled to sum to 1.
        """
        chosen = np.asarray(indices, dtype=np.int64)
        places: list[int] = chosen.tolist()
        notes = self.provenance.notes if note is None else (*self.provenance.notes, note)
        return Population.of(
            [self.personas[index] for index in places],
            weights=self.weights[chosen] if weights is None else weights,
            provenance=replace(self.provenance, notes=notes),
        )

    def describe(self, *, max_levels: int = 20) -> Description:
        """Size, weights and every attribute at a glance; at most `max_levels` values each."""
        mean = 1.0 / len(self)
        return Description(
            size=len(self),
            effective_size=self.effective_size,
            smallest_weight=float(self.weights.min()) / mean,
            largest_weight=float(self.weights.max()) / mean,
            with_values=float(np.mean([persona.values is not None for persona in self.personas])),
            with_narrative=float(
                np.mean([persona.narrative is not None for persona in self.personas])
            ),
            attributes=summarise(
                {name: self.column(name) for name in self.attributes},
                self.weights,
                max_levels=max_levels,
            ),
        )

    def save(self, path: Path) -> None:
        """Write JSONL whose first line is a header; weights and content come back exactly.

        Raises:
            InputError: where the file cannot be written or its name does not end in `.jsonl`.
        """
        if path.suffix.lower() != ".jsonl":
            raise InputError("a population is saved as .jsonl", where=path)
        header = {HEADER: VERSION, "size": len(self), "provenance": asdict(self.provenance)}
        with replacing(path) as file:
            file.write(json.dumps(header, ensure_ascii=False) + "\n")
            for persona, weight in zip(self.personas, self.weights.tolist(), strict=True):
                record = {"weight": weight, **persona.model_dump(mode="json", exclude_none=True)}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _normalised(raw: FloatArray, provenance: Provenance) -> FloatArray:
    total = float(raw.sum())
    if total <= 0:
        raise InputError("all weights are zero", where=provenance.source)
    # Weights that sum to 1 already are kept to the last bit, so that saving and loading is exact.
    weights = raw if abs(total - 1) < 1e-12 else raw / total
    weights.setflags(write=False)
    return weights


def _with(persona: Persona, attributes: Mapping[str, AttributeValue]) -> Persona:
    return Persona(
        attributes=attributes,
        values=persona.values,
        narrative=persona.narrative,
        source_id=persona.source_id,
    )
