"""For each anomaly the smallest history that shows it, and near misses that are fine."""

from __future__ import annotations

from dataclasses import dataclass

from ostraka.checking import Outcome
from ostraka.checking.transactions import (
    Append,
    Order,
    ReadList,
    ReadValue,
    Result,
    Step,
    Transaction,
    Write,
    check_lists,
    check_registers,
)


@dataclass(frozen=True, slots=True)
class Case:
    """A history, and exactly the anomalies to be found in it."""

    history: tuple[Transaction, ...]
    names: frozenset[str]
    order: Order = Order.REALTIME

    def result(self) -> Result:
        """What the check comes to."""
        steps = [step for transaction in self.history for step in transaction.steps]
        lists = any(isinstance(step, Append | ReadList) for step in steps)
        return (check_lists if lists else check_registers)(self.history, self.order)


def ok(process: int, call: float, returned: float, *steps: Step) -> Transaction:
    return Transaction(process, call, returned, Outcome.OK, steps)


def at_once(process: int, *steps: Step) -> Transaction:
    """One that overlaps all others that are made so."""
    return ok(process, 0, 10, *steps)


def later(process: int, *steps: Step) -> Transaction:
    """One that begins when those have ended."""
    return ok(process, 20, 30, *steps)


def failed(*steps: Step) -> Transaction:
    return Transaction(90, 0, 1, Outcome.FAILED, steps)


def unknown(call: float, *steps: Step) -> Transaction:
    return Transaction(91, call, None, Outcome.UNKNOWN, steps)


def append(key: str, value: int) -> Step:
    return Append(key, value)


def read(key: str, *values: int) -> Step:
    return ReadList(key, values)


def write(key: str, value: int, revision: int | None = None) -> Step:
    return Write(key, value, revision)


def saw(key: str, value: int | None, revision: int | None = None) -> Step:
    return ReadValue(key, value, revision)


def _bad(names: str, *history: Transaction, order: Order = Order.REALTIME) -> Case:
    return Case(history, frozenset(names.split(", ")), order)


def _good(*history: Transaction, order: Order = Order.REALTIME) -> Case:
    return Case(history, frozenset(), order)


X1, X2, Y1, Y2 = append("x", 1), append("x", 2), append("y", 1), append("y", 2)

