"""Who is asked about what, where each juror is put only a share of the items."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphs.panel import Panel
from personas.identity import digest


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Assignment:
    """Which jurors are asked about which items; J jurors, I items.

    Attributes:
        asked: bool [I, J], by position of the item and of the juror.
    """

    asked: NDArray[np.bool_]

    @property
    def identity(self) -> str:
        """Hash of who is asked about what."""
        return digest(np.packbits(self.asked).tobytes())

    def panel(self, item: int, everyone: Panel) -> Panel:
        """Of some jurors, those who are asked about the item."""
        asked = self.asked[item]
        return Panel(tuple(juror for juror in everyone.jurors if asked[juror.position]))

    def jurors(self, item: int) -> int:
        """How many jurors are asked about the item."""
        return int(self.asked[item].sum())

    def share(self, panel: Panel) -> float:
        """Of all pairs of an item and a juror of the panel, the share that is asked."""
        return float(self.asked[:, [juror.position for juror in panel.jurors]].mean())

    def repeated(self, times: int) -> Assignment:
        """The assignment of the same items, so many times over."""
        return Assignment(asked=np.tile(self.asked, (times, 1)))


def balanced_assignment(
    items: int, jurors: int, *, pairs: int, rng: np.random.Generator
) -> Assignment:
    """Deal items to jurors evenly: a random balanced incomplete block design.

    Jurors are dealt out in random order, each once before any a second time, so that the numbers of
    items of two jurors differ by one at most, over all items and over the first of them too; so do
    the numbers of jurors of two items. Who sits together on an item is random: fixed teams, each
    with items of its own, could not be told from their items.

    Args:
        items: how many there are, I.
        jurors: how many sit, J.
        pairs: how many pairs of an item and a juror are asked, up to I x J.
        rng: decides who is asked what.

    Raises:
        ValueError: more pairs than there are.
    """
    if not 0 <= pairs <= items * jurors:
        raise ValueError(f"{pairs} pairs of {items} items and {jurors} jurors")
    asked = np.zeros((items, jurors), dtype=np.bool_)
    sizes = np.diff(np.arange(items + 1) * pairs // max(1, items))
    deck = np.empty(0, dtype=np.intp)
    for item, size in enumerate(sizes.tolist()):
        drawn, deck = deck[:size], deck[size:]
        if len(drawn) < size:
            # Nobody is put the same item twice: who sits already waits for the next one.
            fresh = rng.random(jurors).argsort(kind="stable")
            free = fresh[~np.isin(fresh, drawn)][: size - len(drawn)]
            deck = fresh[~np.isin(fresh, free)]
            drawn = np.concatenate([drawn, free])
        asked[item, drawn] = True
    return Assignment(asked=asked)
