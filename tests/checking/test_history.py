from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import pytest

from ostraka.checking import History, Kind, Operation, Outcome, check_linearizable
from ostraka.clock import next_turn


def ticking() -> Callable[[], float]:
    """A clock that advances by a second whenever it is read."""
    seconds: Iterator[int] = count()
    return lambda: float(next(seconds))


def test_each_kind_is_recorded_with_its_answer_in_order_of_call() -> None:
    history = History(ticking())
    with history.put(1, b"k", b"v") as call:
        call.ok(revision=2)
    with history.get(2, b"k") as call:
        call.ok(value=b"v", revision=2)
    with history.delete(3, b"k") as call:
        call.ok(existed=True, revision=3)
    with history.get(2, b"k") as call:
        call.ok()
    assert history.operations() == [
        Operation(1, 0, 1, Outcome.OK, Kind.PUT, b"k", b"v", 2),
        Operation(2, 2, 3, Outcome.OK, Kind.GET, b"k", b"v", 2),
        Operation(3, 4, 5, Outcome.OK, Kind.DELETE, b"k", None, 3, True),
        Operation(2, 6, 7, Outcome.OK, Kind.GET, b"k", None),
    ]


def test_a_call_under_way_is_unknown() -> None:
    history = History(ticking())
    with history.put(1, b"k", b"v") as call:
        assert history.operations() == [Operation(1, 0, None, Outcome.UNKNOWN, Kind.PUT, b"k", b"v")]
        call.failed()
    assert history.operations() == [Operation(1, 0, 1, Outcome.FAILED, Kind.PUT, b"k", b"v")]


def _interrupted(history: History, *, told: bool) -> None:
    with history.put(1, b"k", b"v") as call:
        if told:
            call.failed()
        raise ConnectionError("gone")


@pytest.mark.parametrize(("told", "outcome"), [(False, Outcome.UNKNOWN), (True, Outcome.FAILED)])
def test_an_exception_makes_an_untold_outcome_unknown_and_goes_on(told: bool, outcome: Outcome) -> None:
    history = History(ticking())
    with pytest.raises(ConnectionError):
        _interrupted(history, told=told)
    assert history.operations()[0].outcome is outcome


async def _put_forever(history: History) -> None:
    with history.put(1, b"k", b"v"):
        await asyncio.Event().wait()


def test_a_cancelled_task_leaves_an_unknown_write() -> None:
    async def run(history: History) -> None:
        task = asyncio.create_task(_put_forever(history))
        await next_turn()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    history = History(ticking())
    asyncio.run(run(history))
    assert history.operations() == [Operation(1, 0, None, Outcome.UNKNOWN, Kind.PUT, b"k", b"v")]


def test_a_body_that_tells_nothing_is_a_mistake() -> None:
    history = History(ticking())
    with pytest.raises(RuntimeError, match="must end with ok"), history.get(1, b"k"):
        pass


def test_an_outcome_is_told_once() -> None:
    with History(ticking()).get(1, b"k") as call:
        call.unknown()
        with pytest.raises(RuntimeError, match="told already"):
            call.ok()


def test_a_put_answers_no_value() -> None:
    with History(ticking()).put(1, b"k", b"v") as call:
        with pytest.raises(ValueError, match="no value"):
            call.ok(value=b"v")
        call.unknown()


@pytest.mark.parametrize("now", [lambda: 7.0, iter(range(100, 0, -1)).__next__], ids=["stands still", "goes back"])
def test_what_was_recorded_first_is_earlier_whatever_the_clock_does(now: Callable[[], float]) -> None:
    history = History(now)
    with history.put(1, b"k", b"a") as call:
        call.ok()
    with history.get(1, b"k") as call:
        call.ok()
    write, read = history.operations()
    assert write.returned is not None
    assert write.call < write.returned < read.call
    assert not check_linearizable(history.operations()).ok


IMPOSSIBLE: dict[str, Callable[[], Operation]] = {
    "unknown with a return": lambda: Operation(1, 0, 1, Outcome.UNKNOWN, Kind.PUT, b"k", b"v"),
    "ok without a return": lambda: Operation(1, 0, None, Outcome.OK, Kind.PUT, b"k", b"v"),
    "returned before its call": lambda: Operation(1, 1, 0, Outcome.OK, Kind.GET, b"k"),
    "put without value": lambda: Operation(1, 0, 1, Outcome.OK, Kind.PUT, b"k"),
    "delete with value": lambda: Operation(1, 0, 1, Outcome.OK, Kind.DELETE, b"k", b"v"),
    "get that tells existed": lambda: Operation(1, 0, 1, Outcome.OK, Kind.GET, b"k", existed=True),
    "failed get with value": lambda: Operation(1, 0, 1, Outcome.FAILED, Kind.GET, b"k", b"v"),
    "unknown put with revision": lambda: Operation(1, 0, None, Outcome.UNKNOWN, Kind.PUT, b"k", b"v", 2),
    "absent key with revision": lambda: Operation(1, 0, 1, Outcome.OK, Kind.GET, b"k", None, 2),
    "delete of nothing with revision": lambda: Operation(1, 0, 1, Outcome.OK, Kind.DELETE, b"k", None, 2, False),
}


@pytest.mark.parametrize("make", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_operation_that_contradicts_itself_is_refused(make: Callable[[], Operation]) -> None:
    with pytest.raises(ValueError, match=r"operation|returned|put|delete|revision"):
        make()
