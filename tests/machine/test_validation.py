from __future__ import annotations

from dataclasses import dataclass

import pytest

from ostraka.v1 import common_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import GetRequest, RangeRequest
from ostraka_server.machine import Refused, validate
from tests.machine.bases import apply, empty
from tests.machine.commands import delete, entry, get, put, requested, scan


@dataclass(frozen=True)
class Sizes:
    key_bytes_max: int = 4
    value_bytes_max: int = 8


@pytest.mark.parametrize(
    "command",
    [
        get(b"k"),
        scan(b"k"),
        scan(b"k", b"k"),  # what is left after the last key of a range
        scan(b"k", b"\0"),
        scan(b"full\0", b"next\0"),  # a page that begins right after a key of full length
        put(b"full", b"8 bytes!"),
        delete(b"a", b"b"),
    ],
)
def test_good_requests_pass(command: Command) -> None:
    assert validate(requested(command), Sizes()) is None


@pytest.mark.parametrize(
    ("command", "reason", "says"),
    [
        (get(b""), common_pb2.INVALID, "key is empty"),
        (put(b"", b"v"), common_pb2.INVALID, "key is empty"),
        (scan(b"", b"\0"), common_pb2.INVALID, "key is empty"),
        (delete(b"", b"z"), common_pb2.INVALID, "key is empty"),
        (scan(b"b", b"a"), common_pb2.INVALID, "range_end lies before key"),
        (delete(b"b", b"a"), common_pb2.INVALID, "range_end lies before key"),
        (Command(), common_pb2.INVALID, "no request"),
        (put(b"5byte", b""), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (get(b"5byte"), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (scan(b"k", b"k6byte"), common_pb2.TOO_LARGE, "key_bytes_max, 4"),
        (Command(get=GetRequest(key=b"k", revision=2, at_unix_ms=1)), common_pb2.INVALID, "revision and at_unix_ms"),
        (Command(range=RangeRequest(key=b"k", sort_order=3)), common_pb2.INVALID, "sort_order 3"),  # type: ignore[arg-type]
        (Command(range=RangeRequest(key=b"k", sort_target=5)), common_pb2.INVALID, "sort_target 5"),  # type: ignore[arg-type]
        (put(b"k", b"nine byte"), common_pb2.TOO_LARGE, "value_bytes_max, 8"),
    ],
)
def test_bad_requests_are_refused_by_name(command: Command, reason: common_pb2.Reason.ValueType, says: str) -> None:
    refused = validate(requested(command), Sizes())
    assert refused is not None and refused.reason == reason and says in refused.message


@pytest.mark.parametrize(
    "command", [b"\xff\xff", b"", put(b"", b"v"), delete(b"b", b"a"), get(b"k"), scan(b"k", b"\0")]
)
def test_a_bad_command_in_an_entry_is_a_result_and_stops_nobody(command: Command | bytes) -> None:
    machine = empty()
    first, refused, last = apply(machine, entry(put(b"a"), command, put(b"b")))
    assert isinstance(refused, Refused) and refused.reason == common_pb2.INVALID
    assert (first[0], last[0], machine.revision) == (2, 3, 3)


def test_limits_do_not_count_at_apply() -> None:
    """They are configuration: replicas may differ in them, not in what they execute."""
    machine = empty()
    apply(machine, entry(put(bytes(1 << 16), bytes(1 << 21))))
    assert machine.revision == 2
