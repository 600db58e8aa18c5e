"""Bugs in what makes a write take effect once: the SDK that sends it again, the machine that knows it again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch
from weakref import WeakKeyDictionary

from ostraka._writes import Writes
from ostraka.errors import DeadlineExceeded, OutcomeUnknown
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.machine.sessions import Session, Sessions
from tests.simulation.mutants.mutant import Patches

WAKES_AFTER_DOUBTS = 5
"""Writes in doubt that a client has had, for bugs of the SDK, which knows no slots."""
WAKES_AFTER_USES = 150
"""Numbered writes that a machine has seen, for bugs of its sessions."""


def doubt_under_a_new_number() -> Patches:
    """The SDK sends a write that is in doubt as if it were another one."""
    original, awake = Writes._again, _after_doubts()

    async def again(self: Writes, data: bytes, key: bytes, doubt: OutcomeUnknown, deadline: float) -> Reply:
        left = deadline - self._clock.now()
        if not awake(self) or left <= 0:
            return await original(self, data, key, doubt, deadline)
        return await self.write(Command.FromString(data), key, left)

    return [patch.object(Writes, "_again", again)]


def unknown_is_failure() -> Patches:
    """The SDK says of a write that it did not happen, where nobody knows."""
    original, awake = Writes._again, _after_doubts()

    async def again(self: Writes, *arguments: Any) -> Reply:
        mistaken = awake(self)
        try:
            return await original(self, *arguments)
        except OutcomeUnknown as unknown:
            raise (DeadlineExceeded(unknown.why) if mistaken else unknown) from None

    return [patch.object(Writes, "_again", again)]


def sessions_not_stored() -> Patches:
    """Checkpoints, and so snapshots, are without the sessions used since the last one."""
    original = Sessions.changed

    def changed(self: Sessions) -> dict[bytes, bytes | None]:
        records = original(self)
        return records if self._uses < WAKES_AFTER_USES else {}

    return [patch.object(Sessions, "changed", changed)]


def sessions_forget_numbers() -> Patches:
    """A write that comes again is executed again."""
    original = Sessions.enter

    def enter(self: Sessions, client: int, sequence: int, *arguments: Any) -> Any:
        found = original(self, client, sequence, *arguments)
        session = self._table.get(client)
        known = session is not None and sequence in session.answers
        return session if known and self._uses > WAKES_AFTER_USES and not isinstance(found, Session) else found

    return [patch.object(Sessions, "enter", enter)]


def _after_doubts() -> Callable[[Writes], bool]:
    """Tells of each further write in doubt whether the client has had enough of them."""
    met = WeakKeyDictionary[Writes, int]()

    def awake(writes: Writes) -> bool:
        met[writes] = met.get(writes, 0) + 1
        return met[writes] > WAKES_AFTER_DOUBTS

    return awake
