"""Every metric of a node: type, name, meaning, and where it is read. docs/metrics.md says what to do about each.

Units stand in the names, counters end in `_total` and count since the process started. Labels are words of this
code and numbers of groups, never what a client sent. The `grpc_server_*` are those of the Go servers, so that
dashboards made for them fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from prometheus_client.core import CounterMetricFamily as C
from prometheus_client.core import GaugeMetricFamily as G
from prometheus_client.core import HistogramMetricFamily as H

from ostraka.v1.common_pb2 import Reason
from ostraka_server.hosting import Hosting
from ostraka_server.log import AcceptorLog
from ostraka_server.metrics import Labelled, Labels, Metric, Metrics
from ostraka_server.rpc.errors import code_name
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.interceptor import Rpcs
from ostraka_server.rpc.peers import Peers
from ostraka_server.shard.disk_reserve import DiskReserve
from ostraka_server.shard.driver import Driver
from ostraka_server.shard.flusher import Flusher
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.shard.reclaimer import Reclaimer
from ostraka_server.shard.snapshot_sink import SnapshotSink
from ostraka_server.shard.snapshot_source import SnapshotSource
from ostraka_server.view import NodeView

S = TypeVar("S")

BY_GROUP = ("group",)


def checkpoint_slot(group: Group) -> int:
    return group.machine.applied_slot - group.machine.unflushed_entries


def history(group: Group) -> int:
    return group.machine.revision - max(1, group.machine.compact_revision) + 1


def ignored(group: Group) -> Labelled:
    return {(reason,): count for reason, count in group.replica.ignored.items()}


def operations(gateway: Gateway) -> Labelled:
    return {(operation, code_name(code)): n for (operation, code), n in gateway.tally.operations.items()}


def refused(gateway: Gateway) -> Labelled:
    return {(Reason.Name(reason),): count for reason, count in gateway.tally.refusals.items()}


def latency(gateway: Gateway) -> Labelled:
    return {(operation,): seconds for operation, seconds in gateway.tally.seconds.items()}


def unsent(peers: Peers) -> Labelled:
    return {(member,): size for member, size in peers.unsent_bytes.items()}


def reachable(node: NodeView) -> Labelled:
    return {(member.node,): member.reachable for member in node.members}


def handled(rpcs: Rpcs) -> Labelled:
    return {(code_name(code),): count for code, count in rpcs.handled.items()}


def of_group(read: Callable[[AcceptorLog, int], float]) -> Callable[[AcceptorLog], Labelled]:
    """A log is its node's, and holds entries of each group."""
    return lambda log: {(str(group),): read(log, group) for group in log.groups}


def held_entries(log: AcceptorLog, group: int) -> int:
    return log.held(group).entries


def held_bytes(log: AcceptorLog, group: int) -> int:
    return log.held(group).bytes


def found_faulty(log: AcceptorLog, group: int) -> int:
    return len(log.recovered[group].faulty) if group in log.recovered else 0


