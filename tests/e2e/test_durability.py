"""The checker of traces against traces in which one thing is wrong: it must find each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from ostraka_server.log.record import ENTRY, pack_header, pack_name
from ostraka_server.paxos import Ballot
from ostraka_server.paxos.messages import Accepted
from ostraka_server.rpc import frames
from ostraka_server.shard import codec
from ostraka_server.wire.replica_pb2 import Frame
from tests.e2e.durability import NodeTrace, too_early_accepts, too_early_replies
from tests.e2e.strace import Syscall

GROUP, SLOT, BALLOT = 1, 7, Ballot(1, 2, 30)
SEGMENT = "/n/log/0000000001.segment"
TO_REPLICA = "TCP:[127.0.0.1:40000->127.0.0.1:7501]"
TO_CLIENT = "TCPv6:[[::ffff:127.0.0.1]:7401->[::ffff:127.0.0.1]:40001]"
VALUE, MARKER = b"<new 1>", b"<old 1>"


def _batch(slot: int = SLOT) -> bytes:
    payload = b"put k " + VALUE
    return pack_header(pack_name(GROUP, slot, BALLOT), payload) + payload + bytes(512)


def _accepted() -> bytes:
    return frames.encode(Frame(messages=[codec.encode(GROUP, 31, 30, Accepted(BALLOT, (SLOT,)))]))


def _syscall(name: str, target: str, entered: int, data: bytes = b"", result: int = 0) -> Syscall:
    return Syscall(name, target, data, entered, entered + 1, float(entered), float(entered + 1), result)


WRITE, SYNC = _syscall("pwrite64", SEGMENT, 0, _batch()), _syscall("fdatasync", SEGMENT, 2)
TELL, REPLY = _syscall("write", TO_REPLICA, 4, _accepted()), _syscall("sendmsg", TO_CLIENT, 6, b"..." + MARKER)
MARK = _syscall("pwrite64", SEGMENT, 1, b"\xf0OSB" + bytes(508))  # not a record
BLANK = _syscall("pwrite64", SEGMENT, 1, bytes((ENTRY,)) + b"noise" * 102)  # nor this, though it begins like one


def _trace(*syscalls: Syscall) -> NodeTrace:
    return NodeTrace("n1", syscalls, frozenset({7501}), 7401)


WRONG_FOR_ANYONE = [
    pytest.param((WRITE,), id="never synced"),
    pytest.param((WRITE, replace(SYNC, result=-1)), id="the sync failed"),
    pytest.param((WRITE, replace(SYNC, target="/n/log/0000000002.segment")), id="another file was synced"),
    pytest.param((WRITE, replace(SYNC, name="fsync", target="/n/group-1.db")), id="the store was synced"),
    pytest.param((replace(WRITE, returned=3), SYNC), id="the sync began before the write was over"),
    pytest.param((SYNC, replace(WRITE, entered=4, returned=5)), id="the sync came before the write"),
    pytest.param((WRITE, replace(SYNC, returned=9, returned_at=9.0)), id="the sync was not over yet"),
    pytest.param((replace(WRITE, data=_batch(SLOT + 1)), SYNC), id="another slot was written"),
    pytest.param((replace(WRITE, target="/n/group-1.db-wal"), SYNC), id="it was written elsewhere"),
    pytest.param((SYNC,), id="it was not written"),
]


def test_an_accept_that_follows_its_sync_is_right() -> None:
    assert too_early_accepts(_trace(WRITE, MARK, BLANK, SYNC, TELL, REPLY)) == (1, [])


@pytest.mark.parametrize("syscalls", WRONG_FOR_ANYONE)
def test_an_accept_that_does_not_is_found(syscalls: Sequence[Syscall]) -> None:
    told, early = too_early_accepts(_trace(*syscalls, TELL))
    assert (told, len(early)) == (1, 1)


def test_an_accept_in_two_pieces_is_read() -> None:
    pieces = (replace(TELL, data=_accepted()[:9]), replace(TELL, data=_accepted()[9:], entered=5))
    assert too_early_accepts(_trace(*pieces))[0] == 1


def _replies(leader: NodeTrace, *followers: NodeTrace) -> list[str]:
    names = ("leader", "f1", "f2")
    return too_early_replies(dict(zip(names, (leader, *followers), strict=True)), "leader", {VALUE: MARKER})


def test_a_reply_that_follows_the_syncs_of_a_majority_is_right() -> None:
    assert _replies(_trace(WRITE, SYNC, REPLY), _trace(WRITE, SYNC, TELL), _trace()) == []


@pytest.mark.parametrize("syscalls", WRONG_FOR_ANYONE)
def test_a_reply_before_the_leaders_own_sync_is_found(syscalls: Sequence[Syscall]) -> None:
    good = _trace(WRITE, SYNC, TELL)
    assert len(_replies(_trace(*syscalls, REPLY), good, good)) == 1


@pytest.mark.parametrize("syscalls", WRONG_FOR_ANYONE)
def test_a_reply_before_a_majority_holds_the_write_is_found(syscalls: Sequence[Syscall]) -> None:
    (problem,) = _replies(_trace(WRITE, SYNC, REPLY), _trace(*syscalls, TELL), _trace())
    assert "durable on ['leader'] only" in problem


def test_a_write_without_an_answer_in_the_trace_is_found() -> None:
    good = _trace(WRITE, SYNC, TELL)
    assert len(_replies(_trace(WRITE, SYNC), good, good)) == 1
    assert len(_replies(_trace(WRITE, SYNC, replace(REPLY, target=TO_REPLICA)), good, good)) == 1
