"""Which endpoint to ask where any will do: serializable reads, cluster calls, and calls whose leader is not known.

Decides only: nothing here awaits or reads a clock, and the source of randomness comes in. The router offers the
endpoints worth asking (those avoided are not among them) and a policy picks one. A policy that weighs endpoints by
what they report of their load is one more class behind `Policy`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from typing import Final, Literal, Protocol, TypeAlias

Balancer: TypeAlias = Literal["round_robin", "random"] | Mapping[str, float]
"""What a user says: the name of a policy, or a weight per endpoint ("host:port")."""

DEFAULT_WEIGHT: Final = 1.0
"""Of an endpoint that has been given none, such as one learned from the cluster."""


class Policy(Protocol):
    """A way to share calls among endpoints."""

    def pick(self, candidates: Sequence[str]) -> str:
        """One of `candidates`: addresses, each once, at least one. Which ones they are may change at every call."""


class Uniform:
    """Any of them, each as likely as the others."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng

    def pick(self, candidates: Sequence[str]) -> str:
        return self._rng.choice(candidates)


class SmoothWeighted:
    """In turn, each as often as its weight says: smooth weighted round robin, as in nginx.

    At every pick each candidate is credited its weight; the one with the most credit is picked and pays what all were
    credited. Shares are met within two picks at any time, and the picks of a heavy endpoint are spread out (a b a c a,
    not a a a b c). One that is no candidate for a while neither gains nor pays, so that it is not flooded afterwards.
    Equal weights make it plain round robin.
    """

    def __init__(self, weights: Mapping[str, float], rng: random.Random) -> None:
        self._weights = dict(weights)
        self._rng = rng
        self._credit: dict[str, float] = {}

    def pick(self, candidates: Sequence[str]) -> str:
        paid = 0.0
        for address in candidates:
            weight = self._weights.get(address, DEFAULT_WEIGHT)
            if address not in self._credit:  # a start of its own, lest all clients begin with the same endpoint
                self._credit[address] = self._rng.uniform(0.0, weight)
            self._credit[address] += weight
            paid += weight
        picked = max(candidates, key=self._credit.__getitem__)
        self._credit[picked] -= paid
        return picked


def policy(balancer: Balancer, rng: random.Random) -> Policy:
    """The policy that a user asked for. ValueError where there is none of that name, or a weight makes no sense."""
    if balancer == "round_robin":
        return SmoothWeighted({}, rng)
    if balancer == "random":
        return Uniform(rng)
    if not isinstance(balancer, Mapping):
        raise ValueError(f'balancer is {balancer!r}; it is "round_robin", "random" or a weight for each endpoint')
    for address, weight in balancer.items():
        if not 0 < weight < math.inf:
            raise ValueError(f"the weight of {address} is {weight}; it must be positive and finite")
    return SmoothWeighted(balancer, rng)
