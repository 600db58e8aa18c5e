"""The real machine on the real store against a naive model: any commands, any flushes, any restarts."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from ostraka.v1.exchange_pb2 import Command
from ostraka_server.machine import EMPTY_STATE, Delta, Machine, MachineState, Refused, Result
from ostraka_server.store import MemoryFactory, Owner, Store
from tests.machine.bases import empty, ranged
from tests.machine.commands import delete, entry, put
from tests.machine.model import Model, Outcome

OWNER = Owner("c", "n1", 1)

KEYS = st.sampled_from([b"", b"\0", b"a", b"a\0", b"ab", b"b", b"c", b"\xff"])
PUTS = st.builds(put, KEYS, st.binary(max_size=3), prev_kv=st.booleans())
DELETES = st.builds(delete, KEYS, KEYS, prev_kv=st.booleans())
PLAIN_DELETES = st.builds(delete, KEYS, prev_kv=st.booleans())
COMMANDS = st.lists(st.one_of(PUTS, PUTS, PLAIN_DELETES, DELETES), max_size=4)
CACHES = st.sampled_from([0, 900, 2500, 1 << 20])


def plain(result: Result) -> Outcome:
    """As the model says it."""
    match result:
        case Refused():
            return (result.reason,)
        case (revision, deleted, prev):
            return revision, deleted, list(prev)
    return tuple(result)


class Checkpoints(RuleBasedStateMachine):
    """`machine` flushes and restarts; `steady`, another replica, does neither; `model` knows nothing of either."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[bytes] = []
        self.model, self.steady = Model(), empty()
        self.factory = MemoryFactory()
        self.store = Store.open(self.factory, OWNER)
        self.machine = Machine(self.store, EMPTY_STATE, cache_bytes_max=0)
        self.delta: Delta | None = None

    @rule(commands=COMMANDS)
    def apply(self, commands: list[Command]) -> None:
        payload = entry(*commands) if commands else b""
        self.log.append(payload)
        expected = [self.model.execute(command) for command in commands]
        for machine in (self.machine, self.steady):
            assert [plain(result) for result in machine.apply(len(self.log), payload)] == expected

    @precondition(lambda self: self.delta is None)
    @rule()
    def begin_flush(self) -> None:
        self.delta = self.machine.begin_flush()

    @precondition(lambda self: self.delta is not None)
    @rule()
    def write(self) -> None:
        """Also more than once: a write whose end was not learnt is repeated."""
        assert self.delta is not None
        self.store.write(self.delta)

    @precondition(lambda self: self.delta is not None)
    @rule()
    def end_flush(self) -> None:
        self.write()
        self.machine.end_flush()
        self.delta = None

    @rule(cache_bytes_max=CACHES)
    def restart(self, cache_bytes_max: int) -> None:
        """Memory is lost, and with it a flush that was not written."""
        image = self.factory.serialize()
        self.store.close()
        self.factory = MemoryFactory(image)
        self.store = Store.open(self.factory, OWNER)
        state = self.store.state()
        self.machine = Machine(
            self.store, MachineState(*state) if state else EMPTY_STATE, cache_bytes_max=cache_bytes_max
        )
        self.delta = None
        for slot in range(self.machine.applied_slot + 1, len(self.log) + 1):
            self.machine.apply(slot, self.log[slot - 1])

    @rule(key=KEYS, range_end=KEYS, limit=st.integers(0, 3), keys_only=st.booleans())
    def read(self, key: bytes, range_end: bytes, limit: int, keys_only: bool) -> None:
        expected = self.model.scan(key, range_end)
        result = ranged(self.machine, key, range_end, bytes_max=1 << 20, limit=limit, keys_only=keys_only)
        rows = expected[: limit or None]
        assert list(result.rows) == [(row[0], b"" if keys_only else row[1], *row[2:]) for row in rows]
        assert (result.more, result.count) == (len(rows) < len(expected), len(expected))

    @rule(keys=st.sets(KEYS))
    def get(self, keys: set[bytes]) -> None:
        for key in sorted(keys):
            assert self.machine.get(key) == self.model.rows.get(key)

    @invariant()
    def all_agree(self) -> None:
        assert self.machine.revision == self.steady.revision == self.model.revision
        assert self.machine.applied_slot == self.steady.applied_slot == len(self.log)
        assert self.machine.digest == self.steady.digest
        everything = self.model.scan(b"\0", b"\0")
        assert list(ranged(self.machine, b"\0", b"\0", bytes_max=1 << 20).rows) == everything
        assert ranged(self.machine, b"\0", b"\0", bytes_max=0, count_only=True).count == len(everything)

    def teardown(self) -> None:
        self.store.close()


def test_any_schedule_of_flushes_and_restarts_gives_the_same_state() -> None:
    profile = settings(max_examples=80, stateful_step_count=40, deadline=None, derandomize=True, database=None)
    run_state_machine_as_test(Checkpoints, settings=profile)
