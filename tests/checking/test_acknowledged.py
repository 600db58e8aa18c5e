from __future__ import annotations

import random

import pytest

from ostraka.checking import Gap, Kind, LostWrite, Operation, check_linearizable, longest_gap, lost_writes
from tests.checking.histories import KEY, delete, failed_put, get, put, simulated

KEPT: dict[str, tuple[list[Operation], bytes | None]] = {
    "the last write": ([put(0, 1, b"a"), put(2, 3, b"b")], b"b"),
    "either of two writes at once": ([put(0, 3, b"a"), put(1, 2, b"b")], b"a"),
    "either of two writes whose times touch": ([put(0, 1, b"a"), put(1, 2, b"b")], b"a"),
    "a deleted key": ([put(0, 1, b"a"), delete(2, 3, True)], None),
    "an unknown write from before": ([put(0, None, b"a"), put(1, 2, b"b")], b"a"),
    "an unknown delete": ([put(0, 1, b"a"), delete(2, None)], None),
    "no promise was made": ([put(0, None, b"a"), failed_put(1, 2, b"b")], None),
}
LOST: dict[str, tuple[list[Operation], bytes | None, Operation]] = {
    "a write is missing": ([put(0, 1, b"a")], None, put(0, 1, b"a")),
    "an earlier write is back": ([put(0, 1, b"a"), put(2, 3, b"b")], b"a", put(2, 3, b"b")),
    "a deleted key is back": ([put(0, 1, b"a"), delete(2, 3, True)], b"a", delete(2, 3, True)),
    "a failed write is there": ([put(0, 1, b"a"), failed_put(2, 3, b"b")], b"b", put(0, 1, b"a")),
    "a value from nowhere": ([put(0, 1, b"a")], b"z", put(0, 1, b"a")),
    "the lower revision of two at once": ([put(0, 3, b"a", 3), put(1, 2, b"b", 2)], b"b", put(0, 3, b"a", 3)),
}


@pytest.mark.parametrize(("history", "final"), KEPT.values(), ids=KEPT.keys())
def test_a_value_that_may_have_been_written_last_is_no_loss(history: list[Operation], final: bytes | None) -> None:
    assert lost_writes(history, {KEY: final}) == []


@pytest.mark.parametrize(("history", "final", "lost"), LOST.values(), ids=LOST.keys())
def test_an_acknowledged_write_that_is_gone_is_named(
    history: list[Operation], final: bytes | None, lost: Operation
) -> None:
    assert lost_writes(history, {KEY: final}) == [LostWrite(lost, final)]


def test_a_key_missing_from_the_final_content_was_absent() -> None:
    assert lost_writes([put(0, 1, b"a", key=b"x"), put(0, 1, b"a", key=b"y")], {b"x": b"a"}) == [
        LostWrite(put(0, 1, b"a", key=b"y"), None)
    ]


def test_a_final_read_that_is_linearizable_is_never_a_loss() -> None:
    rng = random.Random(3)
    kept = 0
    for _ in range(200):
        history = simulated(rng, 8, told=0.5, unknown=0.3)
        for final in [None, *(op.value for op in history if op.kind is Kind.PUT)]:
            if check_linearizable([*history, get(1000, 1001, final)]).ok:
                kept += 1
                assert lost_writes(history, {KEY: final}) == []
    assert kept >= 200


def test_the_longest_gap_lies_between_acknowledged_writes() -> None:
    history = [put(0, 1, b"a"), put(2, 5, b"b"), delete(5, 6, True)]
    assert longest_gap(history, 0, 8) == Gap(1, 5)
    assert longest_gap(history, 0, 8).seconds == 4


def test_the_time_before_the_first_and_after_the_last_counts() -> None:
    history = [put(3, 4, b"a"), put(5, 6, b"b")]
    assert longest_gap(history, 0, 7) == Gap(0, 4)
    assert longest_gap(history, 3, 20) == Gap(6, 20)
    assert longest_gap([], 0, 7) == Gap(0, 7)


def test_only_acknowledged_writes_end_a_gap() -> None:
    history = [get(0, 1, None), failed_put(1, 2, b"a"), put(2, None, b"b"), put(0, 9, b"c")]
    assert longest_gap(history, 0, 8) == Gap(0, 8)


def test_time_that_runs_backwards_is_refused() -> None:
    with pytest.raises(ValueError, match="backwards"):
        longest_gap([], 2, 1)
