"""Transactions as the SDK's users write them, against the real machine behind nodes in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ostraka import Client, DeleteResult, InvalidRequest, KeyValue, PutResult, RangeResult, TooLarge, TxnResult
from ostraka.txn import (
    Compare,
    Count,
    Delete,
    Get,
    Operation,
    Put,
    Range,
    Txn,
    absent,
    create_revision,
    exists,
    lease,
    mod_revision,
    value,
    version,
)
from ostraka.v1.exchange_pb2 import Call, Reply
from ostraka_server.config import Limits
from ostraka_server.machine import Machine, validate
from ostraka_server.shard.answers import refused
from tests.client.fake_cluster import FakeCluster
from tests.machine.bases import apply, empty
from tests.machine.commands import entry
from tests.shard.asking import Asked
from tests.shard.script import ANSWERS


class Shard:
    """One for all nodes of a cluster: what each of them answers for its leader."""

    def __init__(self) -> None:
        self.machine: Machine = empty()
        self.entries = 0

    def serve(self, call: Call) -> Reply:
        asked = Asked(call.command)
        problem = validate(asked.request, Limits())
        if problem is not None:
            return refused(problem)
        if asked.is_read:
            return ANSWERS.to_read(asked, self.machine, 1)
        self.entries += 1
        (result,) = apply(self.machine, entry(call.command))
        return ANSWERS.to_write(asked, result, self.machine, 1)


@pytest.fixture
def shard() -> Shard:
    return Shard()


@pytest.fixture
def client(shard: Shard) -> Iterator[Client]:
    """a=1 (created 2, modified 4, version 2), b=2 (3, 3, 1) at revision 4."""
    cluster = FakeCluster()
    for node in cluster.nodes:
        node.behaviour, node.greets = shard.serve, False
    with Client("a1:1", _transport=cluster) as client:
        for key, content in (("a", "0"), ("b", "2"), ("a", "1")):
            client.put(key, content)
        yield client


@pytest.mark.parametrize(
    ("compares", "holds"),
    [
        ([], True),
        ([value("a") == "1"], True),
        ([value(b"a") != b"1"], False),
        ([value("a") > "0", value("a") < "2"], True),
        ([version("a") == 2], True),
        ([version("a") > 2], False),
        ([version("a") < 3], True),
        ([create_revision("a") == 2, mod_revision("a") == 4], True),
        ([mod_revision("a") != 4], False),
        ([lease("a") == 0, lease("c") == 0, lease(prefix="") < 1], True),
        ([lease("a") != 0], False),
        ([absent("c"), exists("a")], True),
        ([exists("c")], False),
        ([absent("a")], False),
        ([version("a", "c") > 0], True),
        ([version(prefix="a") == 2], True),
        ([version(prefix="") == 2], False),
        ([absent(prefix="c"), exists(prefix="a")], True),
        ([absent("b", "z")], False),
    ],
)
def test_compares_read_as_they_are_written(client: Client, compares: list[Compare], holds: bool) -> None:
    assert client.txn(compares).succeeded is holds


def test_each_operation_has_a_result_of_its_own_kind(client: Client) -> None:
    before = [KeyValue(b"a", b"1", 2, 4, 2), KeyValue(b"b", b"2", 3, 3, 1)]
    done = client.txn(
        [exists("a")],
        then=[
            Get("a"),
            Get("none"),
            Put("c", b"\xff"),
            Put("a", "new", prev=True),
            Delete("b", prev=True),
            Delete(prefix="none"),
            Range(),
            Range("a", "z", limit=1, keys_only=True, descending=True),
            Count(prefix="a"),
            Get("b", revision=4),
            Txn([absent("a")], otherwise=[Delete("nothing")]),
        ],
        otherwise=[Get("a")],
    )
    new = (KeyValue(b"a", b"new", 2, 5, 3), KeyValue(b"c", b"\xff", 5, 5, 1))
    assert (done.revision, done.succeeded) == (5, True)
    assert done.results == (
        *(before[0], None, PutResult(5), PutResult(5, before[0])),
        DeleteResult(5, 1, (before[1],)),
        DeleteResult(5, 0),
        RangeResult(new, more=False, count=2),
        RangeResult((KeyValue(b"c", b"", 5, 5, 1),), more=True, count=2),
        *(1, before[1], TxnResult(5, False, (DeleteResult(5, 0),))),
    )


def test_a_result_is_found_by_its_operation(client: Client) -> None:
    door, other = Put("door", "open"), Get("a")
    inner = Get("b")
    nested = Txn(then=[inner])
    done = client.txn([exists("a")], then=[door, nested], otherwise=[other])
    assert done[door].revision == 5
    found = done[nested][inner]
    assert found is not None and found.value == b"2"
    with pytest.raises(KeyError, match="was not done"):
        done[other]
    with pytest.raises(KeyError):
        done[Get("a")]


def test_an_empty_transaction_succeeds(client: Client) -> None:
    assert client.txn() == TxnResult(4, True, ())
    assert client.txn(then=[Txn()]).results == (TxnResult(4, True, ()),)


def test_one_that_only_reads_makes_no_entry(client: Client, shard: Shard) -> None:
    before = shard.entries
    client.txn([exists("a")], then=[Get("a"), Txn(otherwise=[Range()])])
    assert shard.entries == before
    client.txn(then=[Txn(otherwise=[Put("c", "")])])
    assert shard.entries == before + 1


def test_optimistic_change_of_a_key(client: Client) -> None:
    """The use of mod_revision: nobody has touched it since it was read."""
    kv = client.get("a")
    assert kv is not None
    client.put("a", "meanwhile")
    done = client.txn([mod_revision("a") == kv.mod_revision], then=[Put("a", "mine")], otherwise=[Get("a")])
    assert not done.succeeded
    (now,) = done.results
    assert isinstance(now, KeyValue) and now.value == b"meanwhile"


@pytest.mark.parametrize(
    ("operations", "error", "says"),
    [
        ([Put("k", "1"), Put("k", "2")], InvalidRequest, "b'k' is put twice"),
        ([Put("k", "1"), Delete(prefix="k")], InvalidRequest, "b'k' is put twice"),
        ([Get("")], InvalidRequest, "key is empty"),
        ([Get("a")] * 129, TooLarge, "txn_operations_max, 128"),
    ],
)
def test_what_the_cluster_refuses(
    client: Client, operations: list[Operation[Any]], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        client.txn(then=operations)


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: bool(value("a") == "1"), TypeError, "decided by the cluster"),
        (lambda: 0 < version("a") < 3, TypeError, "chains like"),
        (lambda: value("a") == "1" and value("b") == "2", TypeError, "`and`"),
        (lambda: not absent("a"), TypeError, "`not`"),
        (lambda: value("a") == 1, TypeError, "bytes or str, not int"),
        (lambda: version("a") == "1", TypeError, "an int, not str"),
        (lambda: version("a") == True, TypeError, "an int, not bool"),  # noqa: E712
        (lambda: version("a") > -1, ValueError, "counts from 0"),
        (lambda: value(), ValueError, "name a key"),
        (lambda: value("a", prefix="b"), ValueError, "not both"),
        (lambda: Txn([True]), TypeError, "value\\(\\), version\\(\\) and the like, it is no bool"),  # type: ignore[list-item]
        (lambda: Txn(then=["put a 1"]), TypeError, "a Put, Get, .* not str"),  # type: ignore[list-item]
        (lambda: Txn(then=[absent("a")]), TypeError, "not Compare"),  # type: ignore[list-item]
        (lambda: {value("a"): 1}, TypeError, "unhashable"),
    ],
)
def test_what_makes_no_sense_is_told_at_once(make: Callable[[], object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("operation", [Delete(), Range(limit=0), Get("a", revision=0), Range("a", prefix="b")])
def test_operations_that_make_no_sense_are_not_sent(client: Client, operation: Operation[Any], shard: Shard) -> None:
    with pytest.raises(ValueError, match=r"name a key|limit is 0|revisions count from 1|not both"):
        client.txn(then=[Put("c", ""), operation])
    assert shard.machine.get(b"c") is None
