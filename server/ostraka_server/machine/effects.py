"""The digest chain: what each slot did, hashed. Equal on all replicas after the same slot, or they have diverged."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from struct import Struct

from ostraka.v1 import common_pb2
from ostraka_server.machine.base import Row

DIGEST_BYTES = 16

# Every record begins with a tag that fixes its length or tells it, so that no two sequences of effects share bytes.
_SLOT = Struct("<16sQ")
_PUT = Struct("<cIIQQQ")
_DELETE = Struct("<cQQ")
_DELETED_KEY = Struct("<IQ")
_TRANSACTION = Struct("<c?I")
_COMPACT = Struct("<cQ")
_MOMENT = Struct("<cQ")
_REFUSED = Struct("<cI")
_CLIENT = Struct("<cQ")
_NUMBERED = Struct("<cQQQ")


class Effects:
    """The effects of one slot, gathered in the order in which its commands took effect."""

    def __init__(self, digest: bytes, slot: int) -> None:
        self._hash = blake2b(_SLOT.pack(digest, slot), digest_size=DIGEST_BYTES)

    def put(self, row: Row) -> None:
        key, value, create_revision, mod_revision, version = row
        header = _PUT.pack(b"P", len(key), len(value), create_revision, mod_revision, version)
        self._hash.update(header + key + value)

    def delete(self, revision: int, rows: Sequence[Row]) -> None:
        """`rows` as they were before; their values do not count and may be missing."""
        self._hash.update(_DELETE.pack(b"D", revision, len(rows)))
        for row in rows:
            self._hash.update(_DELETED_KEY.pack(len(row.key), row.mod_revision) + row.key)

    def transact(self, succeeded: bool, writes: int) -> None:
        """`writes` effects follow, which are the transaction's."""
        self._hash.update(_TRANSACTION.pack(b"T", succeeded, writes))

    def compact(self, revision: int) -> None:
        self._hash.update(_COMPACT.pack(b"C", revision))

    def moment(self, unix_ms: int) -> None:
        """When the slot's revisions were made, as it counts."""
        self._hash.update(_MOMENT.pack(b"M", unix_ms))

    def refuse(self, reason: common_pb2.Reason.ValueType) -> None:
        self._hash.update(_REFUSED.pack(b"R", reason))

    def registered(self, client: int) -> None:
        self._hash.update(_CLIENT.pack(b"+", client))

    def forgotten(self, client: int) -> None:
        self._hash.update(_CLIENT.pack(b"-", client))

    def numbered(self, client: int, sequence: int, answered_below: int, *, again: bool) -> None:
        """A write of a known client: what it does follows, unless it is answered `again`."""
        self._hash.update(_NUMBERED.pack(b"A" if again else b"S", client, sequence, answered_below))

    def digest(self) -> bytes:
        """The chain's next link, 16 bytes."""
        return self._hash.digest()
