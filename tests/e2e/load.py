"""Callers that keep asking, each waiting for its answer before it asks again; all that they see is recorded.

Ten callers share a dozen keys, so that they meet often and the history can still be searched. Every value is written
once, so that a read tells who wrote what it found.
"""

from __future__ import annotations

import asyncio
import random
from types import TracebackType
from typing import Self

from ostraka.aio import Client
from ostraka.checking import Gap, History, Kind, Operation, Outcome, longest_gap
from ostraka.clock import BootClock
from tests.recorded_calls import ask, read

CALLERS_PER_KEY = 10
KEYS_PER_TEN_CALLERS = 12
VALUE_BYTES = 128
PUTS, GETS, DELETES = 50, 40, 10  # per cent


class Load:
    """Runs while it is entered. Errors other than those of an unreachable or busy cluster end it, and are raised."""

    def __init__(self, client: Client, prefix: str, *, callers: int = 100, seed: int = 0) -> None:
        """The keys begin with `prefix` and must be absent."""
        self.now = BootClock().now
        self.history = History(self.now)
        self._client = client
        self._prefix = prefix
        self._callers = callers
        self._seed = seed
        self._going = True
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._call(caller)) for caller in range(self._callers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let every caller have its last answer."""
        self._going = False
        await asyncio.gather(*self._tasks)

    async def run(self, seconds: float) -> None:
        """Keep asking for so long."""
        await asyncio.sleep(seconds)

    def acknowledged_writes(self) -> int:
        """So far."""
        return sum(map(_is_acknowledged_write, self.history.operations()))

    def unknown(self) -> int:
        """Writes of which nobody can say whether they took effect. Ask when the load has ended."""
        operations = self.history.operations()
        return sum(o.outcome is Outcome.UNKNOWN and o.kind is not Kind.GET for o in operations)

    def gap(self, begin: float, end: float) -> Gap:
        """The longest time within [begin, end] in which no write was acknowledged."""
        return longest_gap(self.history.operations(), begin, end)

    async def read_all(self) -> dict[bytes, bytes | None]:
        """Every key as it stands, each read recorded as well. After the load has ended."""
        keys = sorted({operation.key for operation in self.history.operations()})
        found = await asyncio.gather(*(read(self._client, self.history, self._callers, key) for key in keys))
        return dict(zip(keys, found, strict=True))

    async def _call(self, caller: int) -> None:
        chance = random.Random(f"{self._seed} {caller}")
        number = 0
        while self._going:
            number += 1
            key = self._key(caller, chance)
            kind = chance.choices((Kind.PUT, Kind.GET, Kind.DELETE), (PUTS, GETS, DELETES))[0]
            value = f"{caller}:{number}:".ljust(VALUE_BYTES, ".").encode()
            await ask(self._client, self.history, caller, kind, key, value)

    def _key(self, caller: int, chance: random.Random) -> bytes:
        return f"{self._prefix}{caller // CALLERS_PER_KEY}/{chance.randrange(KEYS_PER_TEN_CALLERS)}".encode()


def _is_acknowledged_write(operation: Operation) -> bool:
    return operation.kind is not Kind.GET and operation.outcome is Outcome.OK
