"""The synchronous client against a cluster in memory: what its callers see. How it persists is tested with asyncio."""

from __future__ import annotations

import gc
import inspect
import weakref
from collections.abc import Iterator

import pytest

from ostraka import Client, aio, errors
from ostraka.errors import Status
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Call
from ostraka.values import KeyValue, PutResult
from tests.client.fake_cluster import FakeCluster, failing, silent

PUBLIC = [name for name in vars(aio.Client) if not name.startswith("_")]
ASYNC = {"__aenter__": "__enter__", "__aexit__": "__exit__"}


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


@pytest.fixture
def client(cluster: FakeCluster) -> Iterator[Client]:
    with Client("a1:1", _transport=cluster) as client:
        yield client


def calls(cluster: FakeCluster) -> int:
    return sum(len(node.calls) for node in cluster.nodes)


def test_it_offers_what_the_asyncio_client_offers() -> None:
    ours = {name for name in vars(Client) if not name.startswith("_")}
    assert ours == set(PUBLIC)
    assert set(ASYNC.values()) <= vars(Client).keys()


@pytest.mark.parametrize("name", [*PUBLIC, "__init__"])
def test_its_methods_take_and_say_the_same(name: str) -> None:
    ours, theirs = getattr(Client, name), getattr(aio.Client, name)
    signature = inspect.signature(theirs)
    if name == "range":
        signature = signature.replace(return_annotation="Iterator[KeyValue]")
    assert inspect.signature(ours) == signature
    assert inspect.getdoc(ours) == inspect.getdoc(theirs)
    assert ours.__doc__
    assert not inspect.iscoroutinefunction(ours)


def test_a_client_says_of_which_cluster_it_is(client: Client) -> None:
    assert repr(client) == "<ostraka.Client of a1:1>"


def test_put_get_delete_count(client: Client) -> None:
    assert client.get("k") is None
    assert client.put("k", "ö") == PutResult(revision=2)
    assert client.put(b"k", b"\xff", prev=True) == PutResult(3, KeyValue(b"k", "ö".encode(), 2, 2, 1))
    assert client.get("k", serializable=True) == KeyValue(b"k", b"\xff", 2, 3, 2)
    assert client.count() == 1
    assert client.delete("k").deleted == 1
    assert client.delete(prefix="k").deleted == 0


def test_the_cluster_calls(client: Client) -> None:
    assert client.status("a2:1").header.node == "n2"
    assert [member.node for member in client.members().members] == ["n1", "n2", "n3"]
    client.transfer_leader(1, "n3")
    assert client.shards().shards[0].leader_node == "n3"


def test_a_range_reads_a_page_when_it_is_needed(client: Client, cluster: FakeCluster) -> None:
    for i in range(40):
        client.put(f"key{i:03}", "v" * 50)
    before = calls(cluster)
    found = client.range(prefix="key")
    assert calls(cluster) == before
    assert next(found).key == b"key000"
    assert calls(cluster) == before + 1
    assert [kv.key for kv in found] == [b"key%03d" % i for i in range(1, 40)]
    assert calls(cluster) > before + 5  # the fake cuts pages at a few hundred bytes
    assert list(found) == []


def test_a_range_is_checked_before_it_is_read(client: Client, cluster: FakeCluster) -> None:
    with pytest.raises(ValueError, match="limit is -1"):
        client.range(limit=-1)
    assert list(client.range(limit=0)) == []
    assert calls(cluster) == 0


def test_a_range_may_be_left_early(client: Client, cluster: FakeCluster) -> None:
    for i in range(20):
        client.put(f"key{i:03}", "v" * 50)
    for kv in client.range():
        assert kv.key == b"key000"
        break
    seen = calls(cluster)
    assert client.count() == 20
    assert calls(cluster) == seen + 1  # no page was read that nobody asked for


def test_a_write_without_an_answer_is_unknown_and_a_read_is_not(client: Client, cluster: FakeCluster) -> None:
    for node in cluster.nodes:
        node.behaviour = silent
    with pytest.raises(errors.OutcomeUnknown):
        client.put("k", "v", timeout=0.2)
    with pytest.raises(errors.DeadlineExceeded):
        client.get("k", timeout=0.05)


def test_a_write_on_a_connection_that_breaks_takes_effect_once(client: Client, cluster: FakeCluster) -> None:
    client.put("k", "v")
    leader = cluster.nodes[0]

    def die(call: Call) -> None:
        leader.die()

    leader.behaviour = die
    cluster.leader = "n2"
    assert client.put("k", "w").revision == 3
    found = client.get("k")
    assert found is not None and (found.value, found.version) == (b"w", 2)


def test_a_write_that_was_surely_not_done_is_tried_again() -> None:
    cluster = FakeCluster(1)
    node = cluster.nodes[0]
    failures = iter([failing(Status.UNAVAILABLE, pb.NO_LEADER)] * 2)
    node.behaviour = lambda call: next(failures, node.serve)(call)
    with Client("a1:1", _transport=cluster) as client:
        client.put("k", "v")
    assert len(node.calls) == 3


def test_arguments_that_make_no_sense_are_refused(client: Client, cluster: FakeCluster) -> None:
    with pytest.raises(TypeError, match="not int"):
        client.put("k", 1)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        client.put("k")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="positive and finite"):
        client.get("k", timeout=0)
    with pytest.raises(ValueError, match="not of the form"):
        Client("nowhere")
    assert calls(cluster) == 0


def test_an_exception_leaves_no_cycle_behind(client: Client, cluster: FakeCluster) -> None:
    """Else what its frames hold, values of a megabyte for example, would wait for the garbage collector."""
    cluster.nodes[0].behaviour = failing(Status.INVALID_ARGUMENT, pb.INVALID)
    gc.disable()
    try:
        try:
            client.get("k")
        except errors.InvalidRequest as error:
            refused = weakref.ref(error)
        client.status("a2:1")  # the loop thread has then left the turn in which it answered
        assert refused() is None
    finally:
        gc.enable()