OF_GROUP: tuple[Metric[Group], ...] = (
    Metric(G, "ostraka_group_leader", "1 where this node leads the group.", lambda g: g.leads),
    Metric(G, "ostraka_group_has_leader", "1 where a leader is known here.", lambda g: g.leader_node is not None),
    Metric(C, "ostraka_group_leaders_total", "Times that a leader became known here.", lambda g: g.stats.leaders),
    Metric(C, "ostraka_group_elections_total", "Ballots prepared here.", lambda g: g.replica.elections),
    Metric(G, "ostraka_group_epoch", "Number of the membership.", lambda g: g.replica.epoch),
    Metric(G, "ostraka_group_ballot_round", "Round of the ballot promised.", lambda g: g.replica.ballot.round),
    Metric(G, "ostraka_group_decided_slot", "Last slot known decided.", lambda g: g.replica.decided_through),
    Metric(G, "ostraka_group_applied_slot", "Last slot applied.", lambda g: g.machine.applied_slot),
    Metric(G, "ostraka_group_checkpoint_slot", "Last slot written to the store.", checkpoint_slot),
    Metric(G, "ostraka_group_unflushed_bytes", "Applied, not in the store yet.", lambda g: g.machine.unflushed_bytes),
    Metric(G, "ostraka_group_store_lost", "1 while the replica has no store to read from.", lambda g: g.lost),
    Metric(C, "ostraka_group_damaged_stores_total", "Stores found damaged.", lambda g: g.stats.damaged_stores),
    Metric(G, "ostraka_group_revision", "Revision of the shard.", lambda g: g.machine.revision),
    Metric(G, "ostraka_group_compact_revision", "Oldest revision to be read.", lambda g: g.machine.compact_revision),
    Metric(G, "ostraka_group_history_revisions", "Revisions that can be read.", history),
    Metric(G, "ostraka_group_sessions", "Clients that are registered.", lambda g: g.machine.sessions),
    Metric(
        C,
        "ostraka_group_session_evictions_total",
        "Clients forgotten for others; from 0 again where a snapshot was installed.",
        lambda g: g.machine.evictions,
    ),
    Metric(
        C,
        "ostraka_group_repeated_writes_total",
        "Writes that came again and were answered as before; from 0 again where a snapshot was installed.",
        lambda g: g.machine.repeats,
    ),
    Metric(G, "ostraka_group_queued_writes", "Writes that wait to be proposed.", lambda g: g.queued_writes),
    Metric(G, "ostraka_group_pending_reads", "Reads that wait for their read point.", lambda g: g.pending_reads),
    Metric(G, "ostraka_group_pending_entries", "Entries proposed, not decided yet.", lambda g: g.replica.pending),
    Metric(C, "ostraka_group_proposals_total", "Entries proposed.", lambda g: g.stats.proposals),
    Metric(
        C,
        "ostraka_group_proposal_failures_total",
        "Entries proposed, where another one was decided.",
        lambda g: g.stats.proposal_failures,
    ),
    Metric(H, "ostraka_group_entry_commands", "Commands in each entry proposed.", lambda g: g.stats.entry_commands),
    Metric(C, "ostraka_group_commands_applied_total", "Commands applied.", lambda g: g.stats.commands),
    Metric(C, "ostraka_group_reads_total", "Reads answered by this replica.", lambda g: g.stats.reads),
    Metric(C, "ostraka_group_ignored_messages_total", "Messages of consensus without effect.", ignored, ("reason",)),
)
OF_DRIVER: tuple[Metric[Driver], ...] = (
    Metric(H, "ostraka_driver_turn_seconds", "A turn of all groups, its sync included.", lambda d: d.turn_seconds),
    Metric(H, "ostraka_log_sync_seconds", "Writing a batch of the log and syncing it.", lambda d: d.sync_seconds),
    Metric(H, "ostraka_log_sync_entries", "Entries made durable by one sync.", lambda d: d.sync_entries),
    Metric(H, "ostraka_log_sync_bytes", "Payload made durable by one sync.", lambda d: d.sync_bytes),
    Metric(
        C,
        "ostraka_replica_messages_refused_total",
        "Messages of other replicas that were malformed or astray.",
        lambda d: d.refused_messages,
    ),
)
OF_LOG: tuple[Metric[AcceptorLog], ...] = (
    Metric(G, "ostraka_log_segments", "Segment files of the log.", lambda log: log.segments),
    Metric(G, "ostraka_log_base_slot", "Last slot truncated.", of_group(AcceptorLog.base), BY_GROUP),
    Metric(G, "ostraka_log_entries", "Entries that the log holds.", of_group(held_entries), BY_GROUP),
    Metric(G, "ostraka_log_bytes", "Bytes of the entries held.", of_group(held_bytes), BY_GROUP),
    Metric(G, "ostraka_log_faulty_slots", "Damaged, not repaired.", of_group(AcceptorLog.unreadable), BY_GROUP),
    Metric(C, "ostraka_log_faulty_slots_found_total", "Found damaged by the start.", of_group(found_faulty), BY_GROUP),
)
OF_FLUSHER: tuple[Metric[Flusher], ...] = (
    Metric(H, "ostraka_store_flush_seconds", "Writing what was applied to the store.", lambda f: f.flush_seconds),
    Metric(
        H,
        "ostraka_store_checkpoint_seconds",
        "Making the store durable, so that the log can be truncated.",
        lambda f: f.checkpoint_seconds,
    ),
    Metric(G, "ostraka_store_past_rows", "Rows of the store that have ended.", lambda f: f.store.past_rows),
)
OF_RECLAIMER: tuple[Metric[Reclaimer], ...] = (
    Metric(
        H,
        "ostraka_store_reclaim_seconds",
        "Removing some rows that compaction has given up.",
        lambda r: r.bite_seconds,
    ),
)
OF_SOURCE: tuple[Metric[SnapshotSource], ...] = (
    Metric(C, "ostraka_snapshots_taken_total", "Snapshots made for other replicas.", lambda s: s.taken),
    Metric(C, "ostraka_snapshot_sent_bytes_total", "Bytes of snapshots sent.", lambda s: s.sent_bytes),
)
OF_SINK: tuple[Metric[SnapshotSink], ...] = (
    Metric(C, "ostraka_snapshots_installed_total", "Snapshots of other replicas installed.", lambda s: s.installed),
    Metric(C, "ostraka_snapshots_refused_total", "Snapshots that arrived damaged.", lambda s: s.refused),
    Metric(C, "ostraka_snapshot_received_bytes_total", "Bytes of snapshots received.", lambda s: s.received_bytes),
)
OF_DISK: tuple[Metric[DiskReserve], ...] = (
    Metric(G, "ostraka_disk_free_bytes", "Free where the node's data is.", lambda d: d.free_bytes),
    Metric(G, "ostraka_disk_reserve_bytes", "With less than this free, writes are refused.", lambda d: d.needed_bytes),
)
OF_GATEWAY: tuple[Metric[Gateway], ...] = (
    Metric(G, "ostraka_calls_in_flight", "Calls taken and not answered yet.", lambda g: g.in_flight),
    Metric(G, "ostraka_calls_in_flight_bytes", "Bytes of the calls in flight.", lambda g: g.in_flight_bytes),
    Metric(G, "ostraka_calls_parked", "Calls in flight that wait for a leader.", lambda g: g.parked),
    Metric(C, "ostraka_operations_total", "Calls answered.", operations, ("operation", "code")),
    Metric(C, "ostraka_operations_refused_total", "Calls answered by an error.", refused, ("reason",)),
    Metric(H, "ostraka_operation_seconds", "From taking a call to its answer.", latency, ("operation",)),
)
OF_FORWARDER: tuple[Metric[Forwarder], ...] = (
    Metric(C, "ostraka_calls_forwarded_total", "Calls passed on to the node that leads.", lambda f: f.calls),
)
OF_EXCHANGE: tuple[Metric[ExchangeService], ...] = (
    Metric(G, "ostraka_exchange_streams", "Exchanges open.", lambda e: e.streams),
    Metric(C, "ostraka_exchange_streams_cut_total", "Exchanges ended by this node.", lambda e: e.streams_cut),
    Metric(G, "ostraka_exchange_unsent_bytes", "Replies that clients have not read.", lambda e: e.unsent_bytes),
    Metric(
        C,
        "ostraka_exchange_replies_dropped_total",
        "Replies to reads that found no room: their clients were told to come back.",
        lambda e: e.replies_dropped,
    ),
)
OF_PEERS: tuple[Metric[Peers], ...] = (
    Metric(C, "ostraka_replica_frames_sent_total", "Frames sent to other nodes.", lambda p: p.frames_sent),
    Metric(C, "ostraka_replica_sent_bytes_total", "Bytes sent to other nodes.", lambda p: p.bytes_sent),
    Metric(G, "ostraka_replica_unsent_bytes", "Bytes that wait to be sent to a node.", unsent, ("member",)),
    Metric(
        C,
        "ostraka_replica_frames_dropped_total",
        "Frames not sent: no connection, or too much waits.",
        lambda p: p.frames_dropped,
    ),
    Metric(C, "ostraka_replica_frames_received_total", "Frames from other nodes.", lambda p: p.frames_received),
    Metric(C, "ostraka_replica_received_bytes_total", "Bytes from other nodes.", lambda p: p.bytes_received),
    Metric(
        C,
        "ostraka_replica_connections_refused_total",
        "Connections for replicas closed: strangers and malformed bytes.",
        lambda p: p.refused,
    ),
)
OF_NODE: tuple[Metric[NodeView], ...] = (
    Metric(G, "ostraka_build_info", "Always 1.", lambda n: {(n.version,): 1}, ("version",)),
    Metric(G, "ostraka_ready", "1 where every group can serve here, as /readyz says.", lambda n: n.ready),
    Metric(G, "ostraka_member_reachable", "1 where this node is connected to another.", reachable, ("member",)),
)
OF_METHOD: tuple[Metric[Rpcs], ...] = (
    Metric(C, "grpc_server_started_total", "RPCs begun.", lambda m: m.started),
    Metric(C, "grpc_server_handled_total", "RPCs ended.", handled, ("grpc_code",)),
    Metric(H, "grpc_server_handling_seconds", "From the begin of an RPC to its end.", lambda m: m.seconds),
)


