"""`ratings.parquet`: every rating as one flat table, in step with the ledger.

One file; of a run with more ratings than `PART_ROWS` a folder of files, each of so many items, that
libraries read as one table. A part is written once its items are answered, and again only where the
ledger's rows have changed since: a long run that goes on exports what is new. Each part appears
whole or not at all, and memory does not grow with the run.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from graphs.items import FloatArray, Item, criterion_names, questions, shown
from graphs.ledger import Ledger
from graphs.panel import Juror
from juries.exports.ratings_frame import SCHEMA, Names, framing
from juries.progress import Progress
from juries.run_directory import RunDirectory, RunRecord
from juries.verdicts import Block, shares_table
from personas.files import replacing

PART_ROWS = 250_000
"""Ratings in a part, about; they take about 50 MB while they are written."""
READ_ROWS = 100_000
"""Rows read at once; they take about 10 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of the table.

    Attributes:
        path: where it lies, or should.
        items: positions of its items.
    """

    path: Path
    items: range


class RatingsTable:
    """The table of a run.

    Args:
        path: of its file, or of the folder of its parts.
        ledger: where the rows are; those of items beyond the names' are left out.
        names: what positions stand for.
        an_item: questions that an item puts to the whole jury, at most.
    """

    def __init__(self, path: Path, ledger: Ledger, names: Names, *, an_item: int) -> None:
        self.path = path
        self._ledger = ledger
        self._frame = framing(names)
        step = max(1, PART_ROWS // max(1, an_item * (ledger.counted + 1)))
        size = len(names.items)
        spans = [range(start, min(start + step, size)) for start in range(0, size, step)]
        self.parts = tuple(
            Part(path=path / f"part-{number:05}.parquet" if len(spans) > 1 else path, items=span)
            for number, span in enumerate(spans)
        )

    def holds(self, part: Part) -> bool:
        """Whether a part's file has what the ledger has now."""
        if not part.path.is_file():
            return False
        return pl.read_parquet_metadata(part.path).get("state") == self._ledger.mark(part.items)

    def update(self, progress: Progress) -> None:
        """Write the parts that are missing or no longer true, and remove all others.

        Raises:
            InputError: a file cannot be written.
        """
        due = [part for part in self.parts if not self.holds(part)]
        if due:
            progress.say("writing ratings.parquet")
        folder = len(self.parts) > 1
        if self.path.is_dir() and not folder:
            shutil.rmtree(self.path)
        elif self.path.is_file() and folder:
            self.path.unlink()
        for part in due:
            self.write(part)
        if folder:
            for path in set(self.path.iterdir()) - {part.path for part in self.parts}:
                path.unlink()

    def write(self, part: Part, halted: Callable[[], bool] = lambda: False) -> None:
        """Write a part, whole or not at all.

        Args:
            part: one of this table's.
            halted: whether to leave it.
        """
        mark = self._ledger.mark(part.items)  # before the rows: what comes later makes it untrue
        frames: list[pl.DataFrame] = [pl.DataFrame(schema=SCHEMA)]
        for rows in self._ledger.blocks(items=part.items, rounds="all"):
            if halted():
                return
            frames.append(self._frame(rows))
        beside = self.path.with_name(f".{self.path.name}.new")  # the folder holds parts only
        with replacing(beside, binary=True) as file:
            pl.concat(frames).write_parquet(file, metadata={"state": mark})
        part.path.parent.mkdir(exist_ok=True)
        beside.replace(part.path)


def table_of(
    directory: RunDirectory,
    record: RunRecord,
    ledger: Ledger,
    *,
    items: Sequence[Item],
    jurors: Sequence[Juror],
) -> RatingsTable:
    """The table of a run's folder, of the items that the record says it covers."""
    study = directory.read_study()
    asked = questions(study.scale)
    largest = max(items, key=lambda item: len(item.responses))
    an_item = len(shown(largest, asked)) * len(asked) * len(jurors) * study.replicates
    names = Names(
        run_id=record.fingerprint,
        items=items[: record.items],
        jurors=jurors,
        criteria=criterion_names(study.scale),
        minds=[(mind.name, mind.version) for mind in record.minds],
    )
    return RatingsTable(directory.ratings, ledger, names, an_item=an_item)


def rating_files(path: Path) -> list[Path]:
    """The files of a table that a `RatingsTable` wrote, in the order of items."""
    return sorted(path.glob("part-*.parquet")) if path.is_dir() else [path]


def read_ratings(
    path: Path,
    *,
    items: Sequence[str],
    models: Sequence[str],
    jurors: Sequence[str],
    criteria: Sequence[str],
    round_: int,
    shares: bool,
) -> Iterator[Block]:
    """The ratings of one ballot, `READ_ROWS` at a time, so that memory does not grow with the run.

    Args:
        path: of the table.
        items: ids, in study order.
        models: names, in the order of the result.
        jurors: ids, in seat order.
        criteria: names, in the order of the questions.
        round_: of the ballot.
        shares: read whole distributions; otherwise their mean points.
    """
    known = "probabilities" if shares else "expected"
    places = {"criterion": criteria, "model": models, "item_id": items, "juror_id": jurors}
    wanted = [pl.col(name).cast(pl.Enum(ids)).to_physical() for name, ids in places.items()]
    # A response's id is that of its item, a slash and its model.
    other = pl.col("against_id").str.slice(pl.col("item_id").str.len_chars() + 1)
    against = other.cast(pl.Enum(models)).to_physical().cast(pl.Int64).fill_null(-1)
    for rows in _slices(path):
        frame = (
            rows.filter(pl.col("round") == round_)
            .select(
                *wanted,
                against,
                pl.col("replicate"),
                pl.col("status").to_physical(),
                pl.col("rating").fill_null(-1),
                pl.col(known),
            )
            .collect()
        )
        places_of = {name: frame[name].cast(pl.Int64).to_numpy() for name in frame.columns[:-1]}
        found = frame[known]
        yield Block(
            criterion=places_of["criterion"],
            model=places_of["model"],
            against=places_of["against_id"],
            item=places_of["item_id"],
            juror=places_of["juror_id"],
            replicate=places_of["replicate"],
            status=places_of["status"],
            rating=places_of["rating"],
            known=_shares(found) if shares else found.fill_null(np.nan).to_numpy(),
        )


def _slices(path: Path) -> Iterator[pl.LazyFrame]:
    for file in rating_files(path):
        table = pl.scan_parquet(file)
        for start in range(0, table.select(pl.len()).collect().item(), READ_ROWS):
            yield table.slice(start, READ_ROWS)


def _shares(lists: pl.Series) -> FloatArray:
    lengths = lists.list.len().fill_null(0)
    width = lengths.max()
    if len(lists) and lengths.min() == width and width:
        return lists.explode().to_numpy().reshape(len(lists), -1).astype(np.float64)
    return shares_table([np.array(one if one is not None else ()) for one in lists.to_list()])
