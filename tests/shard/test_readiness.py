"""What keeps a replica from serving."""

from __future__ import annotations

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import PutRequest
from ostraka_server.shard.calls import Call
from ostraka_server.shard.readiness import missing, reaches_quorum
from tests.rpc.cluster import CONFIG, Cluster


def test_a_replica_needs_a_leader() -> None:
    cluster = Cluster()
    groups = [groups[1] for groups in cluster.nodes.values()]
    assert {missing(group) for group in groups} == {"no leader is known here"}
    assert not any(map(reaches_quorum, groups))
    cluster.elect("n1")
    assert {missing(group) for group in groups} == {None}
    assert all(map(reaches_quorum, groups))


def test_a_leader_is_not_ready_before_its_barrier_is_decided() -> None:
    cluster = Cluster(1)
    cluster.clock.advance(2 * CONFIG.election_timeout_s)
    group = cluster.nodes["n1"][1]
    while not group.leads:
        assert cluster.turn("n1", group)
    assert missing(group) == "it leads, but the first entry of its own ballot is not decided yet"
    cluster.settle()
    assert missing(group) is None


def test_a_replica_that_lags_behind_what_is_decided_is_not_ready_until_it_has_caught_up() -> None:
    cluster = Cluster(unflushed_max={"n2": 10})
    cluster.elect("n1")
    leader, follower = cluster.nodes["n1"][1], cluster.nodes["n2"][1]
    command = Command(put=PutRequest(key=b"k", value=b"v"))
    for _ in range(CONFIG.window_entries + 20):
        leader.submit(Call(command.SerializeToString(), command, float("inf"), lambda reply: None))
        cluster.settle()
    cluster.elapse(CONFIG.heartbeat_s)
    lag = follower.replica.decided_through - follower.machine.applied_slot
    assert missing(follower) == f"{lag} decided entries are not applied yet"
    assert missing(leader) is None
    while missing(follower) is not None:
        assert follower.machine.begin_flush() is not None
        follower.machine.end_flush()
        follower.flushed()
    assert follower.replica.decided_through - follower.machine.applied_slot <= CONFIG.window_entries
