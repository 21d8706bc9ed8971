"""What the database says, in words that a user can act on."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from personas.errors import InputError, JuriesError


class LedgerError(JuriesError):
    """The ledger could not be written or read; what was committed before is safe."""


@contextlib.contextmanager
def translated(path: Path) -> Generator[None]:
    """Raise what the database raises as an error for a user."""
    try:
        yield
    except DBAPIError as error:
        raise _ledger_error(path, str(error.orig)) from error
    except SQLAlchemyError as error:
        raise _ledger_error(path, str(error)) from error


def _ledger_error(path: Path, said: str) -> JuriesError:
    if "not a database" in said or "malformed" in said:
        return InputError(
            "this file is not a ledger, or it is damaged",
            where=path,
            hint="Use another --out, or restore the file from a copy.",
        )
    causes = {
        "disk is full": "The disk is full. Free some space",
        "readonly": "The folder or file cannot be written. Change its permissions",
        "unable to open": "The folder cannot be written. Use another --out",
        "locked": "Another process holds the ledger. Wait for it to end",
        "disk I/O": "The disk refused to write. Check it for space and errors",
    }
    advice = next((text for sign, text in causes.items() if sign in said), f"SQLite said: {said}")
    return LedgerError(
        f"{path}: the ledger cannot be used. {advice}; then run again with the same --out: "
        "everything committed so far is kept."
    )
