"""What goes over a line is told in words, whatever it is."""

from __future__ import annotations

from ostraka.v1.exchange_pb2 import Call, Command, Error, ExchangeRequest, ExchangeResponse, Reply
from ostraka.v1.kv_pb2 import GetRequest, PutResponse
from ostraka_server.paxos import Ballot
from ostraka_server.paxos.messages import Accepted
from ostraka_server.rpc import frames
from ostraka_server.shard import codec
from ostraka_server.wire.replica_pb2 import Frame, Hello, Identity
from tests.simulation.stack.telling import CHARACTERS_MAX, describe

ACCEPTED = Accepted(Ballot(1, 2, 3), (4,))


def test_messages_of_replicas_are_told_in_full() -> None:
    frame = Frame(messages=[codec.encode(7, 1, 2, ACCEPTED)] * 2)
    assert describe("frame", frames.encode(frame)) == "\n".join([f"{ACCEPTED} of group 7"] * 2)
    hello = Frame(hello=Hello(self=Identity(node="n1")))
    assert describe("frame", frames.encode(hello)) == "Hello n1"


def test_calls_and_replies_are_told_by_kind_and_number() -> None:
    request = ExchangeRequest(calls=[Call(id=5, command=Command(get=GetRequest(key=b"k")))], cancel=[3])
    assert describe("calls", request.SerializeToString()) == "get 5\ncancel 3"
    failed = Reply(id=6, error=Error(message="too late"))
    response = ExchangeResponse(replies=[Reply(id=5, put=PutResponse()), failed], retire=True)
    assert describe("replies", response.SerializeToString()) == "reply 5: put\nreply 6: too late\nretire"


def test_what_has_no_content_is_told_by_its_name() -> None:
    assert describe("/ostraka.v1.Cluster/Members", b"") == "Members"
    assert describe("frame", b"") == "frame"


def test_what_is_malformed_is_told_and_what_is_long_is_cut() -> None:
    data = bytearray(frames.encode(Frame(messages=[b"no message"])))
    assert describe("frame", bytes(data)).startswith("malformed: ")
    data[-1] ^= 1
    assert describe("frame", bytes(data)) == "malformed: a frame whose checksum does not match"
    assert describe("calls", b"\xff").startswith("malformed: ")
    long = Accepted(Ballot(1, 2, 3), tuple(range(1000)))
    assert len(describe("frame", frames.encode(Frame(messages=[codec.encode(7, 1, 2, long)])))) == CHARACTERS_MAX + 3
