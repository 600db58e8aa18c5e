"""The asyncio client.

    async with Client("127.0.0.1:7401") as client:
        await client.put("greeting", "hello")
        found = await client.get("greeting")

Concurrent calls share messages, so a hundred tasks with one client are far cheaper than a hundred clients. A client
belongs to the event loop of its first call, and on another raises RuntimeError; within it any number of tasks may use
it at once, and each may be cancelled.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Awaitable, Iterable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

from ostraka._balancing import Balancer, policy
from ostraka._caller import Caller
from ostraka._compares import Compare
from ostraka._keys import SMALLEST_KEY, as_bytes, key_range, where
from ostraka._operations import Operation, Txn, first_key
from ostraka._reading import AS_IT_STANDS, How, SortBy, ask_for_range
from ostraka._results import delete_result, key_value, put_result
from ostraka._routing import Router
from ostraka._scan import PAGE_KEYS, Scan
from ostraka._transport import Transport
from ostraka._writes import Writes
from ostraka.clock import BootClock, Clock
from ostraka.v1 import cluster_pb2, common_pb2, kv_pb2
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.values import DeleteResult, KeyValue, PutResult, Read, TxnResult

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 7401
"""The client port of the first node of a development cluster."""
DEFAULT_TIMEOUT_S: Final = 5.0

_ENDPOINT: Final = re.compile(r"(?:\[[0-9a-fA-F]*:[0-9a-fA-F]*:[0-9a-fA-F:.]*(?:%\w+)?\]|[\w.-]+):([0-9]{1,5})")

__all__ = ["Balancer", "Client", "Scan"]


class Client:
    """A client of one cluster. One endpoint is enough: the other nodes are learned from it.

    Every call ends within `timeout` seconds (its own, or the client's), also when nothing answers, and raises nothing
    but OstrakaError, or ValueError and TypeError for arguments that make no sense. All are tried again until then,
    writes too: each takes effect once at most, however often it is sent. Only if no answer tells what became of a write
    by its deadline does it raise OutcomeUnknown.

    Keys and values may be bytes or str (UTF-8); what comes back is bytes.
    """

    def __init__(
        self,
        endpoints: str | Iterable[str] | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        balancer: Balancer = "round_robin",
        _transport: Transport | None = None,
        _clock: Clock | None = None,
        _random: random.Random | None = None,
    ) -> None:
        """`endpoints`: "host:port" ("[::1]:7401" for IPv6), or several; or `host` and `port`. Connects with the first
        call, not here.

        `balancer` shares out what any node may answer, serializable reads above all, over all nodes known:
        "round_robin", "random", or a weight per endpoint, such as {"db1:7401": 3, "db2:7401": 1}, where one that is
        not named, for example learned later, weighs 1. What the leader has to answer goes to the leader.

        Raises ValueError for an endpoint that is not of this form, a timeout or weight that is not positive and
        finite, and an unknown balancer.
        """
        self._timeout = _seconds(timeout)
        seeds = _endpoints(endpoints, host, port)
        self._name = ", ".join(seeds)
        if isinstance(balancer, Mapping):
            balancer = {_endpoint(address): weight for address, weight in balancer.items()}
        rng = random.Random() if _random is None else _random
        clock = BootClock() if _clock is None else _clock
        transport = _grpc() if _transport is None else _transport
        self._caller = Caller(Router(seeds, rng, policy(balancer, rng)), transport, clock)
        # Not `rng`: in a process that was forked before the first call it would draw the same ids.
        ids = random.SystemRandom() if _random is None else _random
        self._writes = Writes(self._caller, clock, ids)

    def __repr__(self) -> str:
        return f"<ostraka.aio.Client of {self._name}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Take leave of the servers, for at most half a second, and close every connection. Calls in flight raise
        ClientClosed, or OutcomeUnknown for a write that was sent."""
        try:
            await self._writes.close()
        finally:
            await self._caller.close()

    # -- keys

    async def get(
        self,
        key: bytes | str,
        *,
        revision: int | None = None,
        at: datetime | None = None,
        serializable: bool = False,
        max_staleness: float | None = None,
        min_revision: int | None = None,
        timeout: float | None = None,
    ) -> KeyValue | None:
        """The key as it stands, or None where there is no such key; it sees every write acknowledged before.

        `revision`: as it stood at this revision of its shard. `at`: as it stood then, by the clocks of the leaders; a
        datetime without a zone is local time. Both raise Compacted where the servers keep no history so old.

        Any node may answer, not the leader alone, with `serializable`: from what it has, perhaps stale, but also where
        no majority can be reached; or with `max_staleness`: from a state that is at most so many seconds old. With
        `min_revision` such an answer is never older than that: one's own write, say.
        """
        if revision is None and at is None and max_staleness is None and min_revision is None and not serializable:
            how = AS_IT_STANDS  # nearly every get
        else:
            how = How(revision, at, serializable, max_staleness, min_revision)
        response = (await self._get(key, how, timeout)).get
        return key_value(response.kv) if response.HasField("kv") else None

    async def read(
        self,
        key: bytes | str,
        *,
        revision: int | None = None,
        at: datetime | None = None,
        serializable: bool = False,
        max_staleness: float | None = None,
        min_revision: int | None = None,
        timeout: float | None = None,
    ) -> Read:
        """As `get`, and tells beside the key which state was read, and how old it may be."""
        how = How(revision, at, serializable, max_staleness, min_revision)
        response = (await self._get(key, how, timeout)).get
        return Read(
            kv=key_value(response.kv) if response.HasField("kv") else None,
            revision=response.header.revision,
            read_revision=response.read_revision,
            staleness=None if max_staleness is None else response.staleness_ms / 1000,
        )

    async def put(
        self, key: bytes | str, value: bytes | str, *, prev: bool = False, timeout: float | None = None
    ) -> PutResult:
        """Set the key. `prev`: also give what was there before."""
        raw = as_bytes(key)
        command = Command()
        request = command.put
        request.key = raw
        request.value = as_bytes(value)
        if prev:
            request.prev_kv = True
        reply = await self._writes.write(command, raw, self._seconds(timeout))
        return put_result(reply.put)

    async def delete(
        self,
        key: bytes | str | None = None,
        end: bytes | str | None = None,
        *,
        prefix: bytes | str | None = None,
        prev: bool = False,
        timeout: float | None = None,
    ) -> DeleteResult:
        """Delete one key, the keys of [key, end), or those that begin with `prefix`. `prev`: also give what was there.

        All of them at once, hence some 20,000 keys of 128 bytes at most: more raise TooLarge, and nothing is deleted.
        Where it need not be at once, delete page by page: `range` with a `limit` and keys_only=True, then `delete` from
        the first key of the page to the last one + b"\\0", until a page is empty.
        """
        command = Command()
        request = command.delete
        request.key, request.range_end = where(key, end, prefix)
        if prev:
            request.prev_kv = True
        reply = await self._writes.write(command, request.key, self._seconds(timeout))
        return delete_result(reply.delete)

    def range(
        self,
        start: bytes | str | None = None,
        end: bytes | str | None = None,
        *,
        prefix: bytes | str | None = None,
        limit: int | None = None,
        page_size: int = PAGE_KEYS,
        keys_only: bool = False,
        sort_by: SortBy = "key",
        descending: bool = False,
        mod_revisions: tuple[int | None, int | None] = (None, None),
        create_revisions: tuple[int | None, int | None] = (None, None),
        revision: int | None = None,
        at: datetime | None = None,
        serializable: bool = False,
        max_staleness: float | None = None,
        min_revision: int | None = None,
        timeout: float | None = None,
    ) -> Scan:
        """The keys of [start, end), or those that begin with `prefix`; at most `limit`. How they are read is said as to
        `get`.

        Read page by page as it is iterated, each page with a deadline of its own, all of them as of one revision, the
        scan's `revision`: what is written meanwhile does not show. A scan that takes longer than the servers keep
        history raises Compacted. `page_size`: so many keys are asked for at a time.

        `mod_revisions`, `create_revisions`: only the keys last put, or created, between these two revisions, both
        included; None is no bound. `descending`: the last keys first. `sort_by`: other orders than that of the keys are
        made by the servers, at the cost of a walk over all of the range, and have to fit one answer: else TooLarge is
        raised.
        """
        if limit is not None and limit < 0:
            raise ValueError(f"limit is {limit}; it must be 0 or more")
        if page_size < 1:
            raise ValueError(f"page_size is {page_size}; it must be 1 or more")
        request = kv_pb2.RangeRequest(keys_only=keys_only)
        request.key, request.range_end = key_range(start, end, prefix)
        ask_for_range(request, sort_by, descending, mod_revisions, create_revisions)
        How(revision, at, serializable, max_staleness, min_revision).put_into(request)
        seconds = self._seconds(timeout)
        return Scan(lambda page: self._range(page, seconds), request, limit, page_size)

    async def count(
        self,
        start: bytes | str | None = None,
        end: bytes | str | None = None,
        *,
        prefix: bytes | str | None = None,
        revision: int | None = None,
        at: datetime | None = None,
        serializable: bool = False,
        max_staleness: float | None = None,
        min_revision: int | None = None,
        timeout: float | None = None,
    ) -> int:
        """How many keys `range` would give."""
        request = kv_pb2.RangeRequest(count_only=True)
        request.key, request.range_end = key_range(start, end, prefix)
        How(revision, at, serializable, max_staleness, min_revision).put_into(request)
        return (await self._range(request, self._seconds(timeout))).count

    async def txn(
        self,
        compares: Iterable[Compare] = (),
        *,
        then: Iterable[Operation[Any]] = (),
        otherwise: Iterable[Operation[Any]] = (),
        timeout: float | None = None,
    ) -> TxnResult:
        """Do `then` if all compares hold, else `otherwise`: all at once, under one revision. What they are made of
        is in `ostraka.txn`.

            done = client.txn([value("door") == "shut"], then=[Put("door", "open")], otherwise=[Get("door")])

        No list puts a key twice, or puts and deletes it; that raises InvalidRequest. A transaction that writes in
        neither list is a read.
        """
        transaction = Txn(compares, then=then, otherwise=otherwise)
        command = Command()
        command.txn.SetInParent()
        transaction.fill(command.txn)
        key, seconds = first_key(command.txn) or SMALLEST_KEY, self._seconds(timeout)
        if transaction.writes:
            reply = await self._writes.write(command, key, seconds)
        else:
            reply = await self._caller.command(command.SerializeToString(), key, write=False, timeout=seconds)
        return transaction.read(reply.txn)

    async def compact(self, revision: int, *, timeout: float | None = None) -> None:
        """Give up the history before `revision`, which can still be read itself. Raises Compacted if it was given up
        already, FutureRevision if it has not been made yet."""
        if not 0 < revision < 1 << 64:
            raise ValueError(f"revision is {revision}; revisions count from 1")
        command = Command()
        command.compact.revision = revision
        await self._writes.write(command, SMALLEST_KEY, self._seconds(timeout))

    # -- the cluster

    async def status(self, endpoint: str, *, timeout: float | None = None) -> cluster_pb2.StatusResponse:
        """The state of the node at this address, as it sees itself. Tried once: that it cannot be reached is news."""
        return await self._caller.ask(
            _endpoint(endpoint),
            "/ostraka.v1.Cluster/Status",
            cluster_pb2.StatusRequest(),
            cluster_pb2.StatusResponse,
            timeout=self._seconds(timeout),
        )

    async def members(self, *, timeout: float | None = None) -> cluster_pb2.MembersResponse:
        """The nodes and their replicas, as the asked node (see the header) sees them."""
        return await self._caller.unary(
            "/ostraka.v1.Cluster/Members",
            cluster_pb2.MembersRequest(),
            cluster_pb2.MembersResponse,
            write=False,
            timeout=self._seconds(timeout),
        )

    async def shards(self, *, timeout: float | None = None) -> cluster_pb2.ShardsResponse:
        """The layout and the leaders, as the asked node (see the header) sees them."""
        return await self._caller.unary(
            "/ostraka.v1.Cluster/Shards",
            cluster_pb2.ShardsRequest(),
            cluster_pb2.ShardsResponse,
            write=False,
            timeout=self._seconds(timeout),
        )

    async def transfer_leader(self, shard: int, node: str, *, timeout: float | None = None) -> None:
        """Hand the leadership of a shard to the named node; returns once it leads."""
        await self._caller.unary(
            "/ostraka.v1.Cluster/TransferLeader",
            cluster_pb2.TransferLeaderRequest(shard=shard, node=node),
            cluster_pb2.TransferLeaderResponse,
            write=True,
            timeout=self._seconds(timeout),
        )

    # -- inside

    def _get(self, key: bytes | str, how: How, timeout: float | None) -> Awaitable[Reply]:
        """Not a coroutine of its own: there would be one more for each get."""
        raw = as_bytes(key)
        command = Command()
        request = command.get
        request.key = raw
        if how is not AS_IT_STANDS:
            how.put_into(request)
        return self._caller.command(
            command.SerializeToString(), raw, write=False, anywhere=how.anywhere, timeout=self._seconds(timeout)
        )

    async def _range(self, request: kv_pb2.RangeRequest, timeout: float) -> kv_pb2.RangeResponse:
        anywhere = request.strength != common_pb2.LINEARIZABLE
        command = Command(range=request).SerializeToString()
        reply = await self._caller.command(command, request.key, write=False, anywhere=anywhere, timeout=timeout)
        return reply.range

    def _seconds(self, timeout: float | None) -> float:
        return self._timeout if timeout is None else _seconds(timeout)


def _seconds(timeout: float) -> float:
    if not 0 < timeout < math.inf:
        raise ValueError(f"timeout is {timeout} s; it must be positive and finite")
    return timeout


def _endpoints(endpoints: str | Iterable[str] | None, host: str | None, port: int | None) -> list[str]:
    if endpoints is None:
        name, number = DEFAULT_HOST if host is None else host, DEFAULT_PORT if port is None else port
        return [_endpoint(f"[{name}]:{number}" if ":" in name else f"{name}:{number}")]
    if host is not None or port is not None:
        raise ValueError("give either endpoints or host= and port=, not both")
    given = [endpoints] if isinstance(endpoints, str) else list(endpoints)
    if not given:
        raise ValueError("no endpoints given; one is enough")
    return [_endpoint(endpoint) for endpoint in given]


def _endpoint(endpoint: str) -> str:
    match = _ENDPOINT.fullmatch(endpoint)
    if match is None or not 0 < int(match[1]) < 65536:
        raise ValueError(f"endpoint {endpoint!r} is not of the form host:port, an IPv6 address in brackets")
    return endpoint


def _grpc() -> Transport:
    from ostraka._grpc import GrpcTransport  # here, so that a client on another transport does without grpc

    return GrpcTransport()
