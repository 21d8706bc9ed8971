"""How much of a prompt a server's prefix cache holds, simulated block by block as vLLM does."""

from __future__ import annotations

from collections.abc import Sequence

BLOCK = 16
"""Tokens in a block of vLLM on GPUs; its CPU build has 128."""


class PrefixCache:
    """A cache of whole blocks that never forgets.

    A block is found again only where everything before it is the same, too. The last token of a
    prompt is always computed, so that a prompt held entirely costs one block.
    """

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._held: set[int] = set()

    def computed(self, tokens: Sequence[int]) -> int:
        """Tokens that have to be computed for a prompt, which is held from then on."""
        block = self._block
        chain, hit, open_ = 0, 0, True
        for start in range(0, len(tokens) - block + 1, block):
            chain = hash((chain, tuple(tokens[start : start + block])))
            open_ = open_ and chain in self._held
            if open_ and start + block < len(tokens):
                hit = start + block
            self._held.add(chain)
        return len(tokens) - hit
