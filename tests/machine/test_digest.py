"""Equal where state is equal, different as soon as something took another effect."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ostraka.v1.exchange_pb2 import Command
from ostraka_server.machine import Machine
from tests.machine.bases import DictBase, apply, empty, flush
from tests.machine.commands import delete, entry, put

RUN = """
from tests.machine.bases import apply, empty, ranged
from tests.machine.commands import delete, entry, put
machine = empty()
for number in range(200):
    key = b"%d" % (number * 37 % 50)
    apply(machine, entry(put(key, b"x" * number), delete(b"1", b"2") if number % 7 == 0 else put(b"last")))
print(machine.digest.hex(), machine.revision, ranged(machine, b"0", b"\\0", bytes_max=1 << 20))
"""


def after(*entries: list[Command | bytes]) -> bytes:
    machine = empty()
    for commands in entries:
        apply(machine, entry(*commands))
    return machine.digest


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([[put(b"a", b"1")]], [[put(b"a", b"2")]]),
        ([[put(b"ab", b"c")]], [[put(b"a", b"bc")]]),
        ([[put(b"a"), put(b"b")]], [[put(b"a")], [put(b"b")]]),
        ([[put(b"a"), put(b"b")]], [[put(b"b"), put(b"a")]]),
        ([[put(b"a"), delete(b"a")]], [[put(b"a"), delete(b"b")]]),
        ([[put(b"a")]], [[put(b"a"), b"\xff"]]),
    ],
)
def test_other_effects_give_another_digest(
    left: list[list[Command | bytes]], right: list[list[Command | bytes]]
) -> None:
    assert after(*left) != after(*right)


@pytest.mark.parametrize("command", [put(b"a", b"new"), delete(b"a"), delete(b"a", b"b")])
@pytest.mark.parametrize("damage", ["row lost", "older row"])
def test_the_same_entry_on_a_store_that_differs_gives_another_digest(command: Command, damage: str) -> None:
    """Effects are hashed, not only what was asked for."""
    digests = []
    for damaged in (False, True):
        base = DictBase()
        machine = Machine(base, base.state, cache_bytes_max=0)
        apply(machine, entry(put(b"a", b"1"), put(b"a", b"2")))
        flush(machine, base)
        if damaged and damage == "row lost":
            base.rows.clear()
        elif damaged:
            base.rows[b"a"] = (b"a", b"1", 2, 2, 1)
        apply(machine, entry(command))
        digests.append(machine.digest)
    assert digests[0] != digests[1]


def test_hash_seeds_change_nothing() -> None:
    command = [sys.executable, "-c", RUN]
    outputs = {
        subprocess.run(
            command, env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)}, check=True, capture_output=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1
