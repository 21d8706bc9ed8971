"""Write `personas.csv`: 240 synthetic personas. Nobody described there exists.

Run `python examples/make_personas.py` to write the same file again. Each attribute is drawn on its
own, so none tells anything about another; only the age and education of the pool lean away from
the adult population, so that weighting has something to mend. `outlook` is invented for the
example: whether a person likes a firm answer (`decisive`) or prefers to weigh views up
(`deliberative`). The study plants effects on it. Schwartz values (1 to 6) are given for about
half of the rows, and left blank for the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from personas.files import write_rows
from personas.identity import generator
from personas.persona import SchwartzValue

ROWS = 240
SEED = 2402

SHARES: Mapping[str, Mapping[str, float]] = {
    "sex": {"Female": 0.51, "Male": 0.49},
    "region": {"Northeast": 0.2, "Midwest": 0.2, "South": 0.35, "West": 0.25},
    "education": {
        "Less than high school": 0.06,
        "High school": 0.30,
        "Associate/junior college": 0.12,
        "Bachelor's": 0.32,
        "Graduate": 0.20,
    },
    "outlook": {"decisive": 0.7, "deliberative": 0.3},
}


def synthetic_rows() -> list[dict[str, object]]:
    """The rows of the file, the same on every machine."""
    draw = generator(SEED, "example personas")
    return [synthetic_row(number, draw) for number in range(1, ROWS + 1)]


def synthetic_row(number: int, draw: np.random.Generator) -> dict[str, object]:
    """One row: a younger pool than the adult population, every attribute drawn on its own."""
    row: dict[str, object] = {
        "id": f"synthetic-{number:03d}",
        "age": 18 + int(72 * draw.beta(1.2, 1.9)),
    }
    for attribute, shares in SHARES.items():
        levels = list(shares)
        row[attribute] = levels[int(draw.choice(len(levels), p=list(shares.values())))]
    stated = draw.random() < 0.5
    priorities = np.clip(draw.normal(4.0, 1.0, size=len(SchwartzValue)), 1, 6).round(1)
    for value, priority in zip(SchwartzValue, priorities.tolist(), strict=True):
        row[f"value_{value}"] = priority if stated else ""
    return row


if __name__ == "__main__":
    write_rows(Path(__file__).with_name("personas.csv"), synthetic_rows())
