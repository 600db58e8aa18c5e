from __future__ import annotations

from collections import Counter
from itertools import islice
from random import Random

import pytest

from bench.requests import Request, fill, requests
from bench.workload import Operation, Workload
from tests.bench.targets import SlowTarget
from tests.client.virtual_time import VirtualClock, virtual_time


def _drawn(workload: Workload, count: int, seed: int = 1) -> list[Request]:
    return list(islice(requests(workload, Random(seed)), count))


def test_the_mix_is_kept() -> None:
    mix: dict[Operation, float] = {"put": 50, "get": 40, "delete": 5, "range": 5}
    drawn = Counter(request.operation for request in _drawn(Workload(mix=mix), 50_000))
    assert {operation: 100 * drawn[operation] / 50_000 for operation in mix} == pytest.approx(mix, abs=0.5)


def test_values_have_every_size_between_the_limits_equally_often() -> None:
    drawn = Counter(len(request.value) for request in _drawn(Workload(mix={"put": 1}, value_bytes=(3, 6)), 40_000))
    assert {size: drawn[size] / 10_000 for size in sorted(drawn)} == pytest.approx(
        dict.fromkeys((3, 4, 5, 6), 1), abs=0.03
    )


def test_values_of_one_size() -> None:
    assert {len(request.value) for request in _drawn(Workload(mix={"put": 1}, value_bytes=(5, 5)), 100)} == {5}


def test_same_seed_same_calls() -> None:
    workload = Workload(mix={"put": 1, "get": 1}, value_bytes=(0, 100), zipfian=0.8)
    assert _drawn(workload, 100) == _drawn(workload, 100)
    assert _drawn(workload, 100) != _drawn(workload, 100, seed=2)


def test_processes_together_fill_every_key_once() -> None:
    workload = Workload(mix={"get": 1}, keys=10, processes=3, value_bytes=(5, 5))
    puts = [put for process in range(3) for put in fill(workload, Random(process), process)]
    assert sorted(put.key for put in puts) == [f"key{number:08d}" for number in range(10)]
    assert {(put.operation, len(put.value)) for put in puts} == {("put", 5)}


@virtual_time
async def test_a_request_makes_its_call(clock: VirtualClock) -> None:
    target = SlowTarget(clock, 0.001)
    for operation in ("put", "get", "delete", "range"):
        await Request(operation, "key00000001", b"five!", 3).perform(target)
    assert target.calls == ["put key00000001 5", "get key00000001", "delete key00000001", "range key00000001 3"]
