"""What the machine says, in the API's words."""

from __future__ import annotations

import pytest

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import Compare, GetRequest, RangeRequest
from ostraka_server.machine import Machine, Refused
from ostraka_server.shard.answers import refused
from tests.machine.bases import apply, empty
from tests.machine.commands import compact, entry, txn
from tests.shard.asking import Asked, delete, get, put
from tests.shard.script import ANSWERS


def write(machine: Machine, command: Command) -> Asked:
    call = Asked(command)
    (result,) = apply(machine, entry(command))
    call.answer(ANSWERS.to_write(call, result, machine, 4))
    return call


def read(machine: Machine, command: Command) -> Asked:
    call = Asked(command)
    call.answer(ANSWERS.to_read(call, machine, 4))
    return call


def test_every_answer_says_who_gave_it_and_when() -> None:
    machine = empty()
    for call in (write(machine, put()), read(machine, get()), write(machine, delete())):
        response = getattr(call.reply, call.kind or "")
        header = response.header
        assert (header.cluster, header.shard, header.node, header.ballot_round) == (77, 1, "n1", 4)
        assert header.revision == machine.revision or call.kind != "delete"


def test_a_put_answers_its_own_revision_and_what_was_there_if_asked() -> None:
    machine = empty()
    first = write(machine, put(value=b"one")).reply.put
    assert first.header.revision == 2
    assert not first.HasField("prev_kv")
    second = write(machine, put(value=b"two", prev_kv=True)).reply.put
    prev = second.prev_kv
    assert (prev.key, prev.value, prev.create_revision, prev.mod_revision, prev.version) == (b"k", b"one", 2, 2, 1)


def test_a_delete_answers_how_many_and_which_if_asked() -> None:
    machine = empty()
    for key in (b"a", b"b", b"c"):
        write(machine, put(key))
    response = write(machine, delete(b"a", b"c", prev_kv=True)).reply.delete
    assert response.deleted == 2
    assert [kv.key for kv in response.prev_kvs] == [b"a", b"b"]
    assert response.header.revision == 5


def test_a_get_of_an_absent_key_is_an_answer_without_a_key() -> None:
    reply = read(empty(), get()).reply
    assert reply.HasField("get")
    assert not reply.get.HasField("kv")


def test_a_range_is_cut_by_its_limit_and_by_the_bytes_of_a_page() -> None:
    machine = empty()
    for i in range(10):
        write(machine, put(b"%d" % i, bytes(200)))
    limited = read(machine, Command(range=RangeRequest(key=b"0", range_end=b"\0", limit=3))).reply.range
    assert (len(limited.kvs), limited.more, limited.count) == (3, True, 10)
    page = read(machine, Command(range=RangeRequest(key=b"0", range_end=b"\0"))).reply.range
    assert 1 <= len(page.kvs) < 10
    assert page.more
    assert page.ByteSize() < 1200
    keys = read(machine, Command(range=RangeRequest(key=b"0", range_end=b"\0", keys_only=True))).reply.range
    assert {kv.value for kv in keys.kvs} == {b""}
    count = read(machine, Command(range=RangeRequest(key=b"0", range_end=b"5", count_only=True))).reply.range
    assert (len(count.kvs), count.count) == (0, 5)


def test_a_transaction_answers_for_each_operation_of_the_list_that_was_done() -> None:
    machine = empty()
    write(machine, put(b"a", b"1"))
    inner = txn(Compare(key=b"b", version=1), otherwise=[delete(b"a", prev_kv=True)])
    everything = Command(range=RangeRequest(key=b"a", range_end=b"\0"))
    operations = [get(b"a"), put(b"b", b"2"), everything, get(b"none"), inner]
    response = write(machine, txn(then=operations)).reply.txn
    header = response.header
    assert (header.cluster, header.shard, header.node, header.ballot_round, header.revision) == (77, 1, "n1", 4, 3)
    first, second, third, fourth, fifth = response.responses
    assert response.succeeded
    assert (first.get.kv.value, first.get.header.revision, first.get.read_revision) == (b"1", 2, 2)
    assert (second.put.header.revision, second.put.HasField("prev_kv")) == (3, False)
    assert [kv.key for kv in third.range.kvs] == [b"a", b"b"]
    assert (third.range.count, third.range.more, third.range.read_revision) == (2, False, 3)
    assert fourth.HasField("get") and not fourth.get.HasField("kv")
    assert (fifth.txn.succeeded, fifth.txn.header.revision) == (False, 3)
    (deleted,) = fifth.txn.responses
    assert (deleted.delete.deleted, deleted.delete.header.revision, deleted.delete.prev_kvs[0].value) == (1, 3, b"1")


