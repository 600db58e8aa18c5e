from __future__ import annotations

import random

import pytest

from ostraka._balancing import Balancer, policy
from ostraka._routing import AVOID_MAX_S, AVOID_MIN_S, BACKOFF_MAX_S, BACKOFF_MIN_S, HINTS_AT_ONCE, Router
from ostraka.errors import DeadlineExceeded, InvalidRequest, OutcomeUnknown, Status, to_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.cluster_pb2 import Member, Shard
from ostraka.v1.exchange_pb2 import Error

MEMBERS = [Member(node=f"n{i}", client_address=f"a{i}:1") for i in (1, 2, 3)]
LOST = to_wire(Status.UNAVAILABLE, "connection reset")
NO_LEADER = to_wire(Status.UNAVAILABLE, "", reason=pb.NO_LEADER, surely_not_done=True)


def shard(number: int, start: bytes, end: bytes, leader: int | None) -> Shard:
    return Shard(shard=number, start=start, end=end, leader_address=f"a{leader}:1" if leader else "")


def router_of(*seeds: str, balancer: Balancer = "round_robin") -> Router:
    rng = random.Random(1)
    return Router(seeds, rng, policy(balancer, rng))


def informed(*shards: Shard, balancer: Balancer = "round_robin") -> Router:
    router = router_of("a1:1", balancer=balancer)
    router.update(MEMBERS, shards or [shard(1, b"", b"", 1)])
    return router


def hint(leader: int) -> Error:
    error = to_wire(Status.UNAVAILABLE, "", reason=pb.NOT_LEADER, surely_not_done=True)
    error.detail.leader_node = f"n{leader}"
    error.detail.leader_address = f"a{leader}:1"
    return error


def after(
    router: Router, error: Error, address: str, *, write: bool = False, attempt: int = 1, now: float = 0.0
) -> object:
    return router.after_failure(error, address, b"k", write=write, attempt=attempt, now=now)


def picks(router: Router, count: int, *, key: bytes | None = b"k", now: float = 0.0) -> list[str]:
    return [router.pick(key, now) for _ in range(count)]


def test_before_anything_is_known_the_seeds_take_turns() -> None:
    router = router_of("a1:1", "a2:1", "a1:1")
    assert router.stale
    assert sorted(picks(router, 4)) == ["a1:1", "a1:1", "a2:1", "a2:1"]


def test_a_key_goes_to_the_leader_of_its_shard() -> None:
    router = informed(shard(2, b"m", b"", 3), shard(1, b"", b"m", 2), shard(0, b"", b"", 1))
    assert not router.stale
    assert [router.pick(key, 0.0) for key in (b"a", b"lz", b"m", b"z")] == ["a2:1", "a2:1", "a3:1", "a3:1"]


def test_without_a_key_every_node_takes_its_turn() -> None:
    assert sorted(picks(informed(), 6, key=None)) == ["a1:1", "a1:1", "a2:1", "a2:1", "a3:1", "a3:1"]


def test_an_answer_tells_who_leads() -> None:
    router = informed()
    router.answered(b"k", "n3")
    assert picks(router, 2) == ["a3:1", "a3:1"]
    router.answered(b"k", "n9")
    assert router.stale  # a node nobody told us of


def test_a_hint_is_followed_at_once() -> None:
    router = informed()
    assert after(router, hint(2), "a1:1", write=True) == 0.0
    assert picks(router, 2) == ["a2:1", "a2:1"]


def test_a_hint_is_followed_also_before_the_layout_is_known() -> None:
    router = router_of("a1:1")
    assert after(router, hint(2), "a1:1") == 0.0
    assert router.pick(b"k", 0.0) == "a2:1"


def test_nodes_that_point_at_each_other_are_not_asked_in_a_rush() -> None:
    router = informed()
    waits = [after(router, hint(2 - attempt % 2), f"a{1 + attempt % 2}:1", attempt=attempt) for attempt in range(1, 6)]
    assert waits[:HINTS_AT_ONCE] == [0.0] * HINTS_AT_ONCE
    assert all(isinstance(wait, float) and wait >= BACKOFF_MIN_S for wait in waits[HINTS_AT_ONCE:])


def test_a_hint_to_a_node_out_of_reach_is_not_followed() -> None:
    router = informed()
    after(router, LOST, "a2:1")
    wait = after(router, hint(2), "a1:1")
    assert isinstance(wait, float) and wait >= BACKOFF_MIN_S
    assert "a2:1" not in picks(router, 4)