def show_edges(
    metrics: Metrics,
    *,
    node: NodeView,
    gateway: Gateway,
    exchange: ExchangeService,
    forwarder: Forwarder,
    peers: Peers,
    methods: Mapping[str, Rpcs],
) -> None:
    """What a node has from its start. `methods` by `/package.Service/Method`."""

    def called() -> Mapping[Labels, Rpcs]:
        return {(rpcs.kind, *name[1:].split("/")): rpcs for name, rpcs in methods.items()}

    metrics.show(OF_NODE, node)
    metrics.show(OF_GATEWAY, gateway)
    metrics.show(OF_EXCHANGE, exchange)
    metrics.show(OF_FORWARDER, forwarder)
    metrics.show(OF_PEERS, peers)
    metrics.show_each(OF_METHOD, ("grpc_type", "grpc_service", "grpc_method"), called)


def show_hosting(metrics: Metrics, hosting: Hosting, reserve: DiskReserve) -> None:
    """What a node has once it serves."""
    metrics.show(OF_DRIVER, hosting.driver)
    metrics.show(OF_LOG, hosting.log)
    metrics.show(OF_DISK, reserve)
    metrics.show_each(OF_GROUP, BY_GROUP, lambda: by_group(hosting.groups))
    metrics.show_each(OF_FLUSHER, BY_GROUP, lambda: by_group(hosting.flushers))
    metrics.show_each(OF_RECLAIMER, BY_GROUP, lambda: by_group(hosting.reclaimers))
    metrics.show_each(OF_SOURCE, BY_GROUP, lambda: by_group(hosting.sources))
    metrics.show_each(OF_SINK, BY_GROUP, lambda: by_group(hosting.sinks))


def by_group(sources: Mapping[int, S]) -> Mapping[Labels, S]:
    return {(str(number),): source for number, source in sources.items()}
