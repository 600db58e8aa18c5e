"""What a node takes from other nodes: frames, hellos, replica messages, entries, layouts, snapshots, answers."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, NoReturn, cast

import grpc

from ostraka.v1 import cluster_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka_server.config import Address, Config, Member
from ostraka_server.hosting import SHARDS
from ostraka_server.introductions import WIRE_FORMAT, Introductions
from ostraka_server.log import MemoryDirectory
from ostraka_server.machine import EMPTY_STATE, Machine, UnknownEntry
from ostraka_server.paxos import NO_BALLOT
from ostraka_server.paxos.formation import (
    Announcement,
    Identity,
    Stage,
    Stranger,
    members_of,
)
from ostraka_server.rpc.cluster_service import ClusterService
from ostraka_server.rpc.frames import HEADER_BYTES, FrameReader, MalformedFrame, seal
from ostraka_server.shard import codec
from ostraka_server.shard.layout import FIRST_LAYOUT, Layout, MalformedLayout, Shard
from ostraka_server.shard.snapshot_sink import Delivery
from ostraka_server.shard.snapshots import Chunk, OfferSnapshot
from ostraka_server.storage import Storage
from ostraka_server.store import MemoryFactory, Owner, Store, StoreError, complete
from ostraka_server.wire import layout_pb2, replica_pb2
from ostraka_server.wire.entry_pb2 import Entry
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.fuzz.decoder import Decoder
from tests.fuzz.traffic import Traffic
from tests.machine.bases import DictBase, apply, empty, flush
from tests.machine.commands import delete, entry, put
from tests.rpc.cluster import Cluster, ManualClock, View, Wire
from tests.shard.receiving import answers

_HELLO_TAG = replica_pb2.Frame(hello=replica_pb2.Hello()).SerializeToString()[:1]
OWNER = Owner("cluster", "n1", 1)


def decoders(traffic: Traffic) -> list[Decoder]:
    frames = traffic.samples("frame")
    hellos = [_hello_of(1, stage).SerializeToString() for stage in Stage]
    entries = [*traffic.samples("entry"), entry(put(b"a", b"v", prev_kv=True), delete(b"a", b"c", prev_kv=True))]
    transfers = [cluster_pb2.TransferLeaderResponse().SerializeToString(), *traffic.samples("response")]
    pass_on = ("rpc.cluster_service:ClusterService._pass_on",)
    return [
        Decoder(
            "frames", ("rpc.frames:FrameReader.feed", "rpc.frames:_described"), _frames,
            frames, (MalformedFrame,), share=3,
        ),
        Decoder(
            "frame that is intact", ("rpc.frames:FrameReader.feed",), _sealed_frame,
            [frame[HEADER_BYTES:] for frame in frames], (MalformedFrame,), replica_pb2.Frame,
        ),
        Decoder(
            "replica message", ("shard.codec:decode",), _replica_message,
            traffic.samples("replica"), (codec.MalformedMessage,), replica_pb2.Message, share=40,
        ),
        Decoder("hello", (), _hello, hellos, (MalformedFrame, Stranger), replica_pb2.Hello),
        Decoder(
            "entry", ("machine.entry:opened", "machine.machine:Machine._execute"), _entry,
            entries, (UnknownEntry,), Entry,
        ),
        Decoder(
            "decided command", ("machine.machine:Machine._execute",), lambda data: _entry(entry(data)),
            traffic.samples("command"), shape=Command,
        ),
        Decoder("layout", ("shard.layout:Layout.decode",), _layout, _layouts(), (MalformedLayout,), layout_pb2.Layout),
        Decoder(
            "answer to a transfer passed on", pass_on, _Transfer(),
            transfers, (_Refused,), cluster_pb2.TransferLeaderResponse, share=3,
        ),
        Decoder("snapshot", (), _snapshot, [_image()], (StoreError,), share=1),
        Decoder("snapshot in pieces", (), _pieces, _deliveries(), (MalformedFrame,), replica_pb2.Frame, share=2),
    ]  # fmt: skip


def _frames(data: bytes) -> None:
    reader = FrameReader()
    middle = len(data) // 2
    for part in (data[:middle], data[middle:]):
        assert all(isinstance(frame, replica_pb2.Frame) for frame in reader.feed(part))


def _read(body: bytes) -> replica_pb2.Frame:
    """With the header that belongs to it."""
    (frame,) = FrameReader().feed(seal(body))
    return frame


def _sealed_frame(body: bytes) -> None:
    frame = _read(body)
    for message in frame.messages:
        with suppress(codec.MalformedMessage):
            codec.decode(message)


def _replica_message(data: bytes) -> None:
    decoded = codec.decode(data)
    assert codec.decode(codec.encode(*decoded)) == decoded, "it is not what it was any more"


_NODES = ("n1", "n2", "n3")
_IDENTITIES = tuple(Identity(node, ((0, 10 + place), (1, 20 + place))) for place, node in enumerate(_NODES))
_CONFIG = Config(
    cluster="fuzz",
    node="n1",
    data_dir=Path("n1"),
    members=tuple(Member(node, Address(node, 7501), Address(node, 7401)) for node in _NODES),
    listen_client=Address("n1", 7401),
    listen_replica=Address("n1", 7501),
)


def _hello_of(node: int, stage: Stage) -> replica_pb2.Hello:
    members = _IDENTITIES if stage else ()
    return replica_pb2.Hello(
        format=WIRE_FORMAT,
        cluster_name="fuzz",
        self=_wire(_IDENTITIES[node]),
        stage=replica_pb2.Stage.Value(stage.name),
        members=[_wire(member) for member in members],
        seen=[replica_pb2.Seen(node="n1", sequence=7)],
    )


def _wire(identity: Identity) -> replica_pb2.Identity:
    replicas = [replica_pb2.GroupReplica(group=group, replica=replica) for group, replica in identity.replicas]
    return replica_pb2.Identity(node=identity.node, replicas=replicas)


class _Directory:
    """As much of a `Storage` and its `Record` as introductions use; in memory, and new."""

    path = Path("n1")
    announcement = Announcement(_IDENTITIES[0], Stage.FORMATTED)

    def record(self, *given: Any) -> Any:
        """Open the record, or write it."""
        if len(given) == 1:
            (self.announcement,) = given
        return self

    def log(self) -> MemoryDirectory:
        return MemoryDirectory()

    def sightings(self) -> dict[str, int]:
        return {}


def _hello(data: bytes) -> None:
    """Heard from n2 while n1's directory is new; n3 follows. Whatever is recorded then is a cluster."""
    hello = _read(_HELLO_TAG + replica_pb2.Frame(messages=[data]).SerializeToString()[1:]).hello
    introductions = Introductions(_CONFIG, cast(Storage, _Directory()), ManualClock(), Random(1))
    try:
        introductions.on_hello(hello)
    finally:
        introductions.on_hello(_hello_of(2, Stage.FORMATTED))
        members = introductions.announcement.members
        for group in SHARDS if members else ():
            assert sorted(members_of(members, group).values()) == list(_NODES), "not a replica for each node"
        assert introductions.hello().SerializeToString()


