"""Every metric of a node, read from its plain counters when somebody asks: none costs an operation anything.

Units stand in the names, counters end in `_total`. The `grpc_server_*` are those of the Go servers, so that dashboards
made for them fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from ostraka.v1.common_pb2 import Reason
from ostraka_server.distribution import Distribution
from ostraka_server.rpc.errors import code_name
from ostraka_server.rpc.interceptor import Rpcs
from ostraka_server.rpc.peers import Peers
from ostraka_server.shard.driver import Driver
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.group import Group
from ostraka_server.view import NodeView

S = TypeVar("S")
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Value = float | Distribution
Labelled = Mapping[tuple[str, ...], Value]
"""Values by the values of a metric's own labels."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[S]):
    """Something that is read from each S."""

    family: type[Family]
    name: str
    help: str
    read: Callable[[S], Value | Labelled]
    labels: tuple[str, ...] = ()


C, G, H = CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

OF_GROUP: tuple[Metric[Group], ...] = (
    Metric(G, "ostraka_group_leader", "1 where this node leads the group.", lambda g: g.leads),
    Metric(G, "ostraka_group_has_leader", "1 where a leader is known here.", lambda g: g.leader_node is not None),
    Metric(G, "ostraka_group_epoch", "Number of the membership.", lambda g: g.replica.epoch),
    Metric(G, "ostraka_group_ballot_round", "Round of the ballot promised.", lambda g: g.replica.ballot.round),
    Metric(G, "ostraka_group_decided_slot", "Last slot known decided.", lambda g: g.replica.decided_through),
    Metric(G, "ostraka_group_applied_slot", "Last slot applied.", lambda g: g.machine.applied_slot),
    Metric(G, "ostraka_group_checkpoint_slot", "Last slot in the store.", lambda g: checkpoint_slot(g)),
    Metric(G, "ostraka_group_revision", "Revision of the shard.", lambda g: g.machine.revision),
    Metric(G, "ostraka_group_pending_entries", "Proposed here, not yet decided.", lambda g: g.replica.pending),
    Metric(C, "ostraka_group_elections_total", "Ballots prepared here.", lambda g: g.replica.elections),
    Metric(C, "ostraka_group_proposals_total", "Entries proposed here.", lambda g: g.stats.proposals),
    Metric(C, "ostraka_group_proposal_failures_total", "Those decided against.", lambda g: g.stats.proposal_failures),
    Metric(C, "ostraka_group_commands_applied_total", "Commands applied.", lambda g: g.stats.commands),
    Metric(C, "ostraka_group_reads_total", "Reads answered by this replica.", lambda g: g.stats.reads),
    Metric(C, "ostraka_group_ignored_messages_total", "Without effect.", lambda g: ignored(g), ("reason",)),
    Metric(H, "ostraka_group_entry_commands", "Commands in each entry proposed.", lambda g: g.stats.entry_commands),
)
OF_DRIVER: tuple[Metric[Driver], ...] = (
    Metric(C, "ostraka_driver_turns_total", "Turns, each of all groups.", lambda d: d.turns),
    Metric(H, "ostraka_log_sync_seconds", "Writing a batch of the log and syncing it.", lambda d: d.sync_seconds),
    Metric(H, "ostraka_log_sync_entries", "Entries made durable by one sync.", lambda d: d.sync_entries),
    Metric(H, "ostraka_log_sync_bytes", "Payload made durable by one sync.", lambda d: d.sync_bytes),
    Metric(C, "ostraka_replica_messages_refused_total", "Malformed or astray.", lambda d: d.refused_messages),
)
OF_GATEWAY: tuple[Metric[Gateway], ...] = (
    Metric(G, "ostraka_calls_in_flight", "Calls taken and not answered yet.", lambda g: g.in_flight),
    Metric(C, "ostraka_operations_total", "Calls answered.", lambda g: operations(g), ("operation", "code")),
    Metric(C, "ostraka_operations_refused_total", "Calls answered by an error.", lambda g: refused(g), ("reason",)),
)
OF_PEERS: tuple[Metric[Peers], ...] = (
    Metric(C, "ostraka_replica_frames_sent_total", "Frames sent to other nodes.", lambda p: p.frames_sent),
    Metric(C, "ostraka_replica_sent_bytes_total", "Bytes of them.", lambda p: p.bytes_sent),
    Metric(C, "ostraka_replica_frames_received_total", "Frames from other nodes.", lambda p: p.frames_received),
    Metric(C, "ostraka_replica_frames_dropped_total", "Not sent: no connection, or full.", lambda p: p.frames_dropped),
    Metric(C, "ostraka_replica_connections_refused_total", "Strangers and malformed bytes.", lambda p: p.refused),
)
OF_NODE: tuple[Metric[NodeView], ...] = (
    Metric(G, "ostraka_build_info", "Always 1.", lambda n: {(n.version,): 1}, ("version",)),
    Metric(G, "ostraka_member_reachable", "1 where a connection stands.", lambda n: reachable(n), ("member",)),
)
OF_METHOD: tuple[Metric[Rpcs], ...] = (
    Metric(C, "grpc_server_started_total", "RPCs begun.", lambda m: m.started),
    Metric(C, "grpc_server_handled_total", "RPCs ended.", lambda m: handled(m), ("grpc_code",)),
    Metric(H, "grpc_server_handling_seconds", "From the begin of an RPC to its end.", lambda m: m.seconds),
)


