from __future__ import annotations

import itertools
import random
from collections import Counter
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka._balancing import Balancer, policy
from ostraka.aio import Client
from tests.client.fake_cluster import FakeCluster
from tests.client.virtual_time import VirtualClock, turns, virtual_time

ABC = ("a:1", "b:1", "c:1")


def picks(balancer: Balancer, count: int, *, seed: int = 1) -> list[str]:
    chosen = policy(balancer, random.Random(seed))
    return [chosen.pick(ABC) for _ in range(count)]


def test_round_robin_gives_each_its_turn() -> None:
    found = picks("round_robin", 300)
    assert all(set(found[i : i + 3]) == set(ABC) for i in range(298))


def test_clients_begin_at_different_endpoints() -> None:
    first = Counter(picks("round_robin", 1, seed=seed)[0] for seed in range(300))
    assert all(first[address] > 70 for address in ABC)


def test_random_is_even_and_in_no_order() -> None:
    found = picks("random", 3000)
    assert all(900 < count < 1100 for count in Counter(found).values())
    pairs = Counter(itertools.pairwise(found))
    assert len(pairs) == 9 and min(pairs.values()) > 250


def test_weights_are_met_and_spread_out() -> None:
    found = picks({"a:1": 3, "b:1": 2, "c:1": 1}, 600)
    assert Counter(found) == {"a:1": 300, "b:1": 200, "c:1": 100}
    assert "a:1 a:1 a:1" not in " ".join(found)


@given(
    weights=st.lists(st.floats(0.01, 100), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
    count=st.integers(1, 200),
)
def test_no_share_is_ever_off_by_more_than_two_picks(weights: list[float], seed: int, count: int) -> None:
    given_weights = {f"h{i}:1": weight for i, weight in enumerate(weights)}
    chosen = policy(given_weights, random.Random(seed))
    found = Counter(chosen.pick(list(given_weights)) for _ in range(count))
    for address, weight in given_weights.items():
        assert abs(found[address] - count * weight / sum(weights)) < 2


def test_an_endpoint_without_a_weight_weighs_one() -> None:
    found = Counter(picks({"a:1": 4, "b:1": 4}, 900))
    assert found == {"a:1": 400, "b:1": 400, "c:1": 100}


def test_an_endpoint_that_was_no_candidate_is_not_flooded_afterwards() -> None:
    chosen = policy({"a:1": 2, "b:1": 1, "c:1": 1}, random.Random(1))
    without = Counter(chosen.pick(("b:1", "c:1")) for _ in range(1000))
    assert without == {"b:1": 500, "c:1": 500}
    again = Counter(chosen.pick(ABC) for _ in range(40))
    assert abs(again["a:1"] - 20) < 2


@pytest.mark.parametrize(
    ("balancer", "message"),
    [
        ("fastest", r"balancer is 'fastest'; it is \"round_robin\", \"random\" or a weight"),
        ({"a:1": 0}, "weight of a:1 is 0; it must be positive"),
        ({"a:1": -1.0}, "must be positive"),
        ({"a:1": float("nan")}, "must be positive"),
        ({"a:1": float("inf")}, "finite"),
        ({"a": 1}, "endpoint 'a' is not of the form host:port"),
    ],
)
def test_a_balancer_that_makes_no_sense_is_refused(balancer: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Client("a:1", balancer=cast(Balancer, balancer), _transport=FakeCluster())


async def spread(clock: VirtualClock, balancer: Balancer, *, serializable: bool, down: str | None = None) -> list[int]:
    """How many of 60 gets each node received, all of them known to the client."""
    cluster = FakeCluster()
    async with Client("a1:1", balancer=balancer, _transport=cluster, _clock=clock, _random=random.Random(1)) as client:
        await client.put("k", "v")
        await turns()  # the look at the cluster
        if down is not None:
            cluster.named(down).die()
        before = [len(node.calls) for node in cluster.nodes]
        for _ in range(60):
            await client.get("k", serializable=serializable)
        return [len(node.calls) - count for node, count in zip(cluster.nodes, before, strict=True)]


@virtual_time
async def test_serializable_reads_are_shared_out(clock: VirtualClock) -> None:
    assert await spread(clock, "round_robin", serializable=True) == [20, 20, 20]
    assert min(await spread(clock, "random", serializable=True)) > 10
    assert await spread(clock, {"a1:1": 4}, serializable=True) == [40, 10, 10]  # the others were learned


@virtual_time
async def test_linearizable_reads_go_to_the_leader(clock: VirtualClock) -> None:
    for balancer in ("round_robin", "random", {"a2:1": 100}):
        assert await spread(clock, cast(Balancer, balancer), serializable=False) == [60, 0, 0]


@virtual_time
async def test_an_endpoint_out_of_reach_is_left_out(clock: VirtualClock) -> None:
    assert await spread(clock, "round_robin", serializable=True, down="n3") == [30, 30, 0]
    assert await spread(clock, {"a3:1": 100}, serializable=True, down="n3") == [30, 30, 0]
