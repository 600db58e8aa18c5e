"""A cluster in memory behind the `Transport` protocol: nodes that lead, forward, hint, hang, break and die on demand.

Messages are encoded and decoded for real. Data is one dict that the nodes share: agreement is not what is tested here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from ostraka._transport import TransportError
from ostraka.errors import Status, to_wire
from ostraka.v1 import cluster_pb2, common_pb2, kv_pb2, session_pb2
from ostraka.v1.exchange_pb2 import Call, Command, Error, ExchangeRequest, ExchangeResponse, Reply

PAGE_BYTES_MAX = 300  # of a range response, so that small tests see pages cut by size


def refused(message: str = "connection refused") -> TransportError:
    return TransportError(to_wire(Status.UNAVAILABLE, message))


def failing(
    status: Status, reason: common_pb2.Reason.ValueType, *, surely_not_done: bool = True, retry_after_ms: int = 0
) -> Callable[[Call], Reply]:
    """A behaviour: answer every call with this error."""
    error = to_wire(status, "as told", reason=reason, surely_not_done=surely_not_done, retry_after_ms=retry_after_ms)
    return lambda call: Reply(error=error)


def silent(call: Call) -> None:
    """A behaviour: take calls and never answer."""


class FakeStream:
    """The client's end of a stream to a node, with the means to break it."""

    def __init__(self, node: FakeNode) -> None:
        self._node = node
        self._inbox: asyncio.Queue[bytes | Error] = asyncio.Queue()
        self._over: Error | None = None
        self.closed = False
        self.pause: asyncio.Event | None = None
        """While set to an event, a send ends only when that is set."""

    async def send(self, frame: bytes) -> None:
        if self._over is not None:
            raise TransportError(self._over)
        self._node.receive(self, ExchangeRequest.FromString(frame))
        if self.pause is not None:
            await self.pause.wait()

    async def receive(self) -> bytes:
        item = await self._inbox.get()
        if isinstance(item, bytes):
            return item
        raise TransportError(item)

    def close(self) -> None:
        self.closed = True

    def deliver(self, *replies: Reply) -> None:
        self.deliver_raw(ExchangeResponse(replies=replies).SerializeToString())

    def deliver_raw(self, frame: bytes) -> None:
        self._inbox.put_nowait(frame)

    def ask_to_retire(self) -> None:
        self.deliver_raw(ExchangeResponse(retire=True).SerializeToString())

    def break_off(self, why: str | Error = "connection reset") -> None:
        self._over = to_wire(Status.UNAVAILABLE, why) if isinstance(why, str) else why
        self._inbox.put_nowait(self._over)


@dataclass
class FakeNode:
    """One node. `behaviour` replaces what it would do with a call; a None from it means silence.

    It is about requests for keys, as `calls` is: clients are registered and closed all the same, while `greets`."""

    cluster: FakeCluster
    name: str
    address: str
    up: bool = True
    hangs: bool = False
    """Takes connections neither nor refuses them, like a host behind a lost link."""
    behaviour: Callable[[Call], Reply | None] | None = None
    greets: bool = True
    frames: list[ExchangeRequest] = field(default_factory=list)
    streams: list[FakeStream] = field(default_factory=list)

    @property
    def calls(self) -> list[Call]:
        """Every call about keys that ever reached this node."""
        return [call for frame in self.frames for call in frame.calls if not _greeting(call)]

    @property
    def greetings(self) -> list[Command]:
        """Every Register and Close that ever reached it."""
        return [call.command for frame in self.frames for call in frame.calls if _greeting(call)]

    @property
    def cancelled(self) -> list[int]:
        return [call for frame in self.frames for call in frame.cancel]

    def receive(self, stream: FakeStream, frame: ExchangeRequest) -> None:
        self.frames.append(frame)
        answers = [(call, self._answer(call)) for call in frame.calls]
        for call, reply in answers:
            if reply is not None:
                reply.id = call.id
        replies = [reply for _, reply in answers if reply is not None]
        if replies:
            stream.deliver(*replies)

    def _answer(self, call: Call) -> Reply | None:
        if self.behaviour is None or (self.greets and _greeting(call)):
            return self.serve(call)
        return self.behaviour(call)

    def serve(self, call: Call) -> Reply:
        """Answer as the leader, or in its name as a gateway that forwards; locally for serializable reads."""
        command = call.command
        local = any(request.strength != common_pb2.LINEARIZABLE for request in (command.get, command.range))
        answering = self.name if local else self.cluster.leader
        if answering is None or not self.cluster.named(answering).up:
            return failing(Status.UNAVAILABLE, common_pb2.NO_LEADER)(call)
        return self.cluster.apply(command, answering)

    def hint(self, call: Call) -> Reply:
        """A behaviour: answer NOT_LEADER with the leader rather than forward."""
        reply = failing(Status.UNAVAILABLE, common_pb2.NOT_LEADER)(call)
        assert self.cluster.leader is not None
        reply.error.detail.leader_node = self.cluster.leader
        reply.error.detail.leader_address = self.cluster.named(self.cluster.leader).address
        return reply

    def die(self) -> None:
        """Refuse connections from now on and break those there are."""
        self.up = False
        for stream in self.streams:
            stream.break_off()
        self.streams.clear()


def _greeting(call: Call) -> bool:
    return call.command.WhichOneof("request") in ("register", "close")