def test_a_leader_out_of_reach_is_replaced_by_the_others_until_its_time_is_over() -> None:
    router = informed()
    after(router, LOST, "a1:1")
    assert router.stale
    router.update(MEMBERS, [shard(1, b"", b"", 1)])  # they reach it: they may forward
    assert sorted(picks(router, 2)) == ["a2:1", "a3:1"]
    assert picks(router, 2, now=AVOID_MIN_S) == ["a1:1", "a1:1"]


def test_an_endpoint_is_avoided_longer_each_time_but_once_for_calls_that_fail_together() -> None:
    router, now, lengths = informed(), 0.0, []
    for _ in range(8):
        for _ in range(100):
            after(router, LOST, "a2:1", now=now)
        start = now
        while "a2:1" not in picks(router, 3, key=None, now=now):
            now += 0.125
        lengths.append(now - start)
    assert lengths == [AVOID_MIN_S, 1.0, 2.0, 4.0, 8.0] + [AVOID_MAX_S] * 3
    router.reached("a2:1")
    after(router, LOST, "a2:1", now=now)
    assert "a2:1" in picks(router, 3, key=None, now=now + AVOID_MIN_S)


def test_a_node_that_is_down_for_hours_is_avoided_all_the_time() -> None:
    router, tries = informed(), 2000
    for failed in range(tries):
        after(router, LOST, "a2:1", now=failed * AVOID_MAX_S)
    assert "a2:1" not in picks(router, 3, key=None, now=(tries - 0.01) * AVOID_MAX_S)
    assert "a2:1" in picks(router, 3, key=None, now=tries * AVOID_MAX_S)


def test_when_every_endpoint_is_avoided_none_is() -> None:
    router = informed()
    for address in ("a1:1", "a2:1", "a3:1"):
        after(router, LOST, address)
    assert sorted(picks(router, 3)) == ["a1:1", "a2:1", "a3:1"]


@pytest.mark.parametrize("error", [LOST, NO_LEADER], ids=["lost", "no leader"])
def test_a_read_waits_a_little_longer_each_time_with_jitter(error: Error) -> None:
    router = informed()
    waits = [after(router, error, "a1:1", attempt=attempt) for attempt in range(1, 10) for _ in range(20)]
    assert all(isinstance(wait, float) and BACKOFF_MIN_S <= wait <= BACKOFF_MAX_S for wait in waits)
    assert len(set(waits)) == len(waits)
    first, last = waits[:20], waits[-20:]
    assert max(map(str, first)) < max(map(str, last))


def test_a_call_that_may_take_an_hour_is_tried_as_long_as_that() -> None:
    pause = after(router_of("a1:1"), NO_LEADER, "a1:1", attempt=30_000)
    assert isinstance(pause, float)
    assert BACKOFF_MIN_S <= pause <= BACKOFF_MAX_S


def test_a_node_without_a_leader_is_not_asked_again_next() -> None:
    router = informed()
    after(router, NO_LEADER, "a1:1")
    assert router.stale
    assert len(set(picks(router, 3))) == 3


def test_an_overloaded_node_is_given_the_time_it_asks_for() -> None:
    router = informed()
    busy = to_wire(Status.RESOURCE_EXHAUSTED, "", reason=pb.OVERLOADED, surely_not_done=True, retry_after_ms=400)
    wait = after(router, busy, "a1:1", write=True)
    assert isinstance(wait, float) and 0.4 <= wait <= 0.6
    assert router.pick(b"k", 0.0) == "a1:1"  # it still leads


def test_a_write_that_may_have_taken_effect_is_not_tried_again() -> None:
    assert isinstance(after(informed(), LOST, "a1:1", write=True), OutcomeUnknown)
    surely_not = to_wire(Status.UNAVAILABLE, "", surely_not_done=True)
    assert isinstance(after(informed(), surely_not, "a1:1", write=True), float)


def test_what_cannot_succeed_is_not_tried_again() -> None:
    invalid = to_wire(Status.INVALID_ARGUMENT, "", reason=pb.INVALID)
    assert isinstance(after(informed(), invalid, "a1:1"), InvalidRequest)


def test_a_call_that_ran_out_of_time_ends_and_the_next_one_goes_elsewhere() -> None:
    router = informed()
    late = to_wire(Status.DEADLINE_EXCEEDED, "", reason=pb.DEADLINE)
    assert isinstance(after(router, late, "a1:1"), DeadlineExceeded)
    assert len(set(picks(router, 3))) == 3


def test_seeds_stay_endpoints_when_the_members_are_out_of_reach() -> None:
    router = router_of("balancer:1")
    router.update(MEMBERS, [shard(1, b"", b"", 1)])
    for member in MEMBERS:
        after(router, LOST, member.client_address)
    assert router.pick(b"k", 0.0) == "balancer:1"
