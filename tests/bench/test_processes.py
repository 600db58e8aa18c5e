from __future__ import annotations

import multiprocessing
import socket

import pytest

from bench import processes
from bench.workload import Workload


def test_a_cluster_that_nobody_can_reach_is_named_and_no_process_is_left() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        endpoint = f"127.0.0.1:{nobody.getsockname()[1]}"
        load = processes.run([endpoint], Workload(mix={"put": 1}, processes=2, timeout_s=0.1), filling=False)
        with pytest.raises(processes.LoadFailed, match=endpoint):
            next(load)
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_ends_the_load() -> None:
    load = processes.run(["not an endpoint"], Workload(mix={"put": 1}), filling=False)  # a ValueError there
    with pytest.raises(processes.LoadFailed, match="a load process died"):
        next(load)
    assert multiprocessing.active_children() == []
