"""For each rule the smallest run that breaks it, beside the nearest one that is fine."""

from __future__ import annotations

import random
import textwrap
from dataclasses import replace
from typing import Any

import pytest

from ostraka.checking import Outcome
from ostraka.checking.witness import (
    Answer,
    Changed,
    Decided,
    Delete,
    Get,
    Keyspace,
    Observations,
    Put,
    Request,
    Row,
    WitnessViolation,
    check_witness,
    just_after,
)
from tests.checking.witness.stores import Run, Seen, served

ONE, TWO, THREE = Put(b"k", b"1"), Put(b"k", b"2"), Put(b"k", b"3")
FIRST, SECOND = Row(b"k", b"1", 2, 2, 1), Row(b"k", b"2", 2, 3, 2)
READ = Get(b"k")


def ok(
    call: float, returned: float, request: Request, answer: Answer, *, stale: bool = False, at: int | None = None
) -> Seen:
    return Seen(1, call, returned, Outcome.OK, request, answer, stale, at)


def put(call: float, returned: float, request: Put, revision: int) -> Seen:
    return ok(call, returned, request, Changed(revision))


def unknown(call: float, request: Request) -> Seen:
    return Seen(2, call, None, Outcome.UNKNOWN, request)


def failed(call: float, returned: float, request: Request) -> Seen:
    return Seen(2, call, returned, Outcome.FAILED, request)


def run(*seen: Seen, order: str | None = None) -> Run:
    """The commands at these numbers, in this order; by default all that was not a read, in order of call."""
    writes = [number for number, each in enumerate(seen) if each.request != READ]
    numbers = writes if order is None else list(map(int, order))
    return Run(list(seen), [Decided(seen[number].request, number) for number in numbers])


GOOD: dict[str, Run] = {
    "nothing at all": run(),
    "a read of the last write": run(put(0, 1, ONE, 2), ok(2, 3, READ, FIRST)),
    "a read beside a write sees the old state": run(put(0, 5, ONE, 2), ok(1, 2, READ, None)),
    "a read beside a write sees the new state": run(put(0, 5, ONE, 2), ok(1, 2, READ, FIRST)),
    "writes at once in either order": run(put(0, 5, ONE, 3), put(0, 5, TWO, 2), order="10"),
    "times that touch overlap": run(put(0, 1, ONE, 3), put(1, 2, TWO, 2), order="10"),
    "an unknown write that never was": run(unknown(0, ONE), ok(1, 2, READ, None), order=""),
    "an unknown write that came late": run(unknown(0, ONE), put(1, 2, TWO, 2), order="10"),
    "a failed write that is not there": run(failed(0, 1, ONE), ok(2, 3, READ, None), order=""),
    "a stale read": run(put(0, 1, ONE, 2), ok(2, 3, READ, None, stale=True)),
    "a command that nobody here asked for": Run([put(0, 1, TWO, 3)], [Decided(ONE), Decided(TWO, 0)]),
    "a read told from which state": run(put(0, 5, ONE, 2), ok(1, 2, READ, FIRST, at=1)),
}

BAD: dict[str, tuple[Run, str]] = {
    "a lost write": (run(put(0, 1, ONE, 2), order=""), "acknowledged but is not in the decided order"),
    "a failed write that took effect": (run(failed(0, 1, ONE)), "surely was not done"),
    "a write that took effect twice": (run(put(0, 1, ONE, 2), order="00"), "took effect twice, at 1 and at 2"),
    "an unknown write that took effect twice": (run(unknown(0, ONE), order="00"), "took effect twice"),
    "another request than was asked": (Run([put(0, 1, ONE, 2)], [Decided(TWO, 0)]), "is Put(key=b'k', value=b'2'"),
    "a wrong answer": (run(put(0, 1, ONE, 3)), "otherwise than the model at its place, 1: Changed(revision=2"),
    "writes in an order against real time": (
        run(put(0, 1, ONE, 3), put(2, 3, TWO, 2), order="10"),
        "has place 1 in the decided order, but 2 was shown before its call",
    ),
    "a write decided before it was called": (
        run(ok(0, 1, READ, FIRST), put(2, 3, ONE, 2)),
        "has place 1 in the decided order, but 1 was shown before its call",
    ),
    "a stale read that must not be": (run(put(0, 1, ONE, 2), ok(2, 3, READ, None)), "state 1 answers Row("),
    "a read of what never was": (run(ok(0, 1, READ, FIRST)), "state 0 answers None"),
    "reads that go back": (
        run(put(0, 9, ONE, 2), ok(1, 2, READ, FIRST), ok(3, 4, READ, None)),
        "state 0 was the last to answer so",
    ),
    "a stale read from the future": (
        run(ok(0, 1, READ, SECOND, stale=True), put(2, 3, ONE, 2), put(4, 5, TWO, 3)),
        "has place 1 in the decided order, but 2 was shown before its call",
    ),
    "a read told from a state too low": (
        run(put(0, 1, ONE, 2), ok(2, 3, READ, None, at=0)),
        "(from state 0, it was told): state 0 answers None, state 1 was shown before its call",
    ),
    "a read told from a state that answers otherwise": (
        run(put(0, 5, ONE, 2), ok(1, 2, READ, FIRST, at=0)),
        "(from state 0, it was told): state 0 answers None",
    ),
    "a read told from a state that never was": (run(ok(0, 1, READ, None, at=7)), "(from state 7, it was told)"),
}


