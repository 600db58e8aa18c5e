"""Everything about a node that can be set. Frozen, documented and cross-checked; how it is read: `settings.py`.

The number of shards is not among it: a cluster has one data shard beside the system group.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Self

from ostraka_server.settings import About, ConfigError, Setting, build, nearest, read, settings_of

__all__ = ["Address", "Config", "ConfigError", "History", "Limits", "Log", "Logging", "Member", "Paxos", "Store"]

KiB = 1024
MiB = 1024 * KiB
WEEK_MS = 7 * 24 * 3600 * 1000


BLOCK_BYTES = 4 * KiB
"""Files of the log consist of whole blocks."""

SEGMENT_OVERHEAD_BYTES = 144 * KiB
"""What a segment of the log needs beside its entries, the largest footer included; a test holds it to `log/`."""


class Address(NamedTuple):
    """Where to listen or connect: a host name or IP address and a port. Port 0 stands for any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Reads `host:port`, with brackets around an IPv6 address. Raises ValueError."""
        match = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+)):(\d{1,5})", raw) if isinstance(raw, str) else None
        if match is None or int(match[3]) > 65535:
            raise ValueError(f"{raw!r} is not an address: write host:port, such as 127.0.0.1:7401 or [::1]:7401")
        return cls(match[1] or match[2], int(match[3]))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# Where the first node of a development cluster listens, so that the client's defaults find it.
CLIENT, REPLICA, HTTP = Address("127.0.0.1", 7401), Address("127.0.0.1", 7501), Address("127.0.0.1", 9401)

AS_LISTENED = Address("", 0)
"""Default of the advertised addresses: `Config` puts the address listened on in its place."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the nodes that form the cluster, by the addresses that it advertises."""

    node: str
    replica_address: Address
    client_address: Address


def _name(raw: object) -> str:
    # Names become metric labels, file names and words of log lines.
    if not isinstance(raw, str) or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}", raw):
        raise ValueError(f"{raw!r} is not a name: 1 to 63 of A-Z a-z 0-9 . _ -, first a letter or digit")
    return raw


def _directory(raw: object) -> Path:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"{raw!r} is not a directory")
    return Path(raw)


def _loopback(raw: object) -> Address | None:
    if raw == "off":
        return None
    address = Address.parse(raw)
    try:
        own = ip_address(address.host).is_loopback
    except ValueError:
        own = False  # a name may mean another address tomorrow
    if not own:
        raise ValueError(f"{address} can be reached from elsewhere: write 127.0.0.1:port, [::1]:port or off")
    return address


def _members(raw: object) -> tuple[Member, ...]:
    tables = _members_of_text(raw) if isinstance(raw, str) else raw
    if not isinstance(tables, list) or not tables:
        raise ValueError("write one [[members]] table for each node, or NODE=REPLICA_ADDRESS/CLIENT_ADDRESS,...")
    return tuple(_member(table) for table in tables)


def _members_of_text(text: str) -> list[dict[str, str]]:
    return [
        dict(zip(("node", "replica_address", "client_address"), re.split("[=/]", part), strict=False))
        for part in text.split(",")
    ]


def _member(table: object) -> Member:
    names = [field.name for field in fields(Member)]
    if not isinstance(table, dict):
        raise ValueError(f"{table!r} is not a member: it needs {', '.join(names)}")
    for name in table:
        if name not in names:
            raise ValueError(f"a member has no {name}{nearest(name, names)}")
    if missing := [name for name in names if name not in table]:
        raise ValueError(f"the member {table.get('node', '')!r} lacks {', '.join(missing)}")
    replica, client = Address.parse(table["replica_address"]), Address.parse(table["client_address"])
    return Member(_name(table["node"]), replica, client)


