from __future__ import annotations

import pytest

from ostraka_server.machine import UnknownEntry
from ostraka_server.wire.entry_pb2 import Entry
from tests.machine.bases import apply, empty
from tests.machine.commands import entry, put


def test_a_no_op_takes_a_slot_and_changes_nothing_else() -> None:
    machine = empty()
    before = machine.digest
    assert apply(machine, b"") == []
    assert (machine.applied_slot, machine.revision) == (1, 1)
    assert machine.digest != before


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (Entry(format=1).SerializeToString(), "format 1"),
        (Entry(number=1).SerializeToString(), "format 0"),
        (b"\xff\xff\xff", "not an entry"),
    ],
)
def test_an_unknown_entry_is_refused_by_name_and_changes_nothing(payload: bytes, says: str) -> None:
    machine = empty()
    apply(machine, entry(put(b"a")))
    before = (machine.applied_slot, machine.revision, machine.digest)
    with pytest.raises(UnknownEntry, match=says) as caught:
        apply(machine, payload)
    assert "slot 2" in str(caught.value)
    assert (machine.applied_slot, machine.revision, machine.digest) == before


def test_slots_come_in_order_without_a_gap() -> None:
    machine = empty()
    with pytest.raises(AssertionError, match="slot 2 after slot 0"):
        machine.apply(2, b"")