def violation(run: Run) -> WitnessViolation | None:
    return check_witness(Keyspace(), run.seen, run.decided)


@pytest.mark.parametrize("run", GOOD.values(), ids=GOOD.keys())
def test_what_the_order_explains_passes(run: Run) -> None:
    assert violation(run) is None


@pytest.mark.parametrize(("run", "reason"), BAD.values(), ids=BAD.keys())
def test_what_the_order_cannot_explain_is_named(run: Run, reason: str) -> None:
    found = violation(run)
    assert found is not None
    assert reason in str(found)


def test_a_violation_reads_like_this() -> None:
    found = violation(run(put(0, 1, ONE, 2), put(2, 3, TWO, 3), unknown(2, THREE), ok(4, 5, READ, FIRST), order="01"))
    assert str(found) == textwrap.dedent(
        """\
        p1 Get(key=b'k') -> Row(key=b'k', value=b'1', create_revision=2, mod_revision=2, version=1)
          cannot have been answered: state 2 answers Row(key=b'k', value=b'2', create_revision=2, mod_revision=3, version=2), state 1 was the last to answer so
             p1 Put(key=b'k', value=b'2', prev=False) -> Changed(revision=3, prev=None)                   |--|
          -> p1 Get(key=b'k') -> Row(key=b'k', value=b'1', create_revision=2, mod_revision=2, version=1)        |--|"""  # noqa: E501
    )


def test_long_values_are_cut() -> None:
    found = violation(run(put(0, 1, Put(b"k", b"x" * 1000), 9)))
    assert max(map(len, str(found).splitlines())) < 400


def test_a_recorder_gives_what_the_check_needs() -> None:
    seen: Observations[Request, Answer] = Observations(lambda: 0.0)
    with seen.begin(1, ONE) as call:
        call.ok(Changed(2))
    with seen.begin(1, Delete(b"k", just_after(b"k"))) as call:
        call.failed()
    with seen.begin(1, READ, stale=True) as call:
        call.ok(FIRST, at=1)
    with seen.begin(1, TWO) as call:
        call.unknown()
    assert len(seen) == 4
    recorded = seen.all()
    assert [each.outcome.value for each in recorded] == ["ok", "failed", "ok", "unknown"]
    assert recorded[2] == Seen(1, recorded[2].call, recorded[2].returned, Outcome.OK, READ, FIRST, True, 1)
    assert recorded[0].returned is not None and recorded[0].returned < recorded[1].call


@pytest.mark.parametrize("wrong", [{"version": 2}, {"create_revision": 1}, {"value": b""}])
def test_every_part_of_a_row_counts(wrong: dict[str, Any]) -> None:
    assert violation(run(put(0, 1, ONE, 2), ok(2, 3, READ, replace(FIRST, **wrong)))) is not None


class Counting(Keyspace):
    """Counts what it is asked."""

    reads = 0

    def read(self, request: Request, index: int) -> Answer:
        self.reads += 1
        return super().read(request, index)


def test_reads_cost_no_search_from_the_beginning() -> None:
    good = served(random.Random(1), 3000, overlap=10)
    model = Counting()
    assert check_witness(model, good.seen, good.decided) is None
    assert model.reads < 40 * len(good.seen)
