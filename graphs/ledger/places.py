"""Where a ledger lies: a SQLite file, or a schema of a PostgreSQL database.

A password never leaves this process. It is cut from a URL as soon as one is read, remembered until
the process ends, and put back only to connect; whoever opens the ledger later gives it by
`PGPASSWORD` or `~/.pgpass`, which PostgreSQL's own client reads.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from personas.errors import InputError
from personas.settings import Settings

if TYPE_CHECKING:
    import sqlalchemy as sa

DRIVER = "postgresql+psycopg"
_ACCEPTED = (DRIVER, "postgresql", "postgres")
_SECRETS = ("password", "sslpassword")
_REMEMBERED: dict[str, dict[str, str]] = {}
_EXPECTED = "postgresql+psycopg://user@host:port/database"
_IN_URL = re.compile(r"(://[^:/?#\s'\"]*):[^\s'\"]*@|([?&](?:ssl)?password=)[^&\s'\"]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresPlace:
    """A ledger in a PostgreSQL database, in a schema of its own beside those of other studies.

    Attributes:
        url: of the database, without a password (`without_password`).
        schema: letters, digits and `_`.
    """

    url: str
    schema: str

    def __str__(self) -> str:
        return f"{self.url} (schema {self.schema})"


LedgerPlace: TypeAlias = Path | PostgresPlace


def redacted(text: str) -> str:
    """The text with every password in a URL cut out, and every password given to this process."""
    text = _IN_URL.sub(lambda found: found[2] if found[1] is None else f"{found[1]}@", text)
    for secrets in _REMEMBERED.values():
        for secret in filter(None, secrets.values()):
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", text)
    return text


def without_password(url: str) -> str:
    """The URL to write down: with psycopg named as the driver, and its password only remembered.

    Raises:
        ValueError: not the URL of a PostgreSQL database; the message does not repeat it.
    """
    import sqlalchemy as sa
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ValueError("this is not the URL of a database") from None
    if parsed.drivername not in _ACCEPTED or not parsed.database:
        raise ValueError("this is not the URL of a PostgreSQL database")
    secrets = {
        name: value
        for name, value in (("password", parsed.password), *parsed.query.items())
        if name in _SECRETS and isinstance(value, str)
    }
    bare = sa.URL.create(  # `set` takes no None, and would keep the password
        DRIVER,
        username=parsed.username,
        host=parsed.host,
        port=parsed.port,
        database=parsed.database,
        query=parsed.query,
    ).difference_update_query(_SECRETS)
    shown = bare.render_as_string(hide_password=False)
    if secrets:
        _REMEMBERED[shown] = secrets
    return shown


def connection_url(url: str) -> sa.URL:
    """The URL to connect with: of `without_password`, with what was cut from it."""
    import sqlalchemy as sa

    secrets = _REMEMBERED.get(url, {})
    rest = {name: value for name, value in secrets.items() if name != "password"}
    return sa.make_url(url).set(password=secrets.get("password")).update_query_dict(rest)


def in_database(settings: LedgerSettings | str | None, fingerprint: str) -> PostgresPlace | None:
    """Where a study with this fingerprint wants its ledger; None for a file in the run's folder."""
    if isinstance(settings, str):
        settings = LedgerSettings(url=settings)
    return None if settings is None else settings.place(fingerprint)


def ledger_option(url: str) -> str:
    """A URL given on the command line, as a study holds it.

    Raises:
        InputError: it is not of a PostgreSQL database; the message does not repeat it.
    """
    try:
        return without_password(url)
    except ValueError as error:
        raise InputError(str(error), where="--ledger", expected=_EXPECTED) from None


def _checked(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return without_password(value)
    except ValueError as error:
        raise PydanticCustomError(
            "ledger_url",
            "{problem}; expected {expected}",
            {"problem": str(error), "expected": _EXPECTED},
        ) from None


PostgresUrl = Annotated[str, BeforeValidator(_checked)]
"""Of a database, `postgresql+psycopg://user@host:port/database`; a password in it is cut out."""


class LedgerSettings(Settings):
    """Where a run's answers are kept, in place of a SQLite file in its folder.

    Attributes:
        url: of a PostgreSQL database, `postgresql+psycopg://user@host:port/database`. The password
            is better left to `PGPASSWORD` or `~/.pgpass`; one that stands here is written nowhere.
        run: sets this run apart from others of the same study in the same database.
    """

    url: PostgresUrl
    run: Annotated[str, Field(pattern=r"^[a-z0-9_]{0,24}$")] = ""

    def place(self, fingerprint: str) -> PostgresPlace:
        """The ledger of the study with this fingerprint."""
        name = f"juries_{fingerprint}" + (f"_{self.run}" if self.run else "")
        return PostgresPlace(url=self.url, schema=name)