LISTS = {
    "nothing": _good(),
    "one after another": _good(ok(1, 0, 1, X1), ok(2, 2, 3, read("x", 1), X2), ok(1, 4, 5, read("x", 1, 2))),
    "own appends are read": _good(ok(1, 0, 1, X1, read("x", 1), X2, read("x", 1, 2))),
    "reads beside a write see either": _good(at_once(1, X1), at_once(2, read("x")), at_once(3, read("x", 1))),
    "times that touch overlap": _good(ok(1, 0, 1, X1), ok(2, 1, 2, read("x"))),
    "unknown and never seen": _good(unknown(0, X1), ok(2, 1, 2, read("x")), ok(2, 3, 4, read("x"))),
    "unknown and seen late": _good(unknown(0, X1), ok(2, 1, 2, read("x")), ok(2, 3, 4, read("x", 1))),
    "unknown, seen by one that is unknown and seen": _good(
        unknown(0, X1), unknown(0, read("x", 1), Y1), ok(2, 3, 4, read("y", 1), read("x", 1))
    ),
    "failed and never seen": _good(failed(X1), ok(2, 2, 3, read("x"))),
    "updates in turn": _good(at_once(1, read("x"), X1), at_once(2, read("x", 1), X2)),
    "unread appends in any order": _good(at_once(1, X1), at_once(2, X2), later(3, read("y"))),
    "a stale read, where only the data counts": _good(ok(1, 0, 1, X1), ok(2, 2, 3, read("x")), order=Order.DATA),
    "a stale read of another process": _good(ok(1, 0, 1, X1), ok(2, 2, 3, read("x")), order=Order.PROCESS),
    "internal: own append missing": _bad("internal", ok(1, 0, 1, X1, read("x"))),
    "internal: reads that differ": _bad("internal", ok(1, 0, 1, X1), ok(2, 2, 3, read("x", 1), read("x"))),
    "internal: read shorter than what was appended": _bad("internal", ok(1, 0, 1, X1, X2, read("x", 2))),
    "future read": _bad("future read", ok(1, 0, 1, read("x", 1), X1)),
    "garbage read": _bad("garbage read", ok(1, 0, 1, read("x", 7))),
    "duplicates": _bad("duplicates", ok(1, 0, 1, X1), ok(2, 2, 3, read("x", 1, 1))),
    "incompatible order": _bad(
        "incompatible order", at_once(1, X1), at_once(2, X2), later(3, read("x", 1, 2)), later(4, read("x", 2))
    ),
    "incompatible order of one's own appends": _bad(
        "incompatible order, G1b", ok(1, 0, 1, X1, X2), ok(2, 2, 3, read("x", 2, 1))
    ),
    "incompatible order: an append left out": _bad(
        "incompatible order, G-single", ok(1, 0, 1, X1, X2), ok(2, 2, 3, read("x", 2))
    ),
    "G1a": _bad("G1a", failed(X1), ok(2, 2, 3, read("x", 1))),
    "G1a in a list of another order": _bad(
        "G1a, incompatible order",
        failed(X1),
        at_once(1, X2),
        at_once(2, append("x", 3)),
        later(3, read("x", 2, 3)),
        later(4, read("x", 1)),
    ),
    "dirty update": _bad("G1a, dirty update", failed(X1), ok(1, 2, 3, X2), ok(2, 4, 5, read("x", 1, 2))),
    "G1b": _bad("G1b, G-single", at_once(1, X1, X2), at_once(2, read("x", 1)), later(3, read("x", 1, 2))),
    "lost update": _bad(
        "lost update, G-single", at_once(1, read("x"), X1), at_once(2, read("x"), X2), later(3, read("x", 1, 2))
    ),
    "lost update that nobody read": _bad("lost update, G2-item", at_once(1, read("x"), X1), at_once(2, read("x"), X2)),
    "G0": _bad("G0", at_once(1, X1, Y1), at_once(2, X2, Y2), later(3, read("x", 1, 2), read("y", 2, 1))),
    "G1c": _bad("G1c", at_once(1, X1, read("y", 1)), at_once(2, Y1, read("x", 1))),
    "G1c of three": _bad(
        "G1c", at_once(1, X1, read("z", 1)), at_once(2, Y1, read("x", 1)), at_once(3, append("z", 1), read("y", 1))
    ),
    "G-single": _bad("G-single", at_once(1, X1, Y1), at_once(2, read("x"), read("y", 1)), later(3, read("x", 1))),
    "G-single of an unread write": _bad("G-single", at_once(1, X1, Y1), at_once(2, read("x"), read("y", 1))),
    "G-single of an unknown transaction": _bad(
        "G-single", unknown(0, X1, Y1), at_once(2, read("x"), read("y", 1)), later(3, read("x", 1))
    ),
    "G-nonadjacent": _bad(
        "G-nonadjacent",
        at_once(1, X1),
        at_once(2, Y1),
        at_once(3, read("x", 1), read("y")),
        at_once(4, read("x"), read("y", 1)),
    ),
    "G2-item": _bad("G2-item", at_once(1, read("x"), Y1), at_once(2, read("y"), X1)),
    "G2-item of three": _bad(
        "G2-item", at_once(1, read("x"), Y1), at_once(2, read("y"), append("z", 1)), at_once(3, read("z"), X1)
    ),
    "G0-process": _bad(
        "G0-process", ok(1, 0, 1, X1), ok(1, 2, 3, X2), ok(2, 0, 9, read("x", 2, 1)), order=Order.PROCESS
    ),
    "G1c-process": _bad("G1c-process", ok(1, 0, 1, read("x", 1)), ok(1, 2, 3, X1), order=Order.PROCESS),
    "G-single-process": _bad("G-single-process", ok(1, 0, 1, X1), ok(1, 2, 3, read("x")), order=Order.PROCESS),
    "G-nonadjacent-process": _bad(
        "G-nonadjacent-process",
        at_once(1, X1),
        at_once(2, Y1),
        ok(3, 0, 1, read("y", 1)),
        ok(3, 2, 3, read("x")),
        ok(4, 0, 1, read("x", 1)),
        ok(4, 2, 3, read("y")),
        order=Order.PROCESS,
    ),
    "G2-item-process": _bad(
        "G2-item-process",
        ok(1, 0, 1, append("z", 1)),
        ok(1, 2, 9, read("x"), append("w", 1)),
        ok(2, 0, 9, read("y"), X1),
        ok(3, 0, 9, read("z"), Y1),
        order=Order.PROCESS,
    ),
    "G0-realtime": _bad("G0-realtime", ok(1, 0, 1, X1), ok(2, 2, 3, X2), ok(3, 0, 9, read("x", 2, 1))),
    "G1c-realtime": _bad("G1c-realtime", ok(1, 0, 1, read("x", 1)), ok(2, 2, 3, X1)),
    "G-single-realtime": _bad("G-single-realtime", ok(1, 0, 1, X1), ok(2, 2, 3, read("x"))),
    "G-single-realtime across others": _bad(
        "G-single-realtime", ok(1, 0, 1, X1), ok(3, 2, 3, Y1), ok(4, 4, 5, Y2), ok(2, 6, 7, read("x"))
    ),
    "G-single-realtime of an unknown transaction": _bad(
        "G-single-realtime", unknown(0, X1), ok(1, 1, 2, read("x", 1)), ok(2, 3, 4, read("x"))
    ),
    "G1c-realtime of an unknown transaction": _bad("G1c-realtime", ok(1, 0, 1, read("x", 1)), unknown(2, X1)),
    "G2-item-realtime": _bad(
        "G2-item-realtime",
        ok(1, 0, 1, append("z", 1)),
        ok(4, 2, 9, read("x"), append("w", 1)),
        ok(2, 0, 9, read("y"), X1),
        ok(3, 0, 9, read("z"), Y1),
    ),
}

