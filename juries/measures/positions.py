"""How far apart two jurors' positions are: reasons in words, and where they stand.

Squared distances between 0 and 2: 2 - 2 cos of the reasons' vectors, mixed with the squared
distance of stances, on which two opposite ones count 2 as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from juries.measures.text_features import similarities

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

Embed = Callable[[Sequence[str]], ArrayLike]
"""Texts to vectors [texts, dimensions]: `SentenceTransformer(...).encode` is one, and so is a
function that asks a server's `/v1/embeddings`."""

_NEIGHBOURS = 5


def squared_distances(
    texts: Sequence[str] | None,
    stances: ArrayLike | None,
    embed: Embed | None,
    stance_weight: float,
) -> tuple[FloatArray, BoolArray]:
    """Squared distances between the placed jurors, and who is placed.

    Args:
        texts: one per juror; an empty one is no position.
        stances: [jurors] in [0, 1], or [jurors, options] with a 1 at the option chosen; NaN for
            none.
        embed: from texts to vectors; hashed n-grams when None.
        stance_weight: share of the squared distance that stances make up where texts are given.

    Returns:
        [placed, placed], and which jurors stated a position, [jurors].

    Raises:
        ValueError: neither texts nor stances, unequal numbers, stances outside [0, 1], vectors
            that are not one finite row per text.
    """
    parts: list[BoolArray] = []
    if texts is not None:
        parts.append(np.array([bool(text.strip()) for text in texts], dtype=np.bool_))
    table = None if stances is None else _stances(stances)
    if table is not None:
        parts.append(np.asarray(np.isfinite(table).all(axis=1), dtype=np.bool_))
    if not parts:
        raise ValueError("neither texts nor stances: there is no position to cluster")
    if len({part.size for part in parts}) > 1:
        raise ValueError(f"{parts[0].size} texts and {parts[1].size} stances; one each per juror")
    placed = np.logical_or.reduce(parts)
    total = np.zeros((int(placed.sum()),) * 2)
    if not placed.any():
        return total, placed
    has_text = texts is not None and bool(parts[0].any())
    weight = 0.0 if table is None else stance_weight if has_text else 1.0
    cosine = np.eye(len(total))
    if texts is not None and has_text:
        cosine = _angles(
            [text for text, inside in zip(texts, placed, strict=True) if inside], embed
        )
        total += (1 - weight) * (2.0 - 2.0 * cosine)
    if table is not None and weight > 0 and parts[-1].any():
        filled = _filled(table[placed], parts[-1][placed], cosine)
        total += weight * ((filled[:, None, :] - filled[None, :, :]) ** 2).sum(axis=-1)
    np.fill_diagonal(total, 0.0)
    return np.maximum(total, 0.0), placed


def _filled(table: FloatArray, known: BoolArray, cosine: FloatArray) -> FloatArray:
    """Stances, a missing one replaced by the mean stance of the five with the most similar reasons.

    An average stance instead would gather all jurors without one in a view of their own.
    """
    filled = table.copy()
    for juror in np.flatnonzero(~known).tolist():
        near = np.argsort(-cosine[juror, known], kind="stable")[:_NEIGHBOURS]
        filled[juror] = table[known][near].mean(axis=0)
    return filled


def _stances(stances: ArrayLike) -> FloatArray:
    """[jurors, columns], scaled so that opposite stances lie at a squared distance of 2."""
    table = np.asarray(stances, dtype=np.float64)
    if table.ndim not in (1, 2):
        raise ValueError(f"stances have shape {table.shape}")
    known = table[~np.isnan(table)]
    if ((known < 0) | (known > 1)).any():
        raise ValueError("a stance lies outside 0 to 1")
    return table[:, None] * np.sqrt(2.0) if table.ndim == 1 else table


def _angles(texts: Sequence[str], embed: Embed | None) -> FloatArray:
    """Cosine similarities, [texts, texts], the diagonal 1."""
    if embed is None:
        cosine = similarities(texts)
    else:
        vectors = np.asarray(embed(texts), dtype=np.float64)
        if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
            raise ValueError(f"embed gave shape {vectors.shape} for {len(texts)} texts")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit = np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)
        cosine = unit @ unit.T
    np.fill_diagonal(cosine, 1.0)
    return cosine
