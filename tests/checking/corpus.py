"""Histories with the verdict that they deserve: the classics of every checker, and random ones judged by definition."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ostraka.checking import Operation, check_linearizable
from ostraka.checking.transactions import Order, Transaction, check_lists, check_registers
from ostraka.checking.witness import Keyspace, check_witness
from tests.checking import reference, test_linearizability
from tests.checking.histories import get, mutated, put, simulated
from tests.checking.transactions import classics
from tests.checking.transactions import reference as transactions_reference
from tests.checking.transactions.executor import Isolation, Shape, executed
from tests.checking.transactions.spoil import spoiled as spoiled_transactions
from tests.checking.witness import reference as witness_reference
from tests.checking.witness import test_witness
from tests.checking.witness.stores import Run, served, spoiled


@dataclass(frozen=True, slots=True)
class Specimen:
    """A history under a name, the check of it, and what the check must answer."""

    name: str
    check: Callable[[], object]
    expected: object

    @property
    def judged_rightly(self) -> bool:
        """Whether the check answers as it must."""
        return self.check() == self.expected


def linearizable(history: Sequence[Operation]) -> bool:
    return check_linearizable(history).ok


def explained(run: Run) -> bool:
    return check_witness(Keyspace(), run.seen, run.decided) is None


def lists_serialisable(history: Sequence[Transaction], order: Order = Order.REALTIME) -> bool:
    return check_lists(history, order).ok


def registers_serialisable(history: Sequence[Transaction], order: Order = Order.REALTIME) -> bool:
    return check_registers(history, order).ok


def names(case: classics.Case) -> frozenset[str]:
    return frozenset(anomaly.name for anomaly in case.result().anomalies)


def classic() -> Iterator[Specimen]:
    """Written by hand, one for each thing that can be wrong, and near misses."""
    for name, history in test_linearizability.GOOD.items():
        yield Specimen(f"linearizable: {name}", partial(linearizable, history), True)
    for name, history in test_linearizability.BAD.items():
        yield Specimen(f"not linearizable: {name}", partial(linearizable, history), False)
    two_keys = [
        put(0, 1, b"a", 2),
        put(2, 3, b"b", 3, key=b"l"),
        get(4, 5, b"a", 2),
        get(4, 5, b"b", 3, key=b"l"),
    ]
    yield Specimen("linearizable: two keys", partial(linearizable, two_keys), True)
    many = [put(0, 10, b"%d" % number) for number in range(5)]
    yield Specimen("not decided within the budget", lambda: check_linearizable(many, max_steps=3).ok, False)
    for name, run in test_witness.GOOD.items():
        yield Specimen(f"explained: {name}", partial(explained, run), True)
    for name, (run, _) in test_witness.BAD.items():
        yield Specimen(f"not explained: {name}", partial(explained, run), False)
    for name, case in classics.CASES.items():
        yield Specimen(f"transactions, {name}", partial(names, case), case.names)


def judged(count: int) -> Iterator[Specimen]:
    """Small random histories, most of them spoiled, with the verdict of the definition; `count` for each checker."""
    rng = random.Random(count)
    for number in range(count):
        history = simulated(rng, rng.randrange(3, 7), told=rng.choice([0, 1]), unknown=0.2)
        for _ in range(rng.randrange(4)):
            history = mutated(rng, history)
        yield Specimen(f"calls {number}", partial(linearizable, history), reference.is_linearizable(history))
        run = served(rng, rng.randrange(4, 9))
        for _ in range(rng.randrange(3)):
            run = spoiled(rng, run)
        yield Specimen(f"run {number}", partial(explained, run), witness_reference.is_explained(run))
        transactions = executed(rng, 5, Shape(rng.choice(list(Isolation)), keys=2, unknown=0.2, failed=0.1))
        for _ in range(rng.randrange(3)):
            transactions = spoiled_transactions(rng, transactions)
        order = rng.choice(list(Order))
        verdict = transactions_reference.is_serialisable(transactions, order)
        yield Specimen(f"lists {number}", partial(lists_serialisable, transactions, order), verdict)


def good(count: int) -> Iterator[Specimen]:
    """Larger histories of stores that do no wrong; `count` for each checker."""
    for seed in range(count):
        rng = random.Random(seed)
        history = simulated(rng, 50, told=rng.choice([0, 0.5, 1]), unknown=0.1)
        yield Specimen(f"good calls {seed}", partial(linearizable, history), True)
        yield Specimen(f"good run {seed}", partial(explained, served(rng, 100, overlap=1 + seed % 20)), True)
        shape = Shape(keys=1 + seed % 6, steps=1 + seed % 5, overlap=1 + seed % 9, unknown=0.1, failed=0.1)
        lists = executed(rng, 80, shape)
        yield Specimen(f"good lists {seed}", partial(lists_serialisable, lists), True)
        registers = executed(rng, 80, replace(shape, lists=False))
        yield Specimen(f"good registers {seed}", partial(registers_serialisable, registers), True)
