"""What really goes over the wires: every byte of a short life of a simulated cluster, sorted by what it is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import cache
from unittest.mock import patch

from ostraka.aio import Client
from ostraka.v1.exchange_pb2 import ExchangeRequest
from ostraka_server.rpc.frames import FrameReader
from ostraka_server.wire.replica_pb2 import Message
from tests.simulation.stack.callers import Load
from tests.simulation.stack.cluster import ROUGH, Cluster, run
from tests.simulation.stack.lines import Line

SEED = 1
SECONDS = 1.0
"""For which one is away."""

ROUNDS_MAX = 10

SAMPLE_BYTES_MAX = 4096
SAMPLES_MAX = 40
"""Kept of a kind, the first ones; of replica messages, of each body."""


class Traffic:
    """By kind: `frame`, `calls`, `replies`, unary methods by name; from within the frames `entry` and, each with the
    name of its body, `replica ...`; from within the calls `command`."""

    def __init__(self) -> None:
        self._samples: defaultdict[str, dict[bytes, None]] = defaultdict(dict)

    def samples(self, kind: str) -> Sequence[bytes]:
        """What was sent of it, and of what begins with its name: each once; at least one."""
        found = [data for each in sorted(self._samples) if each.startswith(kind) for data in self._samples[each]]
        assert found, f"nobody sent {kind}"
        return found

    def note(self, kind: str, data: bytes) -> None:
        """Something was sent."""
        if kind == "frame":
            for frame in FrameReader().feed(data):
                for message in frame.messages:
                    self._note_replica(message)
        elif kind == "calls":
            for call in ExchangeRequest.FromString(data).calls:
                self._keep("command", call.command.SerializeToString())
        self._keep(kind, data)

    def _note_replica(self, data: bytes) -> None:
        message = Message.FromString(data)
        self._keep(f"replica {message.WhichOneof('body')}", data)
        for each in message.accept.entries:
            self._keep("entry", each.payload)

    def _keep(self, kind: str, data: bytes) -> None:
        if len(data) <= SAMPLE_BYTES_MAX and len(self._samples[kind]) < SAMPLES_MAX:
            self._samples[kind].setdefault(data)

    @property
    def missing(self) -> set[str]:
        """The messages of consensus that nobody sent."""
        sent = {str(Message.FromString(data).WhichOneof("body")) for data in self.samples("replica")}
        return {field.name for field in Message.DESCRIPTOR.oneofs_by_name["body"].fields} - _OF_SNAPSHOTS - sent


_OF_SNAPSHOTS = {"want_snapshot", "offer_snapshot", "request_chunk", "chunk"}
"""Too large to be samples."""


@cache
def record() -> Traffic:
    """A load while nodes die and come back, on a network that loses and repeats, until everything was said."""
    traffic = Traffic()
    send = Line.send

    def note(line: Line, what: str, data: bytes, take: Callable[[bytes], object]) -> None:
        traffic.note(what, data)
        send(line, what, data, take)

    async def scenario(cluster: Cluster) -> None:
        client = cluster.client()
        load = Load(cluster, client)
        async with load:
            for _ in range(ROUNDS_MAX):
                await _round(cluster, client)
                if not traffic.missing:
                    break
        await load.check()

    with patch.object(Line, "send", note):
        run(scenario, seed=SEED)
    assert not traffic.missing, f"no {traffic.missing} were sent"
    return traffic


async def _round(cluster: Cluster, client: Client) -> None:
    """One is away, is told what it missed, and is to lead; then the leader dies."""
    await client.members()
    await client.shards()
    cluster.wires.frames.conditions = ROUGH
    away = cluster.followers[0]
    away.kill()
    await cluster.sleep(SECONDS)
    away.start()
    await cluster.until_serves(away)
    await cluster.until(lambda: away.up.group.replica.leader is not None, 10.0)
    await client.transfer_leader(1, away.name)
    await cluster.until(lambda: cluster.leader is not None, 10.0)
    leader = cluster.must_lead
    leader.kill()
    await cluster.until(lambda: cluster.leader is not None, 10.0)
    leader.start()
    await cluster.until_serves(leader)
    async for _ in client.range(prefix="key", limit=3):
        pass
    await client.count()
    for _ in cluster.nodes:
        await client.get("key", max_staleness=0)
    await cluster.until(lambda: cluster.leader is not None, 10.0)
