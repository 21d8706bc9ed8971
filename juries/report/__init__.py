"""A finished run as one self-contained page, and its charts from Python.

- `write_report(run)` writes the page; `juries report RUN` is the same on the command line.
- `is_current(run)` says whether the page was drawn from the run's present scores.
- `Plots` gives each chart as an Altair chart; `run.plot` holds one.
- `read_source(folder)` gathers what both are drawn from.
"""

from __future__ import annotations

from pathlib import Path

REPORT = "report.html"
"""Name of the page in the run's folder."""
_HEAD = 4096  # the page names the scores it was drawn from before anything else


def write_report(
    run_folder: Path | str,
    output: Path | str | None = None,
    *,
    compare: Path | str | None = None,
) -> Path:
    """Write the report of a run; by default `report.html` in its folder.

    Args:
        run_folder: the run's folder.
        output: the file to write.
        compare: the folder of another run to set beside it.

    Returns:
        Where the page was written.

    Raises:
        InputError: the folder holds no run, or the page cannot be written.
        JuriesError: what draws is not installed; the message says how to install it.
    """
    from juries.report.needs import require_report

    require_report()
    from juries.report.page.writing import write_page
    from juries.report.source import read_source

    source = read_source(run_folder)
    other = None if compare is None else read_source(compare)
    target = Path(output) if output else source.directory.path / REPORT
    return write_page(source, target, other=other)


def is_current(run_folder: Path | str) -> bool:
    """Whether the run's own report was drawn from its present scores."""
    from juries.run_directory import RunDirectory

    directory = RunDirectory(Path(run_folder))
    scores = directory.read_scores()
    if scores is None:
        return False
    try:
        with (directory.path / REPORT).open(encoding="utf-8") as page:
            return scores.inputs in page.read(_HEAD)
    except (OSError, UnicodeDecodeError):
        return False


__all__ = ["is_current", "write_report"]
