"""A checkpoint in a dict: the simplest `Base` there can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ostraka.v1.kv_pb2 import RangeRequest
from ostraka_server.machine import (
    EMPTY_STATE,
    Delta,
    Machine,
    MachineState,
    PastFields,
    RangeResult,
    Result,
    RowFields,
    read,
)


class DictBase:
    """Also counts what it is asked, to tell whether the machine asks more than it should."""

    def __init__(self) -> None:
        self.rows: dict[bytes, RowFields] = {}
        self.past: dict[tuple[bytes, int], PastFields] = {}
        self.all_records: dict[bytes, bytes] = {}
        self.state: MachineState = EMPTY_STATE
        self.gets: list[bytes] = []
        self.scans_open = self.rows_read = 0

    def get(self, key: bytes) -> RowFields | None:
        self.gets.append(key)
        return self.rows.get(key)

    @contextmanager
    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> Iterator[Iterator[Sequence[RowFields]]]:
        self.scans_open += 1
        found = self._read(self.rows, _between(self.rows, start, end)[:: -1 if descending else 1])
        yield zip(found if values else ((row[0], b"", *row[2:]) for row in found), strict=True)
        self.scans_open -= 1

    def count(self, start: bytes, end: bytes | None) -> tuple[int, int]:
        return len(_between(self.rows, start, end)), self.state.applied_slot

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        return next(iter(_between(self.rows, start, end)[keys:]), None)

    def get_at(self, key: bytes, revision: int) -> RowFields | None:
        return self._at(revision).get(key)

    @contextmanager
    def scan_at(
        self, start: bytes, end: bytes | None, revision: int, *, values: bool, descending: bool = False
    ) -> Iterator[Iterator[Sequence[RowFields]]]:
        self.scans_open += 1
        rows = self._at(revision)
        found = self._read(rows, _between(rows, start, end)[:: -1 if descending else 1])
        yield zip(found if values else ((row[0], b"", *row[2:]) for row in found), strict=True)
        self.scans_open -= 1

    def count_at(self, start: bytes, end: bytes | None, revision: int) -> tuple[int, int]:
        return len(_between(self._at(revision), start, end)), self.state.applied_slot

    def records(self) -> dict[bytes, bytes]:
        return dict(self.all_records)

    def write(self, delta: Delta) -> None:
        for key, row in delta.changes.items():
            if row is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = row
        self.past.update({(row[0], row[3]): row for row in delta.past})
        for name, record in delta.records.items():
            if record is None:
                self.all_records.pop(name, None)
            else:
                self.all_records[name] = record
        self.state = delta.state

    def reclaim(self, compact_revision: int, blocks_max: int) -> bool:
        """All at once."""
        self.past = {place: row for place, row in self.past.items() if row[5] > compact_revision}
        return False

    @property
    def past_rows(self) -> int:
        return len(self.past)

    def checkpoint(self) -> int | None:
        return self.state.applied_slot

    def _read(self, rows: Mapping[bytes, RowFields], keys: Iterable[bytes]) -> Iterator[RowFields]:
        for key in keys:
            self.rows_read += 1
            yield rows[key]

    def _at(self, revision: int) -> dict[bytes, RowFields]:
        ended = {row[0]: row[:5] for row in self.past.values() if row[3] <= revision < row[5]}
        return ended | {key: row for key, row in self.rows.items() if row[3] <= revision}


def _between(rows: Mapping[bytes, object], start: bytes, end: bytes | None) -> list[bytes]:
    return sorted(key for key in rows if key >= start and (end is None or key < end))


def empty(*, cache_bytes_max: int = 1 << 20) -> Machine:
    return Machine(DictBase(), EMPTY_STATE, cache_bytes_max=cache_bytes_max)


def apply(machine: Machine, payload: bytes) -> list[Result]:
    return machine.apply(machine.applied_slot + 1, payload)


def flush(machine: Machine, base: DictBase) -> None:
    delta = machine.begin_flush()
    assert delta is not None
    base.write(delta)
    machine.end_flush()


def ranged(
    machine: Machine, key: bytes = b"\0", range_end: bytes = b"\0", *, bytes_max: int = 1 << 30, **options: Any
) -> RangeResult:
    """What the present answers to a RangeRequest; of all keys, by default."""
    return read(machine.rows, RangeRequest(key=key, range_end=range_end, **options), bytes_max)
