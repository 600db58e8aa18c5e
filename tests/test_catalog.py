"""What Prometheus reads of a node: names and units by its conventions, values that are the node's."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import Sequence
from typing import cast

import pytest
from prometheus_client.core import CounterMetricFamily

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import GetRequest, PutRequest
from ostraka_server import catalog
from ostraka_server.log import FaultySlot, RecoveredGroup
from ostraka_server.metrics import Metric
from ostraka_server.store import DamagedStore
from tests.metered_node import FREE, NEEDED, SYNC_S, MeteredNode

DECLARED = [
    declared
    for name, table in vars(catalog).items()
    if name.startswith("OF_")
    for declared in cast(Sequence[Metric[object]], table)
]
PUT = Command(put=PutRequest(key=b"k", value=b"v"))
GET = Command(get=GetRequest(key=b"k"))
NO_KEY = Command(get=GetRequest())


@pytest.fixture
def node() -> MeteredNode:
    node = MeteredNode()
    node.serve()
    return node


def test_a_group_shows_its_consensus(node: MeteredNode) -> None:
    node.call(PUT, PUT, PUT)
    assert node.of_group("ostraka_group_", "leader", "has_leader", "epoch", "ballot_round") == {
        "leader": 1,
        "has_leader": 1,
        "epoch": 1,
        "ballot_round": node.group.replica.ballot.round,
    }
    assert node.of_group("ostraka_group_", "decided_slot", "applied_slot", "pending_entries") == {
        "decided_slot": 2,  # the barrier, and one entry
        "applied_slot": 2,
        "pending_entries": 0,
    }
    assert node.of_group("ostraka_group_", "elections_total", "leaders_total", "proposals_total") == {
        "elections_total": 1,
        "leaders_total": 1,
        "proposals_total": 1,
    }


def test_a_group_shows_its_work(node: MeteredNode) -> None:
    node.call(PUT, PUT, PUT)
    node.call(GET)
    assert node.of_group("ostraka_group_", "revision", "commands_applied_total", "reads_total") == {
        "revision": 4,
        "commands_applied_total": 3,
        "reads_total": 1,
    }
    assert node.value("ostraka_group_commands_applied_total", group="0") == 0


def test_calls_that_wait_for_a_turn_are_shown(node: MeteredNode) -> None:
    for command in (PUT, PUT, GET):
        node.gateway.submit(command.SerializeToString(), 1000, lambda reply: None)
    assert node.of_group("ostraka_group_", "queued_writes", "pending_reads") == {"queued_writes": 2, "pending_reads": 1}
    node.turn()
    assert node.of_group("ostraka_group_", "queued_writes", "pending_reads") == {"queued_writes": 0, "pending_reads": 0}


def test_a_replica_without_its_store_is_shown(node: MeteredNode) -> None:
    assert node.of_group("ostraka_group_", "store_lost", "damaged_stores_total") == {
        "store_lost": 0,
        "damaged_stores_total": 0,
    }
    node.group.damaged(DamagedStore("store", "a flipped bit"))
    assert node.of_group("ostraka_group_", "store_lost", "damaged_stores_total") == {
        "store_lost": 1,
        "damaged_stores_total": 1,
    }


def test_a_store_that_the_start_found_damaged_is_shown() -> None:
    node = MeteredNode(b"no database")
    node.serve()
    assert node.of_group("ostraka_group_", "damaged_stores_total") == {"damaged_stores_total": 1}


def test_an_entry_falls_into_the_bucket_of_its_commands(node: MeteredNode) -> None:
    node.call(PUT, PUT, PUT)
    name = "ostraka_group_entry_commands"
    assert node.value(f"{name}_bucket", group="1", le="1.0") == 0
    assert node.value(f"{name}_bucket", group="1", le="4.0") == 1
    assert node.value(f"{name}_bucket", group="1", le="+Inf") == node.value(f"{name}_count", group="1") == 1
    assert node.value(f"{name}_sum", group="1") == 3


def test_messages_that_are_ignored_are_shown_by_reason(node: MeteredNode) -> None:
    node.group.replica.ignored["late promise"] += 2
    assert node.value("ostraka_group_ignored_messages_total", group="1", reason="late promise") == 2


def test_syncs_of_the_log_are_counted_and_measured(node: MeteredNode) -> None:
    count, turns = (
        node.value(name) for name in ("ostraka_log_sync_seconds_count", "ostraka_driver_turn_seconds_count")
    )
    entries, size = (node.value(f"ostraka_log_sync_{what}_sum") for what in ("entries", "bytes"))
    node.call(PUT, PUT)
    assert node.value("ostraka_log_sync_seconds_count") == count + 1
    assert node.value("ostraka_log_sync_entries_sum") == entries + 1
    assert node.value("ostraka_log_sync_bytes_sum") > size + 2 * len(PUT.SerializeToString())
    assert node.value("ostraka_driver_turn_seconds_count") > turns
    assert node.value("ostraka_driver_turn_seconds_sum") == pytest.approx(SYNC_S * (count + 1))


def test_what_the_log_holds_is_shown_until_it_is_truncated(node: MeteredNode) -> None:
    for _ in range(3):
        node.call(PUT)
    held = node.of_group("ostraka_log_", "base_slot", "entries", "bytes")
    assert (held["base_slot"], held["entries"]) == (0, 4)  # the barrier, and three
    node.hosting.driver.truncate(1, 3)
    node.turn()
    left = node.of_group("ostraka_log_", "base_slot", "entries", "bytes")
    assert (left["base_slot"], left["entries"]) == (3, 1)
    assert 0 < left["bytes"] < held["bytes"]
    assert node.value("ostraka_log_segments") == 1


def test_damage_that_the_start_found_stays_shown(node: MeteredNode) -> None:
    damaged = FaultySlot(3, (1, 1, 1), b"hash")
    node.hosting.log.recovered = {1: RecoveredGroup((1, 1, 1), 5, 0, [], (damaged,))}
    assert node.of_group("ostraka_log_", "faulty_slots_found_total", "faulty_slots") == {
        "faulty_slots_found_total": 1,
        "faulty_slots": 0,
    }


def test_flushes_and_checkpoints_of_the_store_are_timed(node: MeteredNode) -> None:
    node.call(PUT)
    unflushed = node.of_group("ostraka_group_", "applied_slot", "checkpoint_slot", "unflushed_bytes")
    assert (unflushed["applied_slot"], unflushed["checkpoint_slot"]) == (2, 0)
    assert unflushed["unflushed_bytes"] > 0
    asyncio.run(node.hosting.flushers[1].flush())
    assert node.of_group("ostraka_group_", "checkpoint_slot", "unflushed_bytes") == {
        "checkpoint_slot": 2,
        "unflushed_bytes": 0,
    }
    assert node.of_group("ostraka_store_", "flush_seconds_count", "flush_seconds_sum") == {
        "flush_seconds_count": 1,
        "flush_seconds_sum": pytest.approx(SYNC_S),
    }


def test_snapshots_are_counted(node: MeteredNode) -> None:
    node.hosting.sources[1].taken = 1
    node.hosting.sinks[1].installed, node.hosting.sinks[1].refused = 2, 3
    assert node.of_group("ostraka_snapshots_", "taken_total", "installed_total", "refused_total") == {
        "taken_total": 1,
        "installed_total": 2,
        "refused_total": 3,
    }


def test_free_space_stands_beside_what_is_needed(node: MeteredNode) -> None:
    asyncio.run(node.reserve.check())
    assert node.value("ostraka_disk_free_bytes") == FREE
    assert node.value("ostraka_disk_reserve_bytes") == NEEDED


def test_calls_are_shown_by_operation_and_outcome(node: MeteredNode) -> None:
    node.call(PUT, GET, GET, NO_KEY)
    assert node.value("ostraka_operations_total", operation="put", code="OK") == 1
    assert node.value("ostraka_operations_total", operation="get", code="OK") == 2
    assert node.value("ostraka_operations_total", operation="get", code="InvalidArgument") == 1
    assert node.value("ostraka_operations_refused_total", reason="INVALID") == 1


def test_calls_are_timed_from_being_taken_to_being_answered(node: MeteredNode) -> None:
    data = PUT.SerializeToString()
    node.gateway.submit(data, 1000, lambda reply: None)
    assert (node.value("ostraka_calls_in_flight"), node.value("ostraka_calls_in_flight_bytes")) == (1, len(data))
    node.clock.advance(0.5)
    node.turn()
    assert node.value("ostraka_calls_in_flight") == node.value("ostraka_calls_in_flight_bytes") == 0
    assert node.value("ostraka_operation_seconds_count", operation="put") == 1
    assert node.value("ostraka_operation_seconds_sum", operation="put") == pytest.approx(0.5 + SYNC_S)


def test_rpcs_have_the_names_that_other_servers_give_them(node: MeteredNode) -> None:
    labels = {"grpc_type": "unary", "grpc_service": "ostraka.v1.KV", "grpc_method": "Get"}
    node.rpcs.started = 3
    node.rpcs.handled[5] = 2
    node.rpcs.seconds.observe(0.015)
    assert node.value("grpc_server_started_total", **labels) == 3
    assert node.value("grpc_server_handled_total", **labels, grpc_code="NotFound") == 2
    assert node.value("grpc_server_handling_seconds_bucket", **labels, le="0.01") == 0
    assert node.value("grpc_server_handling_seconds_bucket", **labels, le="0.02") == 1
    assert node.value("grpc_server_handling_seconds_sum", **labels) == 0.015


def test_the_node_its_members_and_its_process_are_shown(node: MeteredNode) -> None:
    node.peers.send("n2", [b"to nobody"])
    assert node.value("ostraka_build_info", version=node.view.version) == 1
    assert node.value("ostraka_ready") == 1
    assert node.value("ostraka_member_reachable", member="n1") == 1
    assert node.value("ostraka_replica_frames_dropped_total") == 1
    assert node.value("ostraka_replica_unsent_bytes", member="n2") == 0
    assert node.value("process_resident_memory_bytes") > 0
    assert "python_info" in node.families()


def test_before_the_node_serves_there_are_no_groups_but_all_the_rest() -> None:
    node = MeteredNode()
    assert not [name for name in node.families() if name.startswith(("ostraka_group_", "ostraka_log_"))]
    assert {"ostraka_build_info", "ostraka_calls_in_flight", "process_cpu_seconds"} <= node.families().keys()
    assert node.value("ostraka_ready") == 0


def test_names_are_unique_and_help_is_a_sentence() -> None:
    assert len({declared.name for declared in DECLARED}) == len(DECLARED)
    assert [declared.name for declared in DECLARED if not re.fullmatch(r"[A-Z0-9].+\.", declared.help)] == []


@pytest.mark.parametrize("declared", DECLARED, ids=lambda declared: declared.name)
def test_names_follow_the_conventions(declared: Metric[object]) -> None:
    assert re.fullmatch(r"(ostraka|grpc)_[a-z_]+", declared.name)
    assert declared.name.endswith("_total") == (declared.family is CounterMetricFamily)
    assert all(re.fullmatch(r"[a-z_]+", label) for label in declared.labels)


def exposed() -> str:
    """What a node shows, with a sample of everything that is declared."""
    node = MeteredNode()
    node.serve()
    node.call(PUT, NO_KEY)
    node.group.replica.ignored["late promise"] += 1
    node.rpcs.handled[0] += 1
    text = node.metrics.exposition().decode()
    assert [declared.name for declared in DECLARED if f"\n# TYPE {declared.name} " not in f"\n{text}"] == []
    return text


def test_promtool_finds_nothing_to_complain_of() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("promtool is missing: `make tools` installs it")
    checked = subprocess.run([promtool, "check", "metrics"], input=exposed(), capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
