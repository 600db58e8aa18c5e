"""Which node to ask, and what to do about a failure. Decides only: nothing here awaits, and clock readings and the
source of randomness come in.

What is known is learned from answers, never by polling: the layout and the members when a call found something
amiss (`stale`), a leader from the header of each answer and from hints. All of it may be wrong at any moment; a
wrong guess costs a forward or a retry, never correctness.

- A call goes to the leader of its key's shard where that is known; else, and for reads that any node may answer, to
  the endpoint that the balancer picks, which forwards it.
- An endpoint that cannot be reached is avoided for a while, twice as long each time, also when it is named as leader:
  others may reach it and forward. So is one that cannot answer what any node may, for it hears of no leader: it may be
  cut off. Where every endpoint is avoided, none is.
"""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from ostraka._balancing import Policy
from ostraka.errors import DeadlineExceeded, OstrakaError, Retryable, SessionExpired, Status, from_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.cluster_pb2 import Member, Shard
from ostraka.v1.exchange_pb2 import Error

BACKOFF_MIN_S: Final = 0.025
BACKOFF_MAX_S: Final = 0.2
HINTS_AT_ONCE: Final = 3
"""So many tries of a call follow a hint without delay; then nodes that point at each other must wait like others."""
AVOID_MIN_S: Final = 0.5
AVOID_MAX_S: Final = 10.0
SYSTEM_SHARD: Final = 0
"""Holds no keys."""

_LEADER_GONE: Final = frozenset(
    (pb.NOT_LEADER, pb.NO_LEADER, pb.DEADLINE, pb.SHUTTING_DOWN, pb.NOT_READY, pb.WRONG_SHARD)
)
"""Reasons not to count on the node that gave them as leader of the shard."""
_NODE_GONE: Final = frozenset((pb.SHUTTING_DOWN, pb.NOT_READY))


@dataclass(slots=True)
class _Trouble:
    """An endpoint that could not be reached, or reached no leader."""

    failures: int
    until: float


class Router:
    """The client's picture of the cluster. `now` is always the client clock's, in seconds."""

    def __init__(self, seeds: Sequence[str], rng: random.Random, balancer: Policy) -> None:
        """`seeds`: addresses given by the user, at least one; they stay endpoints whatever is learned."""
        self.stale = True
        """A look at the cluster is due: some answer did not fit the picture."""
        self._seeds = tuple(dict.fromkeys(seeds))
        self._rng = rng
        self._balancer = balancer
        self._endpoints: tuple[str, ...] = self._seeds
        self._addresses: dict[str, str] = {}  # node -> client address
        self._starts: list[bytes] = [b""]  # of the shards, ascending; before the layout is known, one shard of all keys
        self._shards: list[int] = [SYSTEM_SHARD]  # the shard that begins at each of them
        self._leaders: dict[int, str] = {}  # shard -> address
        self._trouble: dict[str, _Trouble] = {}

    def pick(self, key: bytes | None, now: float) -> str:
        """The address to ask about `key`; for None, any node's."""
        if key is not None:
            leader = self._leaders.get(self.shard_of(key))
            if leader is not None and not (self._trouble and self._avoided(leader, now)):
                return leader
        return self._balancer.pick(self._worth_asking(self._endpoints, now))

    def each(self, now: float) -> Iterator[str]:
        """Every endpoint, in the order in which to try them: those avoided come last."""
        left = list(self._endpoints)
        while left:
            address = self._balancer.pick(self._worth_asking(left, now))
            left.remove(address)
            yield address

    def update(self, members: Iterable[Member], shards: Iterable[Shard]) -> None:
        """Take over what a node says of the cluster."""
        self._addresses = {m.node: m.client_address for m in members if m.client_address}
        self._endpoints = tuple(dict.fromkeys((*self._addresses.values(), *self._seeds)))
        layout = sorted((s for s in shards if s.shard != SYSTEM_SHARD), key=lambda shard: shard.start)
        if layout:
            self._starts = [shard.start for shard in layout]
            self._shards = [shard.shard for shard in layout]
            self._leaders = {s.shard: s.leader_address for s in layout if s.leader_address}
        self.stale = False

    def answered(self, key: bytes, node: str) -> None:
        """`node` answered for `key`'s leader; where it was not the one asked, the call had been forwarded to it."""
        address = self._addresses.get(node)
        if address is None:
            self.stale = True
        else:
            self._leaders[self.shard_of(key)] = address

    @property
    def is_disturbed(self) -> bool:
        """Whether it matters that an endpoint answered: a look at the cluster is due, or some endpoint is avoided."""
        return self.stale or bool(self._trouble)

    def reached(self, address: str) -> None:
        """The endpoint answered, whatever it said."""
        self._trouble.pop(address, None)

    def after_failure(
        self, error: Error, address: str, key: bytes | None, *, write: bool, attempt: int, now: float
    ) -> float | OstrakaError:
        """What to do about an error from `address` on try number `attempt` (from 1): seconds to wait before picking
        anew, or the exception that ends the call."""
        fault = from_wire(error, write=write, origin=address)
        self._learn(error, address, key, now)
        if not isinstance(fault, Retryable) or isinstance(fault, DeadlineExceeded | SessionExpired):
            return fault
        detail = error.detail
        if detail.retry_after_ms:
            return detail.retry_after_ms / 1000 * self._rng.uniform(1.0, 1.5)
        hinted = detail.leader_address not in ("", address) and not self._avoided(detail.leader_address, now)
        if hinted and attempt <= HINTS_AT_ONCE:
            return 0.0
        return backoff(self._rng, attempt)

    def _learn(self, error: Error, address: str, key: bytes | None, now: float) -> None:
        detail = error.detail
        unreachable = detail.reason == pb.REASON_UNSPECIFIED and error.code in (Status.UNAVAILABLE, Status.CANCELLED)
        if unreachable or detail.reason in _NODE_GONE or (key is None and detail.reason == pb.NO_LEADER):
            self._avoid(address, now)
        else:
            self.reached(address)
        if unreachable or detail.reason in _LEADER_GONE:
            self._leaders = {shard: leader for shard, leader in self._leaders.items() if leader != address}
            self.stale = True
        if key is not None and detail.leader_address:
            self._leaders[self.shard_of(key)] = detail.leader_address

    def _worth_asking(self, endpoints: Sequence[str], now: float) -> Sequence[str]:
        return [address for address in endpoints if not self._avoided(address, now)] or endpoints

    def shard_of(self, key: bytes) -> int:
        """The number of the key's shard; `SYSTEM_SHARD` before the layout is known."""
        return self._shards[bisect_right(self._starts, key) - 1]

    def _avoid(self, address: str, now: float) -> None:
        trouble = self._trouble.setdefault(address, _Trouble(0, now))
        if trouble.until <= now:  # else the many calls that fail together count as one failure
            trouble.until = now + _doubled(AVOID_MIN_S, trouble.failures, AVOID_MAX_S)
            trouble.failures += 1

    def _avoided(self, address: str, now: float) -> bool:
        trouble = self._trouble.get(address)
        return trouble is not None and now < trouble.until


def backoff(rng: random.Random, attempt: int) -> float:
    """Seconds to wait after try number `attempt` (from 1)."""
    return rng.uniform(BACKOFF_MIN_S, _doubled(BACKOFF_MIN_S, attempt, BACKOFF_MAX_S))


def _doubled(seconds: float, times: int, most: float) -> float:
    """`seconds`, doubled so many times, but not beyond `most`."""
    return min(most, seconds * 2.0 ** min(times, 100))  # the 1024th power of two is no float
