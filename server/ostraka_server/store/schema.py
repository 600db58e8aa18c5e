"""Tables of a store, and whose it is. Inspect one with `sqlite-utils tables FILE --counts --schema`."""

from __future__ import annotations

import sqlite3
from typing import NamedTuple

from sqlite_utils import Database

from ostraka_server.store.errors import ForeignStore, UnknownStore

FORMAT = 1

# The value comes last: what reads only keys and revisions never touches the pages that a long value spills into.
_ROWS = """
CREATE TABLE kv (
    key BLOB PRIMARY KEY NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID
"""


class Owner(NamedTuple):
    """Whose state a store holds."""

    cluster: str
    node: str
    group: int


def prepare(connection: sqlite3.Connection, name: str, owner: Owner) -> None:
    """Create the tables of an empty database, or check those that are there. Raises UnknownStore, ForeignStore."""
    database = Database(connection, execute_plugins=False)
    tables = set(database.table_names())
    if not tables:
        with database.atomic():
            _create(database, owner)
        return
    if "meta" not in tables:
        raise UnknownStore(
            f"{name} is a SQLite database but no Ostraka store: point the node at its own data directory"
        )
    meta = {row["name"]: row["value"] for row in database.table("meta").rows}
    if meta.get("format") != str(FORMAT):
        raise UnknownStore(
            f"{name} has store format {meta.get('format')}, this version knows {FORMAT}: use the version that wrote it"
        )
    for field, mine in owner._asdict().items():
        if meta.get(field) != str(mine):
            raise ForeignStore(
                f"{name} belongs to {field} {meta.get(field)!r}, not {str(mine)!r}: "
                "point the node at its own data directory"
            )


def adopt(connection: sqlite3.Connection, name: str, owner: Owner) -> None:
    """Make a replica's store another replica's of the same group: the node's. Raises UnknownStore, ForeignStore."""
    meta = dict(connection.execute("SELECT name, value FROM meta").fetchall())
    prepare(connection, name, owner._replace(node=meta.get("node", "")))
    connection.execute("UPDATE meta SET value = ? WHERE name = 'node'", (owner.node,))


def _create(database: Database, owner: Owner) -> None:
    database.table("meta").create({"name": str, "value": str}, pk="name", strict=True)
    meta = {"format": FORMAT, **owner._asdict()}
    database.table("meta").insert_all({"name": name, "value": str(value)} for name, value in meta.items())
    state = {"id": int, "applied_slot": int, "revision": int, "digest": bytes}
    database.table("state").create(state, pk="id", not_null=set(state), strict=True)
    database.execute(_ROWS)
