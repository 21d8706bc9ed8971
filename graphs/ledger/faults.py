"""What the database says, in words that a user can act on."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Generator

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from graphs.ledger.places import LedgerPlace, PostgresPlace, redacted
from personas.errors import InputError, JuriesError

_SQLITE = {
    "disk is full": "The disk is full. Free some space",
    "readonly": "The folder or file cannot be written. Change its permissions",
    "unable to open": "The folder cannot be written. Use another --out",
    "locked": "Another process holds the ledger. Wait for it to end",
    "disk I/O": "The disk refused to write. Check it for space and errors",
}
_REFUSED_LOGINS = ("password authentication failed", "no password supplied", "no pg_hba.conf entry")


class LedgerError(JuriesError):
    """The ledger could not be written or read; what was committed before is safe."""


@contextlib.contextmanager
def translated(place: LedgerPlace) -> Generator[None]:
    """Raise what the database raises as an error for a user."""
    try:
        yield
    except DBAPIError as error:
        raise ledger_error(place, error.orig) from None
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise ledger_error(place, error) from None


def ledger_error(place: LedgerPlace, error: BaseException | None) -> JuriesError:
    """What a user can do about an error of the driver; no password is repeated."""
    said = " ".join(redacted(str(error)).split())
    if isinstance(place, PostgresPlace):
        return _of_postgres(place, said, state=getattr(error, "sqlstate", None) or "")
    if "not a database" in said or "malformed" in said:
        return InputError(
            "this file is not a ledger, or it is damaged",
            where=place,
            hint="Use another --out, or restore the file from a copy.",
        )
    advice = next((text for sign, text in _SQLITE.items() if sign in said), f"SQLite said: {said}")
    return LedgerError(
        f"{place}: the ledger cannot be used. {advice}; then run again with the same --out: "
        "everything committed so far is kept."
    )


def _of_postgres(place: PostgresPlace, said: str, *, state: str) -> JuriesError:
    if state.startswith("28") or any(sign in said for sign in _REFUSED_LOGINS):
        return InputError(
            f"the database refused the login ({said})",
            where=place.url,
            hint="Give the password by PGPASSWORD or ~/.pgpass; run folders do not keep it.",
        )
    if state == "3D000" or ("database" in said and "does not exist" in said):
        return InputError(
            f"there is no such database ({said})", where=place.url, hint="Make it with createdb."
        )
    if state == "42501":
        return InputError(
            f"the user may not do this ({said})",
            where=place.url,
            hint="Let it make schemas: GRANT CREATE ON DATABASE ... TO ...",
        )
    advice = f"PostgreSQL said: {said}"
    if state == "53100":
        advice = "The server's disk is full. Free some space"
    return LedgerError(
        f"{place}: the ledger cannot be used. {advice}; then run again with the same --out: "
        "everything committed so far is kept."
    )