class FakeCluster:
    """Nodes n1, n2, ... at a1:1, a2:1, ...; n1 leads shard 1, which holds every key. It is the Transport."""

    def __init__(self, size: int = 3) -> None:
        self.nodes = [FakeNode(self, f"n{i}", f"a{i}:1") for i in range(1, size + 1)]
        self.leader: str | None = "n1"
        self.data: dict[bytes, common_pb2.KeyValue] = {}
        self.revision = 1
        self.sessions: dict[int, dict[int, Reply]] = {}
        """Of each client that is registered: the replies to its writes, by sequence."""
        self.fails: Error | None = None
        """What becomes of TransferLeader."""
        self.looks = 0
        self.closed = False

    def named(self, name: str) -> FakeNode:
        return next(node for node in self.nodes if node.name == name)

    def apply(self, command: Command, node: str) -> Reply:
        kept = self.sessions.get(command.client, {}) if command.client else {}
        if command.client and command.client not in self.sessions:
            return Reply(error=to_wire(Status.NOT_FOUND, "unknown", reason=common_pb2.EXPIRED, surely_not_done=True))
        if command.sequence not in kept:
            kept[command.sequence] = self._execute(command, node)
        again = Reply()
        again.CopyFrom(kept[command.sequence])
        return again

    def _execute(self, command: Command, node: str) -> Reply:
        header = common_pb2.ResponseHeader(shard=1, node=node)
        reply = getattr(self, f"_{command.WhichOneof('request')}")(command, header)
        header.revision = self.revision
        getattr(reply, reply.WhichOneof("result")).header.CopyFrom(header)
        assert isinstance(reply, Reply)
        return reply

    # -- the Transport

    async def open(self, address: str) -> FakeStream:
        node = self._at(address)
        if node.hangs:
            await asyncio.get_running_loop().create_future()
        stream = FakeStream(node)
        node.streams.append(stream)
        return stream

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        node = self._at(address)
        header = common_pb2.ResponseHeader(node=node.name)
        match method.removeprefix("/ostraka.v1.Cluster/"):
            case "Status":
                return cluster_pb2.StatusResponse(header=header, ready=True).SerializeToString()
            case "Members":
                self.looks += 1
                members = [cluster_pb2.Member(node=n.name, client_address=n.address) for n in self.nodes]
                return cluster_pb2.MembersResponse(header=header, members=members).SerializeToString()
            case "Shards":
                shard = cluster_pb2.Shard(shard=1, leader_node=self.leader or "")
                shard.leader_address = self.named(self.leader).address if self.leader else ""
                return cluster_pb2.ShardsResponse(header=header, layout=1, shards=[shard]).SerializeToString()
            case "TransferLeader":
                if self.fails is not None:
                    raise TransportError(self.fails)
                self.leader = cluster_pb2.TransferLeaderRequest.FromString(request).node
                return cluster_pb2.TransferLeaderResponse(header=header).SerializeToString()
        raise TransportError(to_wire(Status.UNIMPLEMENTED, method))

    async def close(self) -> None:
        self.closed = True

    def _at(self, address: str) -> FakeNode:
        node = next((node for node in self.nodes if node.address == address), None)
        if node is None or not node.up:
            raise refused()
        return node

    # -- the commands

    def _register(self, command: Command, header: common_pb2.ResponseHeader) -> Reply:
        self.sessions[command.register.client] = {}
        return Reply(register=session_pb2.RegisterResponse(header=header))

    def _close(self, command: Command, header: common_pb2.ResponseHeader) -> Reply:
        self.sessions.pop(command.close.client, None)
        return Reply(close=session_pb2.CloseResponse(header=header))

    def _get(self, command: Command, header: common_pb2.ResponseHeader) -> Reply:
        kv = self.data.get(command.get.key)
        return Reply(get=kv_pb2.GetResponse(kv=kv, read_revision=command.get.revision or self.revision))

    def _put(self, command: Command, header: common_pb2.ResponseHeader) -> Reply:
        request = command.put
        before = self.data.get(request.key)
        self.revision += 1
        self.data[request.key] = common_pb2.KeyValue(
            key=request.key,
            value=request.value,
            create_revision=before.create_revision if before else self.revision,
            mod_revision=self.revision,
            version=before.version + 1 if before else 1,
        )
        return Reply(put=kv_pb2.PutResponse(prev_kv=before if request.prev_kv else None))

    def _delete(self, command: Command, header: common_pb2.ResponseHeader) -> Reply:
        keys = self._keys_in(command.delete.key, command.delete.range_end)
        self.revision += bool(keys)
        gone = [self.data.pop(key) for key in keys]
        return Reply(delete=kv_pb2.DeleteResponse(deleted=len(keys), prev_kvs=gone if command.delete.prev_kv else ()))

    def _range(self, command: Command, header: common_pb2.ResponseHeader) -> Reply:
        request = command.range
        keys = self._keys_in(request.key, request.range_end)
        response = kv_pb2.RangeResponse(count=len(keys), read_revision=request.revision or self.revision)
        for key in [] if request.count_only else keys:
            full = len(response.kvs) == request.limit > 0 or response.ByteSize() >= PAGE_BYTES_MAX
            if full:
                response.more = True
                break
            response.kvs.append(self.data[key])
            if request.keys_only:
                response.kvs[-1].value = b""
        return Reply(range=response)

    def _keys_in(self, key: bytes, end: bytes) -> list[bytes]:
        if not end:
            return [key] if key in self.data else []
        return sorted(k for k in self.data if k >= key and (end == b"\0" or k < end))
