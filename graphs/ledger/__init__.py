"""The ledger: every answer a juror gave, durable, so that a run resumes from it.

- One row a question (`Rating`), keyed by its `Cell`: nothing is recorded twice.
- Rows are committed in groups, at most `COMMIT_EVERY` seconds apart; what was yielded and not yet
  committed when the process died is asked again, nothing else.
- A row with status `failed` is kept and counted, and gives way when the question is answered later.
- The ledger belongs to one study: its fingerprint is checked whenever it is opened.

SQLite in WAL mode with `synchronous=NORMAL`: a killed process loses nothing committed; a power cut
may lose the last commits, never the file.
"""

from graphs.ledger.faults import LedgerError
from graphs.ledger.store import Ledger, open_ledger
from graphs.ledger.tables import SCHEMA_VERSION, Record

__all__ = ["SCHEMA_VERSION", "Ledger", "LedgerError", "Record", "open_ledger"]
