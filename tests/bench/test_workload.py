from __future__ import annotations

import pytest

from bench.workload import Workload


@pytest.mark.parametrize(("callers", "processes"), [(1, 1), (100, 3), (7, 4), (4, 4)])
def test_processes_share_callers_and_rate(callers: int, processes: int) -> None:
    workload = Workload(mix={"put": 1}, callers=callers, processes=processes, rate_per_s=900)
    shares = [workload.share(process) for process in range(processes)]
    assert sum(share.callers for share in shares) == callers
    assert max(share.callers for share in shares) - min(share.callers for share in shares) <= 1
    assert sum(share.rate_per_s for share in shares) == pytest.approx(900)


def test_it_reads_where_the_mix_does() -> None:
    assert Workload(mix={"put": 1, "range": 0.01}).reads
    assert not Workload(mix={"put": 1, "delete": 1}).reads


def test_described_for_people() -> None:
    assert Workload(mix={"put": 1}).describe() == (
        "put 100 %; closed loop, 100 callers; 10,000 keys, uniform; 128-byte values"
    )
    mixed = Workload(
        mix={"put": 1, "get": 2}, rate_per_s=2500, arrivals="fixed", callers=1000, processes=2, zipfian=0.99,
        value_bytes=(64, 4096),
    )  # fmt: skip
    assert mixed.describe() == (
        "put 33.3 %, get 66.7 %; 2,500 calls/s (fixed), 1,000 callers in 2 processes; 10,000 keys, zipfian 0.99; "
        "64-4,096-byte values"
    )
