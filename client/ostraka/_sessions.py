"""Sessions: under which number the servers know a client's write, so that they know it again when it is sent again.

A client has one in each shard that it writes to. It registers before its first write there; all writes that are made
meanwhile wait for that.

Rules:
1. An id is registered once. Where it is unknown whether that was done, another id is drawn: a copy that came late could
   otherwise bring back a session that the servers had forgotten, and with it writes that they had answered.
2. A number belongs to one write, and is never used again, whatever became of that.
3. With each write goes the lowest number that is still unanswered. What lies below was answered or given up: the
   servers forget its answers, and refuse a copy of it that comes late.
4. Numbers in use span less than `SPAN_MAX`. Beyond that another session takes over.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final, NamedTuple

from ostraka._caller import Caller
from ostraka.clock import Clock
from ostraka.errors import ClientClosed, DeadlineExceeded, OstrakaError, OutcomeUnknown, Retryable
from ostraka.v1.exchange_pb2 import Command

SPAN_MAX: Final = 10_000
"""Below what the servers take (`machine/sessions.py`)."""
REGISTER_PAUSE_S: Final = 0.05
"""Before another id is tried."""
REGISTER_AGAIN_S: Final = 0.2
"""More than what a call's tries may leave unused of its time."""
REGISTER_ENDS_WITHIN_S: Final = 0.05
"""Of its deadline, on a busy machine."""
CLOSE_TIMEOUT_S: Final = 0.5
"""Saying goodbye is a courtesy: who is not told forgets the client in time."""


class Session:
    """A registered client id, and the numbers of its writes. `key` is one of its shard's."""

    __slots__ = ("_ended", "_lowest", "_next", "client", "key", "shard")

    def __init__(self, client: int, shard: int, key: bytes) -> None:
        self.client = client
        self.shard = shard
        self.key = key
        self._next = self._lowest = 1
        self._ended: set[int] = set()  # above the lowest, which is not

    @property
    def is_full(self) -> bool:
        """Whether numbers span as much as they may."""
        return self._next - self._lowest >= SPAN_MAX

    @property
    def is_idle(self) -> bool:
        """Whether no number is in use."""
        return self._next == self._lowest

    def number(self, command: Command) -> int:
        """Give a write its number, to be ended when nobody wants its answer any more."""
        sequence, self._next = self._next, self._next + 1
        command.client = self.client
        command.sequence = sequence
        command.answered_below = self._lowest
        return sequence

    def end(self, sequence: int) -> None:
        """The write was answered, or given up."""
        if sequence != self._lowest:
            self._ended.add(sequence)
            return
        sequence += 1
        while sequence in self._ended:
            self._ended.remove(sequence)
            sequence += 1
        self._lowest = sequence


class _Registration(NamedTuple):
    """One for all writes that wait for it, with the time that the first of them has."""

    task: asyncio.Task[OstrakaError | None]
    deadline: float

    @property
    def error(self) -> OstrakaError | None:
        """What went wrong, as far as it has ended."""
        return self.task.result() if self.task.done() and not self.task.cancelled() else None

    def ends_by(self, deadline: float) -> float:
        """Until when to wait for it, who has time until then: a little longer where it ends at that very moment itself,
        since it knows what stood in the way."""
        return deadline + REGISTER_ENDS_WITHIN_S if self.deadline == deadline else deadline

    def was_short_for(self, deadline: float) -> bool:
        """Whether who waits until then has time for another one."""
        return deadline > self.deadline + REGISTER_AGAIN_S


class Sessions:
    """Those of one client, on one event loop."""

    def __init__(self, caller: Caller, clock: Clock, rng: random.Random) -> None:
        self._caller = caller
        self._clock = clock
        self._rng = rng
        self._current: dict[int, Session] = {}  # by shard
        self._registrations: dict[int, _Registration] = {}  # by shard, the latest
        self._closed = False

    def current(self, key: bytes) -> Session | None:
        """The session of the key's shard, if there is one that can take another write."""
        session = self._current.get(self._caller.shard_of(key))
        return None if session is None or session.is_full else session

    async def registered(self, key: bytes, timeout: float) -> Session:
        """The same, once there is one. Raises OstrakaError, within `timeout` seconds: nothing was sent under it."""
        deadline = self._clock.now() + timeout
        while (session := self.current(key)) is None:
            if self._closed:
                raise ClientClosed("close() was called")
            registration = self._registration(key, deadline)
            await self._caller.pause(registration.ends_by(deadline), registration.task)
            error = registration.error
            if not registration.task.done():
                error = DeadlineExceeded(f"the client could not be registered with the key's shard in {timeout:g} s")
            if error is not None and not (isinstance(error, Retryable) and registration.was_short_for(deadline)):
                raise type(error)(error.why, detail=error.detail)  # one for each of those that wait
        return session

    def _registration(self, key: bytes, deadline: float) -> _Registration:
        """The one that is under way, begun now if there is none."""
        shard = self._caller.shard_of(key)
        registration = self._registrations.get(shard)
        if registration is None or registration.task.done():
            task = asyncio.create_task(self._register(shard, key, deadline))
            registration = self._registrations[shard] = _Registration(task, deadline)
        return registration

    def expired(self, session: Session) -> None:
        """The servers do not know it any more."""
        self._current = {shard: each for shard, each in self._current.items() if each is not session}

    async def close(self) -> None:
        """Have the servers forget this client, as far as they can be reached and no write is under way. Never fails."""
        self._closed = True
        for registration in self._registrations.values():
            registration.task.cancel()
        idle = {id(session): session for session in self._current.values() if session.is_idle}
        self._current.clear()
        await asyncio.gather(*map(self._close, idle.values()))

    async def _register(self, shard: int, key: bytes, deadline: float) -> OstrakaError | None:
        """Register, under as many ids as it takes; what went wrong, if it came to nothing."""
        why = ""
        while (left := deadline - self._clock.now()) > 0:
            client = self._rng.getrandbits(64) or 1  # 0 stands for none
            command = Command()
            command.register.shard = shard
            command.register.client = client
            try:
                reply = await self._caller.command(command.SerializeToString(), key, write=True, timeout=left)
            except OutcomeUnknown as unknown:  # rule 1
                why = unknown.why
                again_at = self._clock.now() + REGISTER_PAUSE_S
                if again_at >= deadline:
                    break
                await self._caller.pause(again_at)
            except OstrakaError as error:
                if why and isinstance(error, DeadlineExceeded):
                    break  # the last try had hardly any time: what stood in the way before tells more
                return error.with_traceback(None)
            else:
                session = Session(client, shard, key)
                self._current[shard] = self._current[reply.register.header.shard] = session
                return None
        return DeadlineExceeded(f"the client could not be registered: {why or 'no time was left'}")

    async def _close(self, session: Session) -> None:
        command = Command()
        command.close.shard = session.shard
        command.close.client = session.client
        with contextlib.suppress(OstrakaError):
            await self._caller.command(command.SerializeToString(), session.key, write=True, timeout=CLOSE_TIMEOUT_S)
