"""status, members, shards, transfer-leader."""

from __future__ import annotations

import json

import pytest

from ostraka.cli.cluster import as_json
from ostraka.errors import ConnectionLost
from ostraka.v1.cluster_pb2 import (
    Member,
    MemberReplica,
    MembersResponse,
    ReplicaStatus,
    Shard,
    ShardsResponse,
    StatusResponse,
)
from ostraka.v1.common_pb2 import ResponseHeader
from tests.cli.fakes import FakeClient, Runner


@pytest.fixture
def cluster(client: FakeClient, ostraka: Runner) -> Runner:
    """Three nodes, n1 leads shard 1, n3 is down."""
    for i in (1, 2, 3):
        client.members_response.members.append(
            Member(
                node=f"n{i}",
                client_address=f"h:740{i}",
                replica_address=f"h:750{i}",
                replicas=[MemberReplica(group=1, replica=2**62 + i)],
                reachable=i != 3,
            )
        )
    for i in (1, 2):
        replica = ReplicaStatus(
            group=1,
            shard=1,
            replica=2**62 + i,
            role="leader" if i == 1 else "follower",
            leader_node="n1",
            decided_through=40 + i,
            state_digest=b"\x01\xff",
        )
        client.statuses[f"h:740{i}"] = StatusResponse(
            header=ResponseHeader(node=f"n{i}"), version="0.1.0", ready=i == 1, replicas=[replica]
        )
    shard = Shard(shard=1, group=1, leader_node="n1", leader_address="h:7401", replica_nodes=["n1", "n2", "n3"])
    client.shards_response.CopyFrom(ShardsResponse(layout=1, shards=[shard]))
    return ostraka


def test_status_shows_every_node_and_says_which_is_down(cluster: Runner) -> None:
    outcome = cluster("status")
    assert outcome.code == 0
    rows = {line.split()[0]: line for line in outcome.out.decode().splitlines()}
    assert rows["n1"].split()[:6] == ["n1", "h:7401", "ready", "1", "leader", "n1"]
    assert "not ready" in rows["n2"] and "follower" in rows["n2"]
    assert rows["n3"].split() == ["n3", "h:7403", "down"]


def test_columns_of_the_status_line_up(cluster: Runner) -> None:
    header, first, second, _ = cluster("status").out.decode().splitlines()
    assert header.index("ROLE") == first.index("leader") == second.index("follower")
    assert header.index("DECIDED") + len("DECIDED") == first.index(" 41") + 3 == second.index(" 42") + 3


def test_status_as_json(cluster: Runner) -> None:
    first, second, third = json.loads(cluster("status", "--json").out)["nodes"]
    assert (first["node"], first["up"], first["ready"], first["version"]) == ("n1", True, True, "0.1.0")
    (replica,) = first["replicas"]
    assert replica["replica"] == "4000000000000001"
    assert replica["state_digest"] == "01ff"
    assert replica["decided_through"] == 41
    assert second["ready"] is False
    assert third["up"] is False and "connection refused" in third["error"]


def test_a_node_that_is_not_part_of_a_cluster_yet_is_shown(cluster: Runner, client: FakeClient) -> None:
    client.statuses["h:7401"] = StatusResponse(version="0.1.0")
    assert cluster("status").out.decode().splitlines()[1].split() == ["n1", "h:7401", "not", "ready", "0.1.0"]


def test_status_without_any_node_is_unavailable(ostraka: Runner, client: FakeClient) -> None:
    client.failures = [ConnectionLost("nobody there")]
    outcome = ostraka("status")
    assert (outcome.code, outcome.out) == (3, b"")
    assert b"nobody there" in outcome.err


def test_members(cluster: Runner) -> None:
    lines = cluster("members").out.decode().splitlines()
    assert lines[1].split() == ["n1", "h:7401", "h:7501", "reachable", "1:4000000000000001"]
    assert "unreachable" in lines[3]
    members = json.loads(cluster("members", "--json").out)["members"]
    assert members[2]["reachable"] is False
    assert members[0]["replicas"] == [{"group": 1, "replica": "4000000000000001"}]


def test_shards(cluster: Runner) -> None:
    lines = cluster("shards").out.decode().splitlines()
    assert lines[1].split() == ["1", "1", "first", "key", "no", "end", "n1", "h:7401", "n1", "n2", "n3"]
    document = json.loads(cluster("shards", "--json").out)
    assert document["layout"] == 1
    assert document["shards"][0] == {
        "shard": 1,
        "group": 1,
        "start": "",
        "end": "",
        "leader_node": "n1",
        "leader_address": "h:7401",
        "replica_nodes": ["n1", "n2", "n3"],
    }


def test_transfer_leader(ostraka: Runner, client: FakeClient) -> None:
    assert ostraka("transfer-leader", "1", "n2") == (0, b"shard 1 is led by n2\n", b"")
    assert client.calls[0] == ("transfer_leader", 1, "n2")
    assert ostraka("transfer-leader", "one", "n2").code == 2


def test_messages_of_the_cluster_are_whole_in_json() -> None:
    assert as_json(MembersResponse()) == {"members": []}
    assert as_json(Shard(start=b"\xff")) == {
        "shard": 0,
        "group": 0,
        "start_base64": "/w==",
        "end": "",
        "leader_node": "",
        "leader_address": "",
        "replica_nodes": [],
    }
