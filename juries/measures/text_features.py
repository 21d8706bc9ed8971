"""Text features without a model: hashed word n-grams, TF-IDF, cosine similarities.

- `hashed_features(texts)`: sparse rows of unit length; the same text has the same columns on
  every machine, and no vocabulary is kept.
- `similarities(texts)`: their cosine similarities.

Words and word pairs are hashed by CRC-32 into 2**18 columns. Weights are (1 + ln tf) · ln((1 + n)
/ df) over the texts given: words that all of them share count for next to nothing, so neither a
list of stop words nor a language is assumed. What this sees is shared wording, not meaning: two
statements of one view in different words look unlike. An embedding model sees more.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

FloatArray = NDArray[np.float64]

_BITS = 18
_WORD = re.compile(r"\w+")


def hashed_features(texts: Sequence[str]) -> csr_array:
    """TF-IDF of hashed words and word pairs, [texts, 2**18], rows of unit length.

    A text without words, and one whose every word stands in all texts, has a row of zeros.
    """
    from scipy.sparse import csr_array

    rows, columns = _hashes(texts)
    cells, counts = np.unique((rows << _BITS) | columns, return_counts=True)
    row, column = cells >> _BITS, cells & ((1 << _BITS) - 1)
    documents = np.bincount(column, minlength=1 << _BITS)
    weight = (1.0 + np.log(counts)) * np.log((1.0 + len(texts)) / documents[column])
    norms = np.sqrt(np.bincount(row, weight**2, minlength=len(texts)))
    values = np.divide(weight, norms[row], out=np.zeros_like(weight), where=norms[row] > 0)
    return csr_array((values, (row, column)), shape=(len(texts), 1 << _BITS))


def similarities(texts: Sequence[str]) -> FloatArray:
    """Cosine similarities between texts under `hashed_features`, [texts, texts]."""
    features = hashed_features(texts)
    return np.asarray((features @ features.T).toarray(), dtype=np.float64)


def _hashes(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    mask = (1 << _BITS) - 1
    hashes: list[int] = []
    lengths: list[int] = []
    for text in texts:
        words = _WORD.findall(text.casefold())
        grams = words + [f"{a} {b}" for a, b in pairwise(words)]
        hashes.extend(zlib.crc32(gram.encode()) & mask for gram in grams)
        lengths.append(len(grams))
    rows = np.repeat(np.arange(len(texts), dtype=np.int64), lengths)
    return rows, np.array(hashes, dtype=np.int64)
