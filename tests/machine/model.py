"""etcd's semantics of one shard, written as naively as possible, to compare the real machine with."""

from __future__ import annotations

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command

Fields = tuple[bytes, bytes, int, int, int]
Outcome = tuple[object, ...]


class Model:
    """All rows in one dict; results as plain tuples, a refusal as its reason alone."""

    def __init__(self) -> None:
        self.rows: dict[bytes, Fields] = {}
        self.revision = 1

    def execute(self, command: Command) -> Outcome:
        request = command.put if command.HasField("put") else command.delete
        if not request.key:
            return (common_pb2.INVALID,)
        return self._put(command) if command.HasField("put") else self._delete(command)

    def _put(self, command: Command) -> Outcome:
        request = command.put
        before = self.rows.get(request.key)
        self.revision += 1
        created, version = (before[2], before[4] + 1) if before else (self.revision, 1)
        self.rows[request.key] = (request.key, request.value, created, self.revision, version)
        return self.revision, before if request.prev_kv else None

    def _delete(self, command: Command) -> Outcome:
        request = command.delete
        if request.range_end not in (b"", b"\0") and request.range_end < request.key:
            return (common_pb2.INVALID,)
        doomed = self.scan(request.key, request.range_end)
        for row in doomed:
            del self.rows[row[0]]
        self.revision += bool(doomed)
        return self.revision, len(doomed), doomed if request.prev_kv else []

    def scan(self, key: bytes, range_end: bytes) -> list[Fields]:
        return [self.rows[each] for each in sorted(self.rows) if _within(each, key, range_end)]


def _within(each: bytes, key: bytes, range_end: bytes) -> bool:
    if range_end == b"":
        return each == key
    return each >= key and (range_end == b"\0" or each < range_end)
