"""Keys and what is known of them, for people and for programs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ostraka.cli.output import printable, write_table
from ostraka.cli.records import text_field

if TYPE_CHECKING:
    from ostraka.values import KeyValue

COLUMNS = ("KEY", "VALUE", "VERSION", "MOD REVISION", "CREATE REVISION")


def document(kv: KeyValue, *, keys_only: bool = False) -> dict[str, object]:
    """A key and what is known of it, for JSON."""
    fields: list[tuple[str, object]] = [text_field("key", kv.key)]
    if not keys_only:
        fields.append(text_field("value", kv.value))
    return dict(fields) | {
        "create_revision": kv.create_revision,
        "mod_revision": kv.mod_revision,
        "version": kv.version,
    }


def write_key_table(kvs: Iterable[KeyValue]) -> None:
    """A table with a row for each."""
    rows = [(printable(kv.key), printable(kv.value), kv.version, kv.mod_revision, kv.create_revision) for kv in kvs]
    write_table(COLUMNS, rows)
