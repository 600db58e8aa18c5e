"""What a node knows of itself and the others, for those who ask: the Cluster service, health, metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version

from ostraka.clock import Clock
from ostraka_server.config import Config
from ostraka_server.introductions import Introductions
from ostraka_server.rpc.peers import Peers
from ostraka_server.shard.directory import cluster_id
from ostraka_server.shard.group import Group
from ostraka_server.shard.readiness import missing


@dataclass(frozen=True, slots=True)
class MemberView:
    """A node of the cluster, by what it advertises."""

    node: str
    client_address: str
    replica_address: str
    http_address: str
    replicas: Mapping[int, int]
    reachable: bool


class NodeView:
    """Read from the loop's thread. `groups` are there once the node serves."""

    def __init__(self, config: Config, peers: Peers, introductions: Introductions, clock: Clock) -> None:
        self._config = config
        self._peers = peers
        self._introductions = introductions
        self._clock = clock
        self._started_at = clock.now()
        self.groups: Mapping[int, Group] = {}
        self.version = version("ostraka")

    @property
    def name(self) -> str:
        """This node's."""
        return self._config.node

    @property
    def cluster(self) -> int:
        """The cluster's id; 0 while it is being formed."""
        members = self._introductions.announcement.members
        return cluster_id(members) if members else 0

    @property
    def uptime_s(self) -> float:
        """Since this process started the node."""
        return self._clock.now() - self._started_at

    @property
    def ready(self) -> bool:
        """Whether every group can serve here; what is missing where it cannot, /readyz says."""
        return bool(self.groups) and all(missing(group) is None for group in self.groups.values())

    @property
    def members(self) -> Iterator[MemberView]:
        """Every initial member, this node included."""
        recorded = {m.node: dict(m.replicas) for m in self._introductions.announcement.members}
        for member in self._config.members:
            own = member.node == self._config.node
            hello = self._introductions.known.get(member.node)
            http = str(self._config.advertise_http) if own else hello.http_address if hello else ""
            yield MemberView(
                node=member.node,
                client_address=str(member.client_address),
                replica_address=str(member.replica_address),
                http_address=http,
                replicas=recorded.get(member.node, {}),
                reachable=own or self._peers.is_reachable(member.node),
            )
