"""Clients of all kinds of requests, each call recorded; and what the decided order has to say to it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from ostraka.checking import Outcome
from ostraka.checking.witness import (
    Answer,
    Changed,
    Count,
    Delete,
    Get,
    Observations,
    OpenObservation,
    Put,
    Range,
    Request,
    Txn,
)
from ostraka.errors import OstrakaError, OutcomeUnknown
from ostraka.v1.exchange_pb2 import Command
from ostraka_server.machine.entry import opened
from ostraka_server.shard.layout import FIRST_GROUP
from tests.simulation.faults import Fault
from tests.simulation.stack import judgement, transactions
from tests.simulation.stack.cluster import Cluster, SimulatedClient
from tests.simulation.stack.once import Once
from tests.simulation.stack.plan import StackPlan
from tests.simulation.stack.reads import Reads
from tests.simulation.stack.transactions import Transactions
from tests.simulation.stack.translation import requested, row_of

TIMEOUTS_S = 1.0, 5.0
READS_BY_STRENGTH = 0.2
"""Of the calls."""
BURSTS = (1, 1, 1, 4, 12)
"""How many come at once."""
ROWS = 3
"""Of a range: few enough for a page."""


class Load:
    """Comes from its creation until `stop`."""

    def __init__(self, plan: StackPlan, cluster: Cluster) -> None:
        self.seen: Observations[Request, Answer] = Observations(lambda: cluster.now)
        self._plan = plan
        self._cluster = cluster
        self._transactions = Transactions()
        self._calls = 0
        self._stopped = False
        clocks = {Fault.DRIFT, Fault.STROBE}
        self._reads = Reads(cluster, true_clocks=not clocks & {strike.fault for strike in plan.strikes})
        for number in range(plan.clients):
            self.hire(plan.random(f"client {number}"))

    def hire(self, random: Random) -> SimulatedClient:
        """Another client process, that asks for its share of the load."""
        known = [node.address for node in self._cluster.nodes]
        client = self._cluster.client(*random.sample(known, random.randint(1, len(known))))
        client.process.start(self._live(client, random))
        return client

    def stop(self) -> None:
        """Nobody begins anything new."""
        self._stopped = True

    def burst(self, client: SimulatedClient, calls: int, random: Random) -> None:
        """So many at once."""
        for _ in range(calls):
            client.process.start(self.call(client, random))

    async def _live(self, client: SimulatedClient, random: Random) -> None:
        mean = self._plan.operations_per_s * self._plan.load / self._plan.clients * len(BURSTS) / sum(BURSTS)
        while not self._stopped:
            await client.process.clock.sleep(random.expovariate(mean))
            self.burst(client, random.choice(BURSTS), random)

    async def call(self, client: SimulatedClient, random: Random) -> bool:
        """Ask for something, recorded; whether it was done."""
        self._calls += 1
        number, timeout = self._calls, random.uniform(*TIMEOUTS_S)
        key = f"key {random.randrange(self._plan.keys):03}".encode()
        if random.random() < READS_BY_STRENGTH:
            return await self._reads.ask(client, random, key, timeout)
        request, stale = self._draw(random, key, number)
        with self.seen.begin(number, request, stale=stale) as call:
            try:
                if isinstance(request, Txn):
                    call.ok(await self._transactions.ask(client, request, timeout))
                else:
                    await _ask(client, call, request, stale, timeout)
            except OutcomeUnknown:
                call.unknown()
            except OstrakaError:
                call.failed()
        if isinstance(call.record.answer, Changed):
            self._reads.acknowledged(call.record.answer.revision)
        self._cluster.trace.count(f"call {call.record.outcome.value}")
        return call.record.outcome is Outcome.OK

    def _draw(self, random: Random, key: bytes, number: int) -> tuple[Request, bool]:
        """A request, and whether its answer may be stale. No write is asked for twice."""
        kind = random.choices(("put", "get", "delete", "range", "count", "txn"), (40, 25, 8, 12, 5, 10))[0]
        if kind == "txn":
            return self._transactions.draw(random, number), False
        if kind == "put":
            return Put(key, b"%d" % number, prev=random.random() < 0.2), False
        if kind == "delete":
            return Delete(key, key + b"\0%d" % number), False
        stale = random.random() < 0.3
        if kind == "get":
            return Get(key), stale
        return (Count(key, b"key~"), stale) if kind == "count" else (Range(key, b"key~", ROWS), stale)

    def check(self) -> None:
        """Raise Violation unless the order in which the data shard's entries were chosen explains every answer."""
        seen = self.seen.all()
        judgement.explain(seen, self._decided())
        self._reads.check(self._decided())
        transactions.check(seen)
        if self._plan.seed % judgement.SEARCHED_EVERY == 0 and judgement.search(seen):
            self._cluster.trace.count("history searched")

    def _decided(self) -> Iterator[Request]:
        once, agreement = Once(), self._cluster.watch.groups[FIRST_GROUP].agreement
        for slot in range(1, agreement.chosen_through + 1):
            for data in opened(slot, agreement.chosen[slot].payload).commands:
                command = Command.FromString(data)
                request = requested(command) if once.takes_effect(command) else None
                if request is not None:
                    yield request


async def _ask(
    client: SimulatedClient, call: OpenObservation[Request, Answer], request: Request, stale: bool, timeout: float
) -> None:
    match request:
        case Put(key, value, prev):
            put = await client.put(key, value, prev=prev, timeout=timeout)
            call.ok(Changed(put.revision, row_of(put.prev)))
        case Delete(start, end):
            call.ok((await client.delete(start, end, timeout=timeout)).deleted)
        case Get(key):
            call.ok(row_of(await client.get(key, serializable=stale, timeout=timeout)))
        case Count(start, end):
            call.ok(await client.count(start, end, serializable=stale, timeout=timeout))
        case Range(start, end, limit):
            scan = client.range(start, end, limit=limit, serializable=stale, timeout=timeout)
            call.ok(tuple([row async for each in scan if (row := row_of(each)) is not None]))