def test_a_transaction_that_only_reads_is_answered_like_any_read() -> None:
    machine = empty()
    write(machine, put(b"a", b"1"))
    response = read(machine, txn(then=[get(b"a")])).reply.txn
    assert (response.header.node, response.header.revision) == ("n1", 2)
    assert response.responses[0].get.kv.value == b"1"
    refusal = read(machine, txn(then=[Command(get=GetRequest(key=b"a", revision=9))])).reply.error
    assert refusal.detail.reason == Reason.FUTURE_REVISION


def test_a_read_of_the_past_says_which_revision_it_shows_and_where_the_shard_is_now() -> None:
    machine = empty()
    for number in range(4):
        apply(machine, entry(put(value=b"%d" % number), wall_ms=1000 * (number + 1)))
    then = read(machine, Command(get=GetRequest(key=b"k", revision=3))).reply.get
    assert (then.kv.value, then.read_revision, then.header.revision) == (b"1", 3, 5)
    now = read(machine, get()).reply.get
    assert (now.kv.value, now.read_revision, now.header.revision) == (b"3", 5, 5)
    at = read(machine, Command(get=GetRequest(key=b"k", at_unix_ms=3500))).reply.get
    assert (at.kv.value, at.read_revision, at.header.revision) == (b"2", 4, 5)
    page = read(machine, Command(range=RangeRequest(key=b"a", range_end=b"\0", at_unix_ms=1999))).reply.range
    assert ([kv.value for kv in page.kvs], page.read_revision, page.header.revision) == ([b"0"], 2, 5)
    page = read(machine, Command(range=RangeRequest(key=b"a", range_end=b"\0", revision=1))).reply.range
    assert (len(page.kvs), page.count, page.read_revision) == (0, 0, 1)


@pytest.mark.parametrize(
    ("revision", "at_unix_ms", "reason"),
    [
        (2, 0, Reason.COMPACTED),
        (0, 1500, Reason.COMPACTED),
        (0, 500, Reason.COMPACTED),
        (6, 0, Reason.FUTURE_REVISION),
    ],
)
def test_what_cannot_be_read_is_an_error(revision: int, at_unix_ms: int, reason: Reason.ValueType) -> None:
    machine = empty()
    for number in range(4):
        apply(machine, entry(put(), wall_ms=1000 * (number + 1)))
    assert write(machine, compact(3)).reply.compact.header.revision == 5
    asked = (
        Command(get=GetRequest(key=b"k", revision=revision, at_unix_ms=at_unix_ms)),
        Command(range=RangeRequest(key=b"k", revision=revision, at_unix_ms=at_unix_ms)),
    )
    for command in asked:
        detail = read(machine, command).error.detail
        assert (detail.reason, detail.compact_revision) == (reason, 3 if reason == Reason.COMPACTED else 0)
    assert write(machine, compact(3)).error.detail.reason == Reason.COMPACTED
    assert write(machine, compact(6)).error.detail.reason == Reason.FUTURE_REVISION


@pytest.mark.parametrize("reason", [Reason.INVALID, Reason.TOO_LARGE, Reason.COMPACTED, Reason.FUTURE_REVISION])
def test_a_refusal_of_the_machine_keeps_its_reason_and_words(reason: Reason.ValueType) -> None:
    error = refused(Refused(reason, "because", compact_revision=7)).error
    assert (error.detail.reason, error.message, error.detail.surely_not_done) == (reason, "because", True)
    assert error.detail.compact_revision == (7 if reason == Reason.COMPACTED else 0)