def checkpoint_slot(group: Group) -> int:
    return group.machine.applied_slot - group.machine.unflushed_entries


def ignored(group: Group) -> Labelled:
    return {(reason,): count for reason, count in group.replica.ignored.items()}


def operations(gateway: Gateway) -> Labelled:
    return {(operation, code_name(code)): n for (operation, code), n in gateway.tally.operations.items()}


def refused(gateway: Gateway) -> Labelled:
    return {(Reason.Name(reason),): count for reason, count in gateway.tally.refusals.items()}


def reachable(node: NodeView) -> Labelled:
    return {(member.node,): member.reachable for member in node.members}


def handled(rpcs: Rpcs) -> Labelled:
    return {(code_name(code),): count for code, count in rpcs.handled.items()}


class Metrics(Collector):
    """One node's, in a registry of their own: several nodes may share a process."""

    def __init__(self, *, node: NodeView, gateway: Gateway, peers: Peers, methods: Mapping[str, Rpcs]) -> None:
        self._node = node
        self._gateway = gateway
        self._peers = peers
        self._methods = methods
        self.driver: Driver | None = None
        """Once the node serves."""
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def exposition(self) -> bytes:
        """All of them now, in Prometheus's text format 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """See `Collector`."""
        drivers: dict[tuple[str, ...], Driver] = {}
        groups: dict[tuple[str, ...], Group] = {}
        if self.driver is not None:
            drivers = {(): self.driver}
            groups = {(str(number),): group for number, group in self.driver.groups.items()}
        yield from _families(OF_GROUP, groups, ("group",))
        yield from _families(OF_DRIVER, drivers)
        yield from _families(OF_GATEWAY, {(): self._gateway})
        yield from _families(OF_PEERS, {(): self._peers})
        yield from _families(OF_NODE, {(): self._node})
        methods = {(rpcs.kind, *name[1:].split("/")): rpcs for name, rpcs in self._methods.items()}
        yield from _families(OF_METHOD, methods, ("grpc_type", "grpc_service", "grpc_method"))


def _families(
    metrics: Iterable[Metric[S]], sources: Mapping[tuple[str, ...], S], labels: tuple[str, ...] = ()
) -> Iterator[Family]:
    for metric in metrics:
        family = metric.family(metric.name, metric.help, labels=(*labels, *metric.labels))
        for values, source in sources.items():
            read = metric.read(source)
            for own, value in (read if isinstance(read, Mapping) else {(): read}).items():
                _add(family, (*values, *own), value)
        if family.samples:
            yield family


def _add(family: Family, labels: tuple[str, ...], value: Value) -> None:
    if isinstance(family, HistogramMetricFamily):
        assert isinstance(value, Distribution)
        bounds = (*map(floatToGoString, value.bounds), "+Inf")
        family.add_metric(labels, tuple(zip(bounds, accumulate(value.counts), strict=True)), value.total)
    else:
        assert not isinstance(value, Distribution)
        family.add_metric(labels, value)
