"""What Prometheus reads: names and units by its conventions, values that are the node's."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Callable, Sequence
from typing import TypeVar, cast

import pytest
from prometheus_client import REGISTRY, Metric
from prometheus_client.parser import text_string_to_metric_families

from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import GetRequest, PutRequest
from ostraka_server import metrics
from ostraka_server.metrics import Metrics
from ostraka_server.paxos import Entry
from ostraka_server.rpc.interceptor import Rpcs
from ostraka_server.rpc.peers import Handler, Peers
from ostraka_server.shard.driver import Driver
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.router import Router
from ostraka_server.view import NodeView
from tests.machine.bases import DictBase
from tests.rpc.cluster import Cluster, ManualClock, View
from tests.shard.turner import RecordingTransfers

T = TypeVar("T")
SYNC_S = 0.003
DECLARED = [
    declared
    for table in (
        metrics.OF_GROUP,
        metrics.OF_DRIVER,
        metrics.OF_GATEWAY,
        metrics.OF_PEERS,
        metrics.OF_NODE,
        metrics.OF_METHOD,
    )
    for declared in cast(Sequence[metrics.Metric[object]], table)
]


class SlowLog:
    """A log whose flush takes its time."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock

    def promise(self, group: int, ballot: tuple[int, int, int]) -> None: ...
    def accept(self, group: int, slot: int, ballot: tuple[int, int, int], payload: bytes) -> None: ...
    def decided(self, group: int, through: int) -> None: ...
    def base(self, group: int) -> int:
        return 0

    def truncate(self, group: int, base: int) -> None: ...
    def flush(self) -> None:
        self._clock.advance(SYNC_S)

    def read(self, group: int, first: int, through: int, max_bytes: int) -> Sequence[Entry]:
        raise AssertionError("nobody lags")


class AtOnce:
    """A runner without a thread."""

    async def run(self, work: Callable[[], T]) -> T:
        return work()

    def close(self) -> None: ...


class Sequenced:
    """As much of a handler as sending asks for."""

    def sequence(self) -> int:
        return 0


class Node:
    """A cluster of one, turned by its driver."""

    def __init__(self) -> None:
        cluster = Cluster(1)
        self.clock = cluster.clock
        self.groups = cluster.nodes["n1"]
        self.gateway: Gateway = cluster.gateway("n1")
        self.peers = Peers(cast(Handler, Sequenced()), {}, self.clock)
        self.rpcs = Rpcs("unary")
        self.metrics = Metrics(
            node=cast(NodeView, View(cluster, "n1")),
            gateway=self.gateway,
            peers=self.peers,
            methods={"/ostraka.v1.KV/Get": self.rpcs},
        )
        self.driver = Driver(log=SlowLog(self.clock), log_runner=AtOnce(), transport=self.peers, clock=self.clock)

    def serve(self) -> None:
        """Elect oneself."""
        for group in self.groups.values():
            self.driver.add(group, Flusher(group, DictBase(), AtOnce(), self.clock, 1.0, 1000), RecordingTransfers([]))
        self.metrics.driver = self.driver
        self.gateway.open(Router(self.groups), lambda: None)
        self.clock.advance(2.0)
        self.turn()
        assert all(group.replica.serving for group in self.groups.values())

    def turn(self) -> None:
        async def main() -> None:
            for _ in range(8):
                await self.driver.turn()

        asyncio.run(main())

    def call(self, *commands: Command) -> list[Reply]:
        replies: list[Reply] = []
        for command in commands:
            self.gateway.submit(command.SerializeToString(), 1000, replies.append)
        self.turn()
        assert len(replies) == len(commands)
        return replies

    def families(self) -> dict[str, Metric]:
        text = self.metrics.exposition().decode()
        return {family.name: family for family in text_string_to_metric_families(text)}

    def value(self, name: str, **labels: str) -> float:
        samples = (sample for family in self.families().values() for sample in family.samples)
        (value,) = (sample.value for sample in samples if (sample.name, sample.labels) == (name, labels))
        return value


@pytest.fixture
def node() -> Node:
    node = Node()
    node.serve()
    return node


PUT = Command(put=PutRequest(key=b"k", value=b"v"))
GET = Command(get=GetRequest(key=b"k"))
NO_KEY = Command(get=GetRequest())


def test_a_group_shows_its_consensus_and_its_work(node: Node) -> None:
    node.call(PUT, PUT, PUT)
    node.call(GET)
    group = node.groups[1]
    shown = {
        name: node.value(f"ostraka_group_{name}", group="1")
        for name in ("leader", "has_leader", "epoch", "ballot_round", "decided_slot", "applied_slot", "checkpoint_slot")
    }
    ballot = group.replica.ballot.round
    assert shown == {
        "leader": 1,
        "has_leader": 1,
        "epoch": 1,
        "ballot_round": ballot,
        "decided_slot": 2,  # the barrier, and one entry
        "applied_slot": 2,
        "checkpoint_slot": 0,
    }
    assert node.value("ostraka_group_revision", group="1") == 4
    assert node.value("ostraka_group_elections_total", group="1") == 1
    assert node.value("ostraka_group_proposals_total", group="1") == 1
    assert node.value("ostraka_group_commands_applied_total", group="1") == 3
    assert node.value("ostraka_group_reads_total", group="1") == 1
    assert node.value("ostraka_group_commands_applied_total", group="0") == 0