REGISTERS = {
    "one after another": _good(
        ok(1, 0, 1, write("x", 1, 2)), ok(2, 2, 3, saw("x", 1, 2), write("x", 2, 3)), ok(1, 4, 5, saw("x", 2, 3))
    ),
    "own writes are read": _good(ok(1, 0, 1, write("x", 1), saw("x", 1), write("x", 2, 2), saw("x", 2))),
    "unknown and seen late": _good(unknown(0, write("x", 1)), ok(2, 1, 2, saw("x", None)), ok(2, 3, 4, saw("x", 1, 2))),
    "failed and never seen": _good(failed(write("x", 1)), ok(2, 2, 3, saw("x", None))),
    "internal: own write missing": _bad("internal", ok(1, 0, 1, write("x", 1, 2), saw("x", None))),
    "internal: revisions that differ": _bad(
        "internal", ok(1, 0, 1, write("x", 1, 2)), ok(2, 2, 3, saw("x", 1, 2), saw("x", 1, 3))
    ),
    "future read": _bad("future read", ok(1, 0, 1, saw("x", 1, 2), write("x", 1, 2))),
    "garbage read": _bad("garbage read", ok(1, 0, 1, saw("x", 7, 2))),
    "G1a": _bad("G1a", failed(write("x", 1)), ok(2, 2, 3, saw("x", 1, 2))),
    "G1b": _bad("G1b, G-single", at_once(1, write("x", 1), write("x", 2, 3)), at_once(2, saw("x", 1, 2))),
    "two revisions of one version": _bad(
        "incompatible order", ok(1, 0, 1, write("x", 1, 2)), ok(2, 2, 3, saw("x", 1, 3))
    ),
    "two versions of one revision": _bad(
        "incompatible order", at_once(1, write("x", 1, 2)), at_once(2, write("x", 2, 2))
    ),
    "lost update": _bad(
        "lost update, G-single",
        at_once(1, saw("x", None), write("x", 1, 2)),
        at_once(2, saw("x", None), write("x", 2, 3)),
    ),
    "G0": _bad("G0", at_once(1, write("x", 1, 2), write("y", 1, 3)), at_once(2, write("x", 2, 3), write("y", 2, 2))),
    "G1c": _bad("G1c", at_once(1, write("x", 1, 2), saw("y", 1, 2)), at_once(2, write("y", 1, 2), saw("x", 1, 2))),
    "G-single": _bad(
        "G-single", at_once(1, write("x", 1, 2), write("y", 1, 2)), at_once(2, saw("x", None), saw("y", 1, 2))
    ),
    "G2-item": _bad(
        "G2-item", at_once(1, saw("x", None), write("y", 1, 2)), at_once(2, saw("y", None), write("x", 1, 3))
    ),
    "G0-realtime": _bad("G0-realtime", ok(1, 0, 1, write("x", 1, 3)), ok(2, 2, 3, write("x", 2, 2))),
    "G-single-realtime": _bad("G-single-realtime", ok(1, 0, 1, write("x", 1, 2)), ok(2, 2, 3, saw("x", None))),
}

CASES = {f"lists: {name}": case for name, case in LISTS.items()} | {
    f"registers: {name}": case for name, case in REGISTERS.items()
}
