"""`run(study)` and the `Run` it leaves: the Python side of the command line."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from juries.executors.placement import Placement
from juries.progress import Progress, Silent
from juries.run_directory import RunDirectory, RunRecord
from juries.scores import Scores
from juries.spec import Study
from juries.study_file import load_model, validate
from personas.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from juries.concluding import Gathered
    from juries.report.plots import Plots
    from juries.running import Prepared, RunOptions

_T = TypeVar("_T")


class Run:
    """A run folder: what ran, every rating, and what is concluded from them."""

    def __init__(self, path: Path | str) -> None:
        self.directory = RunDirectory(Path(path))
        self.record: RunRecord = self.directory.read_record()

    @property
    def path(self) -> Path:
        """The folder."""
        return self.directory.path

    @property
    def study(self) -> Study:
        """The study as it ran, paths absolute."""
        return self.directory.read_study()

    @property
    def ratings(self) -> pl.DataFrame:
        """Every rating, one row each, as a polars frame (`.to_pandas()`, `.to_arrow()`).

        For a run too large for memory, scan `run.directory.ratings` with polars instead.
        """
        import polars as pl

        return pl.read_parquet(self.directory.ratings)

    @property
    def verdicts(self) -> pl.DataFrame:
        """What the jury concluded of each response: one row an item and model."""
        import polars as pl

        return pl.read_parquet(self.directory.verdicts)

    def gather(self) -> Gathered:
        """Every answer as arrays (`.verdicts`), with the items and jurors that are their axes.

        Read from the ledger at each call; keep the result where it is needed twice.

        Raises:
            JuriesError: nothing was recorded yet.
        """
        from juries.concluding import gather

        return gather(self.directory, self.record, Silent())

    @property
    def plot(self) -> Plots:
        """The run's charts as methods: `run.plot.welfare_curve()`; `list(run.plot)` names them.

        Raises:
            JuriesError: altair is not installed; the message says how to install it.
        """
        from juries.report.plots import Plots

        return Plots(self.path)

    def scores(self) -> Scores:
        """The scores written last; computed now where there are none."""
        return self.directory.read_scores() or self.score()

    def score(self, study: Study | None = None, *, progress: Progress | None = None) -> Scores:
        """Conclude from the ratings recorded so far, and write `scores.json`.

        Args:
            study: another study file's `scores` section may be used on the same ratings.
            progress: told what is being computed.

        Raises:
            JuriesError: nothing was recorded yet, or this is one shard of a study.
        """
        from juries.concluding import conclude

        if self.record.shard is not None:
            raise InputError(
                f"this is shard {self.record.shard} of a study, which says nothing by itself",
                where=self.path,
                hint="Put all shards together first: juries merge RUN... --out DIR.",
            )
        spec = (study or self.study).scores
        scores = conclude(self.directory, self.record, spec, progress or Silent())
        scores.write(self.directory.scores)
        return scores

    def __repr__(self) -> str:
        state = "complete" if self.record.complete else "unfinished"
        minds = ", ".join(mind.name for mind in self.record.minds)
        return f"<Run {self.record.study!r} at {self.path}: {state}, judged by {minds}>"


def load_study(source: Study | Mapping[str, Any] | Path | str) -> tuple[Study, Path]:
    """A study and the folder its paths are relative to.

    Args:
        source: a `Study`, its content, or the path of a YAML file.

    Raises:
        InputError: the file or its content is not a study.
    """
    if isinstance(source, Study):
        return source, Path.cwd()
    if isinstance(source, Mapping):
        return validate(Study, dict(source), where="study"), Path.cwd()
    path = Path(source)
    return load_model(path, Study), path.resolve().parent


def run(
    study: Study | Mapping[str, Any] | Path | str,
    *,
    out: Path | str | None = None,
    seed: int | None = None,
    limit: int | None = None,
    in_flight: int | None = None,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    placement: Placement | None = None,
) -> Run:
    """Run a study to its scores; with an `out` that was used before, go on where it stopped.

    Args:
        study: a `Study`, its content, or the path of a YAML file.
        out: the run's folder; without it `runs/<name of the study>`.
        seed: in place of the study's.
        limit: only the first so many items.
        in_flight: items put to the jury at once.
        progress: told how far the run is.
        stop: once set, no further item is begun.
        placement: who does the work, and which shard this is; without it this process, all of it.
            A shard is not scored: `juries.merging.merge` puts shards together.

    Raises:
        InputError: the study or its files cannot be used.
        LedgerError: the folder cannot be written; what was recorded is kept.
    """
    from juries.running import prepare

    loaded, base = load_study(study)
    if seed is not None:
        loaded = loaded.model_copy(update={"seed": seed})
    directory = RunDirectory(Path(out) if out is not None else default_folder(loaded))
    prepared = prepare(loaded, base)
    options = _options(limit, in_flight, progress, stop, placement)
    with directory.held():
        result = _rate(prepared, directory, options)
        del prepared  # the texts are in the folder now, and scoring wants the memory
        if result.record.recorded and result.record.shard is None:
            result.score(progress=progress)
    return result


def rate(
    study: Study,
    *,
    out: Path,
    limit: int | None = None,
    in_flight: int | None = None,
    progress: Progress | None = None,
    stop: asyncio.Event | None = None,
    placement: Placement | None = None,
) -> Run:
    """Put a study to its jury and score nothing; arguments as those of `run`.

    Args:
        study: its paths are relative to the working directory, or absolute.
        out: the run's folder.
        limit: only the first so many items.
        in_flight: items put to the jury at once.
        progress: told how far the run is.
        stop: once set, no further item is begun.
        placement: who does the work, and which shard this is.
    """
    from juries.running import prepare

    directory = RunDirectory(out)
    with directory.held():
        prepared = prepare(study, Path.cwd())
        return _rate(prepared, directory, _options(limit, in_flight, progress, stop, placement))


def _rate(prepared: Prepared, directory: RunDirectory, options: RunOptions) -> Run:
    from juries.running import run_study

    wait(run_study(prepared, directory, options))
    return Run(directory.path)


def _options(
    limit: int | None,
    in_flight: int | None,
    progress: Progress | None,
    stop: asyncio.Event | None,
    placement: Placement | None,
) -> RunOptions:
    from juries.running import ITEMS_IN_FLIGHT, RunOptions

    return RunOptions(
        limit=limit,
        in_flight=in_flight or ITEMS_IN_FLIGHT,
        progress=progress or Silent(),
        stop=stop,
        placement=placement or Placement(),
    )


def open_run(path: Path | str) -> Run:
    """A run that was made before.

    Raises:
        InputError: the folder holds no run.
    """
    return Run(path)


def default_folder(study: Study) -> Path:
    """`runs/<name>`, the name reduced to letters, digits, dots and dashes."""
    safe = "".join(c if c.isalnum() or c in "-_" else "-" for c in study.name).strip("-")
    return Path("runs") / (safe or "study")


def wait(work: Coroutine[Any, Any, _T]) -> _T:
    """Run to the end, also where an event loop is running already, as in a notebook."""
    if not _inside_a_loop():
        return asyncio.run(work)
    outcome: list[_T] = []
    failure: list[BaseException] = []

    def target() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 (raised again in the caller's thread)
            failure.append(error)

    thread = threading.Thread(target=target, name="juries-run")
    thread.start()
    thread.join()
    if failure:
        raise failure[0]
    return outcome[0]


def _inside_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
