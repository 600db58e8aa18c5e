"""What is found in larger histories is what the literature says of the isolation that they ran at, and nothing else."""

from __future__ import annotations

import random

import pytest

from ostraka.checking.transactions import Order, check_lists, check_registers
from tests.checking.transactions.executor import Isolation, Shape, executed

both = pytest.mark.parametrize("lists", [True, False], ids=["lists", "registers"])


def found(isolation: Isolation, lists: bool, order: Order) -> set[str]:
    """The names of everything that is found in some histories."""
    names = set()
    for seed in range(60):
        shape = Shape(isolation, lists, keys=1 + seed % 5, overlap=1 + seed % 7, unknown=0.1, failed=0.1)
        history = executed(random.Random(seed), 60, shape)
        result = (check_lists if lists else check_registers)(history, order)
        names |= {anomaly.phenomenon.title for anomaly in result.anomalies}
    return names


@both
def test_a_strict_serial_store_shows_nothing(lists: bool) -> None:
    assert found(Isolation.STRICT, lists, Order.REALTIME) == set()


@both
def test_stale_reads_show_only_where_time_counts(lists: bool) -> None:
    assert found(Isolation.STALE, lists, Order.DATA) == set()
    assert {"G-single"} <= found(Isolation.STALE, lists, Order.REALTIME) <= {"G-single", "G-nonadjacent", "G2-item"}


@both
def test_snapshot_isolation_shows_write_skew_only(lists: bool) -> None:
    assert found(Isolation.SNAPSHOT, lists, Order.REALTIME) == {"G2-item"}


@both
def test_read_committed_shows_no_dirty_write_or_read(lists: bool) -> None:
    names = found(Isolation.READ_COMMITTED, lists, Order.REALTIME)
    assert {"G-single", "lost update"} <= names <= {"G-single", "lost update", "G-nonadjacent", "G2-item"}
