"""Calls as a client makes them, which keep every answer that they get."""

from __future__ import annotations

from ostraka.v1.common_pb2 import BOUNDED, SERIALIZABLE, Strength
from ostraka.v1.exchange_pb2 import Command, Error, Reply
from ostraka.v1.kv_pb2 import DeleteRequest, GetRequest, PutRequest, RangeRequest
from ostraka_server.shard.calls import Call


class Asked(Call):
    """A call whose answers are all kept, to see that there is one."""

    __slots__ = ("replies",)

    def __init__(self, command: Command, deadline: float = 10.0, *, forwarded: bool = False) -> None:
        self.replies: list[Reply] = []
        super().__init__(command.SerializeToString(), command, deadline, self.replies.append, forwarded=forwarded)

    @property
    def reply(self) -> Reply:
        """The one answer."""
        (reply,) = self.replies
        return reply

    @property
    def error(self) -> Error:
        """The one answer, which is an error."""
        assert self.reply.HasField("error"), self.reply
        return self.reply.error


def put(key: bytes = b"k", value: bytes = b"v", *, prev_kv: bool = False) -> Command:
    return Command(put=PutRequest(key=key, value=value, prev_kv=prev_kv))


def delete(key: bytes = b"k", range_end: bytes = b"", *, prev_kv: bool = False) -> Command:
    return Command(delete=DeleteRequest(key=key, range_end=range_end, prev_kv=prev_kv))


def get(key: bytes = b"k") -> Command:
    return Command(get=GetRequest(key=key))


def local_get(key: bytes = b"k") -> Command:
    return Command(get=GetRequest(key=key, strength=SERIALIZABLE))


def bounded_get(max_staleness_ms: int, key: bytes = b"k") -> Command:
    return Command(get=GetRequest(key=key, strength=BOUNDED, max_staleness_ms=max_staleness_ms))


def get_since(min_revision: int, *, strength: Strength.ValueType = SERIALIZABLE) -> Command:
    return Command(get=GetRequest(key=b"k", strength=strength, min_revision=min_revision))


def whole_range() -> Command:
    return Command(range=RangeRequest(key=b"a", range_end=b"\0"))
