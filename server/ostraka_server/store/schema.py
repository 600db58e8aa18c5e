"""Tables of a store, and whose it is. Inspect one with `sqlite-utils tables FILE --counts --schema`."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import NamedTuple
from zlib import crc32

from sqlite_utils import Database

from ostraka_server.store.errors import DamagedStore, ForeignStore, UnknownStore

FORMAT = 4

# The value comes last: what reads only keys and revisions never touches the pages that a long value spills into.
_TABLES = (
    """
CREATE TABLE kv (
    key BLOB PRIMARY KEY NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    value_crc INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE past (
    run INTEGER NOT NULL,
    key BLOB NOT NULL,
    end_revision INTEGER NOT NULL,
    rows INTEGER NOT NULL,
    crc INTEGER NOT NULL,
    block BLOB NOT NULL,
    PRIMARY KEY (run, key, end_revision)
) STRICT, WITHOUT ROWID
""",
    """
CREATE TABLE record (
    name BLOB PRIMARY KEY NOT NULL,
    crc INTEGER NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID
""",
)


class Owner(NamedTuple):
    """Whose state a store holds."""

    cluster: str
    node: str
    group: int


def prepare(connection: sqlite3.Connection, name: str, owner: Owner) -> None:
    """Create the tables of an empty database, or check those that are there.

    Raises DamagedStore, UnknownStore, ForeignStore, sqlite3.Error."""
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
    meta = _meta(connection)
    if meta.get("format") != str(FORMAT):
        raise UnknownStore(
            f"{name} has store format {meta.get('format')}, this version knows {FORMAT}: use the version that wrote it"
        )
    if meta.pop("crc", None) != _crc(connection, meta):
        raise DamagedStore(name, "its schema, or what it says of itself, is not as it was written")
    for field, mine in owner._asdict().items():
        if meta.get(field) != str(mine):
            raise ForeignStore(
                f"{name} belongs to {field} {meta.get(field)!r}, not {str(mine)!r}: "
                "point the node at its own data directory"
            )


def adopt(connection: sqlite3.Connection, name: str, owner: Owner, slot: int) -> None:
    """Make a replica's store, the state after `slot`, another replica's of the same group: the node's.

    Raises DamagedStore, UnknownStore, ForeignStore, sqlite3.Error."""
    prepare(connection, name, owner._replace(node=_meta(connection).get("node", "")))
    _write_meta(connection, owner, slot)


def installed_slot(connection: sqlite3.Connection) -> int:
    """Of which slot the store was when it was adopted; 0 where it was not. Raises sqlite3.Error."""
    return int(_meta(connection).get("installed", 0))


def _create(database: Database, owner: Owner) -> None:
    database.table("meta").create({"name": str, "value": str}, pk="name", strict=True)
    state = {"id": int, "applied_slot": int, "revision": int, "digest": bytes, "kv_rows": int, "kv_crcs": int}
    state |= {"past_rows": int, "past_crcs": int, "record_rows": int, "record_crcs": int, "crc": int}
    database.table("state").create(state, pk="id", not_null=set(state), strict=True)
    for table in _TABLES:
        database.execute(table)
    _write_meta(database.conn, owner, 0)


def _meta(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, value FROM meta"))


def _write_meta(connection: sqlite3.Connection, owner: Owner, installed: int) -> None:
    meta = {name: str(value) for name, value in {"format": FORMAT, "installed": installed, **owner._asdict()}.items()}
    meta["crc"] = _crc(connection, meta)
    connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", meta.items())


def _crc(connection: sqlite3.Connection, meta: Mapping[str, str]) -> str:
    """Over the tables' definitions and the rest of `meta`."""
    definitions = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    return str(crc32("\n".join(sorted(map(repr, (*definitions, *meta.items())))).encode()))
