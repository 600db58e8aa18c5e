"""Callers that keep asking while things go wrong; what they see is recorded, and checked in the end."""

from __future__ import annotations

import asyncio
from random import Random
from types import TracebackType
from typing import Self

from ostraka.aio import Client
from ostraka.checking import History, Kind, Operation, Outcome, check_linearizable, lost_writes
from tests.recorded_calls import ask, read
from tests.simulation.stack.cluster import Cluster

CALLERS = 8
KEYS = 6
THINK_S = 0.02
"""Between an answer and the next question, on average."""

PUTS, GETS, DELETES = 50, 40, 10  # per cent


class Load:
    """Runs while it is entered; on leaving, every caller gets its last answer."""

    def __init__(self, cluster: Cluster, *clients: Client, callers: int = CALLERS) -> None:
        """Callers use the given clients in turn, by default one that knows every node."""
        self.history = History(lambda: cluster.now)
        self._cluster = cluster
        self._clients = clients or (cluster.client(),)
        self._callers = callers
        self._going = True
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._call(caller)) for caller in range(self._callers)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)

    @property
    def writes(self) -> list[Operation]:
        """Those acknowledged so far."""
        return [o for o in self.history.operations() if o.kind is not Kind.GET and o.outcome is Outcome.OK]

    async def check(self) -> None:
        """After the load: nothing acknowledged is lost, all replicas agree, and the history is linearizable."""
        final: dict[bytes, bytes | None] = {}
        for number in range(KEYS):
            key = f"key {number}".encode()
            final[key] = await read(self._clients[0], self.history, self._callers, key)
        await self._cluster.until_level()
        operations = self.history.operations()
        assert lost_writes(operations, final) == []
        verdict = check_linearizable(operations)
        assert verdict.ok, str(verdict)
        for node in self._cluster.alive:
            assert node.up.gateway.in_flight == 0, "a call that was never answered"

    async def _call(self, caller: int) -> None:
        random = Random(f"caller {caller} {self._cluster.random.random()}")
        client = self._clients[caller % len(self._clients)]
        number = 0
        while self._going:
            number += 1
            key = f"key {random.randrange(KEYS)}".encode()
            kind = random.choices((Kind.PUT, Kind.GET, Kind.DELETE), (PUTS, GETS, DELETES))[0]
            value = f"{caller}:{number}".encode()
            await ask(client, self.history, caller, kind, key, value)
            await self._cluster.sleep(random.expovariate(1 / THINK_S))
