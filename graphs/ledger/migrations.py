"""Versions of the ledger's schema, and the steps from each to the next.

`about` holds the version. A ledger of an older one is brought up to date when it is opened, in one
transaction, so that a crash leaves the old one; a newer one is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import sqlalchemy as sa

from graphs.ledger.places import LedgerPlace
from graphs.ledger.tables import about, calls_by_item, replies
from personas.errors import InputError


def _keep_replies(connection: sa.Connection) -> None:
    """Keep what models under test replied, and find the calls about an item without a scan."""
    replies.create(connection, checkfirst=True)
    calls_by_item.create(connection, checkfirst=True)


STEPS: Mapping[int, Callable[[sa.Connection], None]] = MappingProxyType({2: _keep_replies})
"""By the version that a step leads to, from the one before it."""
SCHEMA_VERSION = max(STEPS)


def upgrade(connection: sa.Connection, said: Mapping[str, str], place: LedgerPlace) -> None:
    """Bring a ledger to `SCHEMA_VERSION`, inside the caller's transaction.

    Args:
        connection: to the ledger.
        said: what `about` holds.
        place: of the ledger, for messages.

    Raises:
        InputError: it was written by a newer version of juries.
    """
    version = said.get("schema", "")
    if not version.isdigit() or not 0 < int(version) <= SCHEMA_VERSION:
        raise InputError(
            "this ledger was written by a newer version of juries",
            where=str(place),
            found=f"schema {version}",
            expected=f"schema {SCHEMA_VERSION} or older",
            hint="Upgrade juries, or start again with another --out.",
        )
    if int(version) == SCHEMA_VERSION:
        return
    for step in range(int(version) + 1, SCHEMA_VERSION + 1):
        STEPS[step](connection)
    connection.execute(
        sa.update(about).where(about.c.key == "schema").values(value=str(SCHEMA_VERSION))
    )
