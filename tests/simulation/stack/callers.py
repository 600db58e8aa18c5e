"""Callers that keep asking while things go wrong; what they see is recorded, and checked in the end."""

from __future__ import annotations

import asyncio
from random import Random
from types import TracebackType
from typing import Self

from ostraka.aio import Client
from ostraka.checking import Call, History, Kind, Operation, Outcome, check_linearizable, lost_writes
from ostraka.errors import OutcomeUnknown, Retryable
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
            with self.history.get(self._callers, key) as call:
                await self._get(self._clients[0], call, key)
            final[key] = call.operation.value
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
            with self._begin(kind, caller, key, value) as call:
                try:
                    await self._ask(client, call, kind, key, value)
                except OutcomeUnknown:
                    call.unknown()
                except Retryable:
                    call.failed()
            await self._cluster.sleep(random.expovariate(1 / THINK_S))

    def _begin(self, kind: Kind, caller: int, key: bytes, value: bytes) -> Call:
        if kind is Kind.PUT:
            return self.history.put(caller, key, value)
        return self.history.get(caller, key) if kind is Kind.GET else self.history.delete(caller, key)

    async def _ask(self, client: Client, call: Call, kind: Kind, key: bytes, value: bytes) -> None:
        if kind is Kind.PUT:
            call.ok(revision=(await client.put(key, value)).revision)
        elif kind is Kind.GET:
            await self._get(client, call, key)
        else:
            call.ok(existed=await client.delete(key) > 0)

    async def _get(self, client: Client, call: Call, key: bytes) -> None:
        found = await client.get(key)
        if found is None:
            call.ok()
        else:
            call.ok(value=found.value, revision=found.mod_revision)