@dataclass(frozen=True, slots=True, kw_only=True)
class Paxos:
    """Consensus: its timing and its pipeline."""

    heartbeat_ms: Annotated[int, About("A leader sends something at least this often.", high=60_000)] = 150
    election_timeout_ms: Annotated[
        int,
        About("A replica stands for election after hearing no leader for this long to twice as long.", high=600_000),
    ] = 700
    window_entries: Annotated[int, About("Entries that a leader may have proposed and not yet decided.")] = 64
    window_bytes: Annotated[int, About("Payload of those entries together.")] = 8 * MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """The acceptor log."""

    segment_bytes: Annotated[int, About("Size of a segment file; preallocated.", low=144 * KiB)] = 64 * MiB
    retain_entries: Annotated[
        int, About("Entries of a shard kept for replicas that were away; half of them, once there are more.")
    ] = 100_000
    retain_bytes: Annotated[int, About("The same in bytes.")] = 256 * MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The checkpoint behind the log."""

    flush_interval_ms: Annotated[
        int, About("Applied entries are flushed to the store this often, or when they take much memory.")
    ] = 10_000
    unflushed_entries_max: Annotated[
        int, About("Applied entries that may wait for the store; a leader that has more slows its proposals.")
    ] = 4096
    cache_bytes: Annotated[int, About("Rows of the store kept in memory.", low=0)] = 64 * MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """How much of a shard's past can be read: what is young enough and among so many. Whoever leads decides."""

    age_ms: Annotated[
        int, About("What was replaced longer ago is given up; 0: however old.", low=0, high=10 * 365 * 24 * 3600 * 1000)
    ] = 3_600_000
    revisions: Annotated[
        int, About("So many of the newest revisions are kept, no older ones; 0: however many.", low=0)
    ] = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a node accepts. Beyond it requests are refused, with the limit's name."""

    key_bytes_max: Annotated[int, About("Longest key.")] = 4 * KiB
    value_bytes_max: Annotated[int, About("Longest value.", low=0)] = 1 * MiB
    request_bytes_max: Annotated[int, About("Largest request, and largest frame of an Exchange.")] = 4 * MiB
    range_response_bytes_max: Annotated[int, About("Largest page of a range; clients fetch the next one.")] = 2 * MiB
    txn_operations_max: Annotated[
        int, About("Compares, and operations of either list, in a transaction with those nested in it.")
    ] = 128
    calls_in_flight_max: Annotated[int, About("Calls that a node works on at once; more are told to come back.")] = 8192
    calls_in_flight_bytes_max: Annotated[int, About("Bytes of those calls together.")] = 64 * MiB
    wait_ms_max: Annotated[
        int,
        About("New calls are told to come back while they would wait longer for their answers, and there are many."),
    ] = 40
    read_point_wait_ms: Annotated[
        int,
        About("A read that any node may answer waits so long to learn from the leader what it has to show."),
    ] = 500
    bite_rows: Annotated[
        int,
        About("Rows that are looked at without a pause for a range that is sorted, filtered or counted."),
    ] = 500
    calls_per_stream_max: Annotated[int, About("Calls in flight on one Exchange.")] = 4096
    unsent_bytes_per_stream_max: Annotated[
        int, About("Replies that wait for a client to read them; beyond, its Exchange is cut.")
    ] = 32 * MiB
    unsent_bytes_max: Annotated[int, About("Such replies of all Exchanges; beyond, reads are told to come back.")] = (
        128 * MiB
    )
    streams_max: Annotated[int, About("Exchanges open at once.")] = 512
    rpcs_max: Annotated[int, About("RPCs under way at once, each Exchange being one.")] = 2048
    streams_per_connection_max: Annotated[
        int, About("RPCs under way on one connection; more wait in the client or are refused.")
    ] = 1024
    connections_max: Annotated[int, About("Connections of clients; more are closed at once.")] = 1024
    disk_reserve_bytes: Annotated[
        int, About("Writes are refused while the disk has less free than this and a log segment.", low=0)
    ] = 256 * MiB
    connection_idle_ms: Annotated[int, About("A connection without RPCs is closed after so long.")] = 600_000
    connection_age_ms: Annotated[
        int,
        About(
            "Clients are asked to make a new connection after about so long; none of their calls fails.", high=WEEK_MS
        ),
    ] = 3_600_000
    connection_age_grace_ms: Annotated[
        int, About("An Exchange that goes on for so long after it was asked to end is cut.", high=WEEK_MS)
    ] = 90_000
    default_timeout_ms: Annotated[int, About("Deadline of a call that names none.")] = 5_000
    timeout_ms_max: Annotated[int, About("Longest deadline of a call; longer ones are cut to it.")] = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Logging:
    """What a node says on standard error."""

    level: Annotated[Literal["debug", "info", "warning", "error"], About("Least severity written.")] = "info"
    format: Annotated[Literal["console", "json"], About("Lines for people or one JSON object each.")] = "console"


def _listen(purpose: str) -> About:
    return About(f"Address {purpose}. Port 0 takes a free one.", parse=Address.parse)


