"""The ledger: every answer a juror gave, durable, so that a run resumes from it.

- One row a question (`Rating`), keyed by its `Cell`: nothing is recorded twice.
- Rows are committed in groups, at most `COMMIT_EVERY` seconds apart; what was yielded and not yet
  committed when the process died is asked again, nothing else.
- A row with status `failed` is kept and counted, and gives way when the question is answered later.
- The ledger belongs to one study: its fingerprint is checked whenever it is opened.

It lies in a SQLite file or, for several writers at once, in a PostgreSQL database: `Backend` is the
seam between them, and `places` says where a ledger is. `migrations` brings an old one up to date.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphs.ledger.faults import LedgerError
    from graphs.ledger.migrations import SCHEMA_VERSION
    from graphs.ledger.places import LedgerPlace, LedgerSettings, PostgresPlace
    from graphs.ledger.store import Ledger, open_ledger
    from graphs.ledger.tables import Record

_HOMES = {
    "SCHEMA_VERSION": "migrations",
    "Ledger": "store",
    "LedgerError": "faults",
    "LedgerPlace": "places",
    "LedgerSettings": "places",
    "PostgresPlace": "places",
    "Record": "tables",
    "open_ledger": "store",
}
__all__ = [
    "SCHEMA_VERSION",
    "Ledger",
    "LedgerError",
    "LedgerPlace",
    "LedgerSettings",
    "PostgresPlace",
    "Record",
    "open_ledger",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used: studies are read without a database."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value
