"""A folder that Hugging Face `datasets` loads by name: Parquet files and a card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import yaml

from juries.exports.trl import full_rows
from personas.files import replacing, write_rows

if TYPE_CHECKING:
    from graphs.items import Item
    from juries.runs import Run
    from juries.targets.preferences import PreferenceSet
    from juries.targets.provenance import Provenance


def write_dataset(
    folder: Path, run: Run, pairs: Sequence[PreferenceSet], items: Sequence[Item]
) -> dict[str, int]:
    """Write `preferences`, `ratings` and `verdicts` as configurations of one data set.

    Args:
        folder: made if need be.
        run: whose ratings and verdicts they are.
        pairs: sets of preference pairs; they share one table, told apart by `group`.
        items: of the run.

    Returns:
        Rows by configuration; one without rows is left out.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    counts: dict[str, int] = {}
    rows = [row for each in pairs for row in full_rows(each, items)]
    if rows:
        write_rows(data / "preferences.parquet", rows)
        counts["preferences"] = len(rows)
    for name, source in (("ratings", run.directory.ratings), ("verdicts", run.directory.verdicts)):
        if source.exists():
            table = pl.scan_parquet(source)  # a file, or a folder of parts
            with replacing(data / f"{name}.parquet", binary=True) as file:
                table.sink_parquet(file)
            counts[name] = table.select(pl.len()).collect().item()
    with replacing(folder / "README.md") as file:
        file.write(_card(pairs[0].provenance, counts))
    return counts


def _card(provenance: Provenance, counts: Mapping[str, int]) -> str:
    """The data set's card; its header tells `datasets` which file is which configuration."""
    header = {
        "configs": [{"config_name": name, "data_files": f"data/{name}.parquet"} for name in counts],
        "tags": ["simulated-raters"],
    }
    rows = "\n".join(f"- `{name}`: {count:,} rows" for name, count in counts.items())
    notes = "\n".join(f"- {note}" for note in provenance.notes)
    return (
        f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n# {provenance.study}\n\n"
        f"Ratings by simulated jurors. Judged by {provenance.produced_by}. They are no evidence "
        f"about people.\n\n{rows}\n\nWelfare function of the preferences: `{provenance.welfare}`. "
        f"Study fingerprint: `{provenance.fingerprint}`.\n\n{notes}\n"
    )