def _advertise(listened: str) -> About:
    meaning = "The same as others reach it; needed where it listens on all interfaces."
    return About(meaning, parse=Address.parse, default=listened)


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A node.

    1. `members` names every node once, this one with the addresses that it advertises.
    2. Every advertised address can be connected to: no wildcard, and no port 0 unless the node is alone.
    3. A leader's heartbeats come at least twice in an election timeout.
    4. The largest put fits into a request, a request into the window, the window into a log segment, and the
       largest key with its value into a page of a range.
    5. One request fits into what may be in flight, and streams leave room for other RPCs.
    6. Every call ends before its stream is cut for its age.
    """

    cluster: Annotated[str, About("Name of the cluster; nodes of another one are refused.", parse=_name)]
    node: Annotated[str, About("Name of this node, unique in the cluster.", parse=_name)]
    data_dir: Annotated[Path, About("Directory of this node alone; made where absent.", parse=_directory)]
    members: Annotated[
        tuple[Member, ...],
        About(
            "The nodes that form the cluster, this one included: NODE=REPLICA_ADDRESS/CLIENT_ADDRESS,... or, in the "
            "file, [[members]] tables with node, replica_address, client_address.",
            parse=_members,
        ),
    ]
    listen_client: Annotated[Address, _listen("for clients")] = CLIENT
    advertise_client: Annotated[Address, _advertise("listen_client")] = AS_LISTENED
    listen_replica: Annotated[Address, _listen("for other replicas")] = REPLICA
    advertise_replica: Annotated[Address, _advertise("listen_replica")] = AS_LISTENED
    listen_http: Annotated[Address, _listen("of /metrics, /healthz and /readyz")] = HTTP
    advertise_http: Annotated[Address, _advertise("listen_http")] = AS_LISTENED
    listen_channelz: Annotated[
        Address | None,
        About(
            "Address of channelz, which shows every connection: a loopback address. Port 0 takes a free one.",
            parse=_loopback,
            default="off",
        ),
    ] = None
    reflection: Annotated[bool, About("Serve gRPC reflection, so that grpcurl works without proto files.")] = True
    paxos: Paxos = Paxos()
    log: Log = Log()
    store: Store = Store()
    history: History = History()
    limits: Limits = Limits()
    logging: Logging = Logging()

    @classmethod
    def from_sources(cls, file: Path | None, environ: Mapping[str, str], flags: Mapping[str, str]) -> Config:
        """The node that a TOML file, OSTRAKA_* variables and flags (texts by dotted key) describe.

        A flag goes before a variable, a variable before the file. Raises ConfigError, naming key, source and remedy.
        """
        config = build(cls, read(cls, file, environ, flags))
        assert isinstance(config, Config)
        return config

    @staticmethod
    def describe() -> tuple[Setting, ...]:
        """Every setting, in order: key, default, unit, meaning. The flags of `ostraka serve` and the docs show it."""
        return tuple(settings_of(Config).values())

    def __post_init__(self) -> None:
        for kind in ("client", "replica", "http"):
            if getattr(self, f"advertise_{kind}") == AS_LISTENED:
                object.__setattr__(self, f"advertise_{kind}", getattr(self, f"listen_{kind}"))
        for problem in (*self._problems_of_addresses(), *self._problems_of_members(), *self._problems_of_sizes()):
            raise ConfigError(problem)

    def _problems_of_addresses(self) -> Iterator[str]:
        for kind in ("client", "replica", "http"):
            advertised: Address = getattr(self, f"advertise_{kind}")
            if advertised.host in ("0.0.0.0", "::"):
                yield f"nobody can connect to {advertised}: set advertise_{kind} to an address that others reach"
        listened = [self.listen_client, self.listen_replica, self.listen_http, self.listen_channelz]
        fixed = [address for address in listened if address is not None and address.port]
        if len(set(fixed)) < len(fixed):
            yield "listen_client, listen_replica, listen_http and listen_channelz must differ"

    def _problems_of_members(self) -> Iterator[str]:
        own = Member(self.node, self.advertise_replica, self.advertise_client)
        if self.node not in {member.node for member in self.members}:
            yield f"members must name every node, this one too, but {self.node} is not among them"
        elif own not in self.members:
            yield (
                f"members gives {self.node} other addresses than advertise_replica {own.replica_address} and "
                f"advertise_client {own.client_address}"
            )
        if len({member.node for member in self.members}) < len(self.members):
            yield "members names a node twice"
        if len(self.members) > 1:
            addresses = [a for member in self.members for a in (member.replica_address, member.client_address)]
            if any(address.port == 0 for address in addresses):
                yield "members must give fixed ports: others cannot find a node whose port is 0"
            if len(set(addresses)) < len(addresses):
                yield "members gives the same address twice"

    def _problems_of_sizes(self) -> Iterator[str]:
        paxos, limits = self.paxos, self.limits
        if paxos.election_timeout_ms <= 2 * paxos.heartbeat_ms:
            yield "paxos.election_timeout_ms must be more than twice paxos.heartbeat_ms"
        row = limits.key_bytes_max + limits.value_bytes_max
        if row >= limits.request_bytes_max:
            yield "limits.request_bytes_max must exceed limits.key_bytes_max + limits.value_bytes_max"
        if row > limits.range_response_bytes_max:
            yield "limits.range_response_bytes_max must hold limits.key_bytes_max + limits.value_bytes_max"
        if limits.request_bytes_max > paxos.window_bytes:
            yield "paxos.window_bytes must hold limits.request_bytes_max"
        if paxos.window_bytes + SEGMENT_OVERHEAD_BYTES > self.log.segment_bytes:
            yield f"log.segment_bytes must exceed paxos.window_bytes by {SEGMENT_OVERHEAD_BYTES}"
        if self.log.segment_bytes % BLOCK_BYTES:
            yield f"log.segment_bytes must be a multiple of {BLOCK_BYTES}"
        if limits.calls_in_flight_bytes_max < limits.request_bytes_max:
            yield "limits.calls_in_flight_bytes_max must hold limits.request_bytes_max"
        if limits.streams_max >= limits.rpcs_max:
            yield "limits.rpcs_max must exceed limits.streams_max, to leave room for other RPCs"
        if limits.default_timeout_ms > limits.timeout_ms_max:
            yield "limits.timeout_ms_max must be at least limits.default_timeout_ms"
        if limits.connection_age_grace_ms <= limits.timeout_ms_max:
            yield "limits.connection_age_grace_ms must exceed limits.timeout_ms_max, to let every call end"
