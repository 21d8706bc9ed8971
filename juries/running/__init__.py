"""Running a study: seat the jury, put every item to it, leave a run folder behind.

- `prepare(study, base)` reads the study's files and seats the jury; nothing is asked yet.
- `run_study(prepared, directory, options)` puts every item to the jury; started again with the same
  folder it goes on where it stopped, and what the ledger holds is not asked again.
- `RunOptions` says how it is done: how much of it, by which executor, which shard.
"""

from juries.executors.options import ITEMS_IN_FLIGHT, RunOptions
from juries.running.asking import run_study
from juries.running.preparing import Prepared, prepare

__all__ = ["ITEMS_IN_FLIGHT", "Prepared", "RunOptions", "prepare", "run_study"]
