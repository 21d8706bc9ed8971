"""Pre-annotations as a flat table, one row a question and source, with columns for people to fill.

`annotator_id` and `rating` are empty; filled in, the file is read back with
`juries import-human --from csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from juries.exports.preannotation import Origin, PreAnnotation, Prediction
from personas.files import write_rows


def rows(
    preannotations: Iterable[PreAnnotation], origin: Origin, *, blind: bool = False
) -> Iterator[dict[str, object]]:
    """One row a criterion and source; the aggregate's rows carry the rationale.

    Args:
        preannotations: what the jury predicts.
        origin: where predictions come from.
        blind: leave predictions out, for people whose answers are to be compared with them.
    """
    for one in preannotations:
        asked: dict[str, object] = {
            "item_id": one.item_id,
            "model": one.model,
            "prompt": one.prompt,
            "response": one.response,
        }
        blank: dict[str, object] = {"annotator_id": "", "rating": ""}
        if blind:
            yield from ({**asked, "criterion": name, **blank} for name in one.aggregate)
            continue
        sources = {"aggregate": one.aggregate, **one.detail}
        for source, predicted in sources.items():
            for name, said in predicted.items():
                yield {
                    **asked,
                    "criterion": name,
                    **blank,
                    "source": source,
                    **_figures(said),
                    "rationale": one.rationale[name] if source == "aggregate" else "",
                    "synthetic": "yes",
                    "model_version": origin.version(source),
                    "minds": "; ".join(origin.minds),
                }


def write_table(
    path: Path, preannotations: Iterable[PreAnnotation], origin: Origin, *, blind: bool = False
) -> int:
    """Write the table in the format of the path's suffix; how many rows."""
    table = list(rows(preannotations, origin, blind=blind))
    write_rows(path, table)
    return len(table)


def _figures(said: Prediction) -> dict[str, object]:
    return {
        "predicted": said.label,
        "point": said.point,
        "confidence": said.confidence,
        "mean": said.mean,
        "disagreement": said.disagreement,
        "answered": said.answered,
        "asked": said.asked,
    }
