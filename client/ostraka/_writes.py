"""Writes that take effect once, however often they have to be sent.

A write is sent under a number of the client's session, again and again in the very same bytes, until an answer tells
what became of it or its time is up. Rules, by what the tries so far have told:

1. None of them can have had an effect: an error says so of the whole write. If the servers do not know the session, the
   write begins anew under another one.
2. Some try may have had an effect, it is in doubt: only its answer, or that it is lost (`AnswerLost`), ends the doubt.
   Whatever else later tries are told, is said of them and not of that one: OutcomeUnknown.
"""

from __future__ import annotations

import random

from ostraka._caller import Caller
from ostraka._routing import backoff
from ostraka._sessions import Sessions
from ostraka.clock import Clock
from ostraka.errors import AnswerLost, DeadlineExceeded, OstrakaError, OutcomeUnknown, Retryable, SessionExpired
from ostraka.v1.exchange_pb2 import Command, Reply


class Writes:
    """The writes of one client, on one event loop."""

    def __init__(self, caller: Caller, clock: Clock, rng: random.Random) -> None:
        self._caller = caller
        self._clock = clock
        self._rng = rng
        self._sessions = Sessions(caller, clock, rng)

    async def write(self, command: Command, key: bytes, timeout: float) -> Reply:
        """The reply, never an error, to a write about `key`, which is given its number here.
        Raises OstrakaError, within `timeout` seconds."""
        sessions, left = self._sessions, timeout
        deadline = self._clock.now() + timeout
        while True:
            session = sessions.current(key) or await sessions.registered(key, left)
            sequence = session.number(command)
            data = command.SerializeToString()
            try:
                return await self._caller.command(data, key, write=True, timeout=left)
            except SessionExpired:
                sessions.expired(session)
            except OutcomeUnknown as doubt:
                return await self._again(data, key, doubt, deadline)
            finally:
                session.end(sequence)
            left = deadline - self._clock.now()
            if left <= 0:
                raise DeadlineExceeded(f"the servers forgot this client again and again for {timeout:g} s")

    async def close(self) -> None:
        """Let the servers forget this client, in bounded time. Never fails. Writes that are under way go on."""
        await self._sessions.close()

    async def _again(self, data: bytes, key: bytes, doubt: OutcomeUnknown, deadline: float) -> Reply:
        """Send a write that is in doubt until that ends."""
        attempt, why, detail = 1, doubt.why, doubt.detail  # of the error of the latest try
        while True:
            now = self._clock.now()
            until = now + (detail.retry_after_ms / 1000 or backoff(self._rng, attempt))
            if until >= deadline:
                raise OutcomeUnknown(f"{why}; sent {_times(attempt)}", detail=detail) from None
            await self._caller.pause(until)
            attempt += 1
            try:
                return await self._caller.command(data, key, write=True, timeout=deadline - self._clock.now())
            except AnswerLost:
                raise
            except OstrakaError as error:
                why, detail = f"{doubt.why}; then {error.what}: {error.why}", error.detail
                if not isinstance(error, OutcomeUnknown | Retryable) or isinstance(error, SessionExpired):
                    raise OutcomeUnknown(why, detail=detail) from None


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