def test_an_entry_falls_into_the_bucket_of_its_commands(node: Node) -> None:
    node.call(PUT, PUT, PUT)
    name = "ostraka_group_entry_commands"
    assert node.value(f"{name}_bucket", group="1", le="1.0") == 0
    assert node.value(f"{name}_bucket", group="1", le="4.0") == 1
    assert node.value(f"{name}_bucket", group="1", le="+Inf") == node.value(f"{name}_count", group="1") == 1
    assert node.value(f"{name}_sum", group="1") == 3


def test_messages_that_are_ignored_are_shown_by_reason(node: Node) -> None:
    node.groups[1].replica.ignored["late promise"] += 2
    assert node.value("ostraka_group_ignored_messages_total", group="1", reason="late promise") == 2


def test_syncs_of_the_log_are_timed_and_measured(node: Node) -> None:
    count = node.value("ostraka_log_sync_seconds_count")
    entries, size = (node.value(f"ostraka_log_sync_{what}_sum") for what in ("entries", "bytes"))
    node.call(PUT, PUT)
    assert node.value("ostraka_log_sync_seconds_count") == count + 1
    assert node.value("ostraka_log_sync_seconds_sum") == pytest.approx(SYNC_S * (count + 1))
    assert node.value("ostraka_log_sync_entries_sum") == entries + 1
    assert node.value("ostraka_log_sync_bytes_sum") > size + 2 * len(PUT.SerializeToString())


def test_calls_are_shown_by_operation_and_outcome(node: Node) -> None:
    node.call(PUT, GET, GET, NO_KEY)
    node.gateway.submit(PUT.SerializeToString(), 1000, lambda reply: None)
    assert node.value("ostraka_calls_in_flight") == 1
    assert node.value("ostraka_operations_total", operation="put", code="OK") == 1
    assert node.value("ostraka_operations_total", operation="get", code="OK") == 2
    assert node.value("ostraka_operations_total", operation="get", code="InvalidArgument") == 1
    assert node.value("ostraka_operations_refused_total", reason="INVALID") == 1


def test_rpcs_have_the_names_that_other_servers_give_them(node: Node) -> None:
    labels = {"grpc_type": "unary", "grpc_service": "ostraka.v1.KV", "grpc_method": "Get"}
    node.rpcs.started = 3
    node.rpcs.handled[5] = 2
    node.rpcs.seconds.observe(0.015)
    assert node.value("grpc_server_started_total", **labels) == 3
    assert node.value("grpc_server_handled_total", **labels, grpc_code="NotFound") == 2
    assert node.value("grpc_server_handling_seconds_bucket", **labels, le="0.01") == 0
    assert node.value("grpc_server_handling_seconds_bucket", **labels, le="0.02") == 1
    assert node.value("grpc_server_handling_seconds_sum", **labels) == 0.015


def test_the_node_its_members_and_its_process_are_shown(node: Node) -> None:
    node.peers.send("n2", [b"to nobody"])
    assert node.value("ostraka_build_info", version="1.2.3") == 1
    assert node.value("ostraka_member_reachable", member="n1") == 1
    assert node.value("ostraka_replica_frames_dropped_total") == 1
    assert node.value("process_resident_memory_bytes") > 0
    assert "python_info" in node.families()


def test_before_the_node_serves_there_are_no_groups_but_all_the_rest() -> None:
    families = Node().families()
    assert not [name for name in families if name.startswith(("ostraka_group_", "ostraka_log_"))]
    assert {"ostraka_build_info", "ostraka_calls_in_flight", "process_cpu_seconds"} <= families.keys()


def test_nodes_in_one_process_do_not_mix() -> None:
    nodes = Node(), Node()
    nodes[0].serve()
    assert "ostraka_group_leader" not in nodes[1].families()
    assert not [family for family in REGISTRY.collect() if family.name.startswith(("ostraka_", "grpc_"))]


def test_names_are_unique_and_help_is_a_sentence() -> None:
    assert len({declared.name for declared in DECLARED}) == len(DECLARED)
    assert [declared.name for declared in DECLARED if not re.fullmatch(r"[A-Z0-9].+\.", declared.help)] == []


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.name)
def test_names_follow_the_conventions(declared: metrics.Metric[object]) -> None:
    assert re.fullmatch(r"(ostraka|grpc)_[a-z_]+", declared.name)
    assert declared.name.endswith("_total") == (declared.family is metrics.C)
    assert all(re.fullmatch(r"[a-z_]+", label) for label in declared.labels)


def exposed(node: Node) -> str:
    """With a sample of everything that is declared."""
    node.call(PUT, NO_KEY)
    node.groups[1].replica.ignored["late promise"] += 1
    node.rpcs.handled[0] += 1
    text = node.metrics.exposition().decode()
    assert [declared.name for declared in DECLARED if f"\n# TYPE {declared.name} " not in f"\n{text}"] == []
    return text


def test_promtool_finds_nothing_to_complain_of(node: Node) -> None:
    text = exposed(node)
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is missing: `make tools` installs it")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_the_lag_of_the_checkpoint_is_what_is_not_flushed(node: Node) -> None:
    def flush(group: Group) -> None:
        assert group.machine.begin_flush() is not None
        group.machine.end_flush()

    node.call(PUT)
    flush(node.groups[1])
    node.call(PUT)
    applied = node.value("ostraka_group_applied_slot", group="1")
    assert node.value("ostraka_group_checkpoint_slot", group="1") == applied - 1