def _entry(payload: bytes) -> None:
    """Over a few rows; applied twice, once with a flush before, it does the same."""
    base = DictBase()
    first, second = Machine(base, EMPTY_STATE), empty()
    for machine in (first, second):
        apply(machine, entry(put(b"a", b"1"), put(b"b", b"2"), put(b"key 1", b"3")))
    flush(first, base)
    assert apply(first, payload) == apply(second, payload)
    assert (first.revision, first.digest) == (second.revision, second.digest)


def _layouts() -> list[bytes]:
    cut = Layout(2, (Shard(1, 1, b"", b"m"), Shard(2, 2, b"m", b"")))
    return [FIRST_LAYOUT.encode(), cut.encode()]


def _layout(stored: bytes) -> None:
    layout = Layout.decode(stored)
    assert Layout.decode(layout.encode()) == layout
    for key in (b"", b"key", b"\xff" * 9):
        shard = layout.shard_of(key)
        assert shard.start <= key and (not shard.end or key < shard.end), f"no shard holds {key!r}"


class _Refused(Exception):
    """What ends a unary call."""


class _Context:
    """As much of a `grpc.aio.ServicerContext` as a unary method uses."""

    def time_remaining(self) -> float:
        return 1.0

    async def abort(self, code: grpc.StatusCode, message: str, metadata: object) -> NoReturn:
        raise _Refused(message)


class _Transfer:
    """n2 passes a transfer on to n1, which leads and answers with the case's bytes."""

    def __init__(self) -> None:
        cluster = Cluster()
        cluster.elect("n1")
        self._wire = Wire()
        self._service = ClusterService(View(cluster, "n2"), cluster.open_gateway("n2"), self._wire, cluster.clock)

    def __call__(self, answer: bytes) -> None:
        self._wire.answer = answer
        self._wire.calls.clear()
        request = cluster_pb2.TransferLeaderRequest(shard=1, node="n3")
        call = self._service.TransferLeader(request, cast(grpc.aio.ServicerContext, _Context()))  # type: ignore[type-arg]
        with suppress(StopIteration):  # it waits for nothing here
            call.send(None)
            raise AssertionError("it waits")


def _image() -> bytes:
    factory, machine = MemoryFactory(), empty()
    store = Store.open(factory, OWNER)
    apply(machine, entry(*(put(b"key %d" % number, b"v" * number) for number in range(40))))
    delta = machine.begin_flush()
    assert delta is not None
    store.write(delta)
    return factory.serialize()


def _snapshot(data: bytes) -> None:
    """Received in full and under the digest that was offered, as another node that is damaged or mistaken sends it."""
    image = MemoryFactory().receive()
    image.write(0, data)
    assert complete(image, sha256(data).digest(), OWNER)
    store = Store.open(MemoryFactory(image.read(0, image.size)), OWNER)
    try:
        store.state()
        store.get(b"key 1")
        store.count(b"", None)
        with store.scan(b"", None, values=True) as rows:
            for _ in rows:
                pass
    finally:
        store.close()


def _deliveries() -> list[bytes]:
    """Frames that carry an offer and what was offered."""
    data = b"no database" * 20
    digest = sha256(data).digest()
    offer = OfferSnapshot(NO_BALLOT, 9, len(data), digest)
    chunks = [Chunk(NO_BALLOT, digest, at, data[at : at + 100]) for at in range(0, len(data), 100)]
    deliveries: list[Delivery] = [offer, *chunks]
    messages = [codec.encode(1, 2, 1, message) for message in deliveries]
    return [replica_pb2.Frame(messages=messages).SerializeToString()]


def _pieces(body: bytes) -> None:
    """Offers and chunks, as they come, from a listed replica."""
    frame = _read(body)
    deliveries: list[Delivery] = []
    for data in frame.messages:
        with suppress(codec.MalformedMessage):
            *_, message = codec.decode(data)
            if isinstance(message, OfferSnapshot | Chunk):
                deliveries.append(message)

    @virtual_time
    async def receive(clock: VirtualClock) -> None:
        await answers(clock, *deliveries)

    receive()
