"""Callers of transactions, on keys of their own. Registers are written and never deleted: what was read of them can be
told serialisable without any model. Others come and go, for the witness alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from random import Random

from ostraka.checking.transactions import ReadValue, Step, Transaction, Write, check_registers
from ostraka.checking.witness import Answer, Changed, Compare, Count, Delete, Done, Get, Put, Range, Row, Txn
from ostraka.checking.witness.requests import Field
from tests.simulation.stack import translation
from tests.simulation.stack.cluster import SimulatedClient
from tests.simulation.stack.judgement import Seen
from tests.simulation.stack.translation import Part
from tests.simulation.violation import Violation

REGISTERS = tuple(b"register %d" % number for number in range(5))
OTHERS = tuple(b"other %d" % number for number in range(4))
OTHERS_END = b"other~"


class Transactions:
    """What is known of the keys, from answers: transactions compare with it, and often in vain."""

    def __init__(self) -> None:
        self._rows: dict[bytes, Row] = {}

    def draw(self, random: Random, number: int) -> Txn:
        """One that reads, or one that writes as well: it then occurs only once, by its values."""
        compares = tuple(self._compare(random) for _ in range(random.choice((0, 0, 1, 2))))
        reads: list[Part] = [Get(key) for key in random.sample(REGISTERS, random.randint(1, 3))]
        if random.random() < 0.2:
            return Txn(compares, (*reads, Range(OTHERS[0], OTHERS_END)), (Count(OTHERS[0], OTHERS_END),))
        written = enumerate(random.sample(REGISTERS, random.randint(1, 2)))
        writes: list[Part] = [Put(key, b"%d.%d" % (number, part), random.random() < 0.2) for part, key in written]
        then = [*reads, *writes, self._other(random, number)]
        random.shuffle(then)
        otherwise = (Get(random.choice(REGISTERS)), self._other(random, number))
        return Txn(compares, tuple(then), otherwise)

    def _compare(self, random: Random) -> Compare:
        key = random.choice(REGISTERS + OTHERS)
        row = self._rows.get(key)
        if row is None:
            return Compare(key, "version", random.choice(("==", ">")), 0)
        kind: Field = random.choice(("mod_revision", "value", "version", "create_revision"))
        return Compare(key, kind, random.choice(("==", "==", "!=", ">", "<")), getattr(row, kind))

    def _other(self, random: Random, number: int) -> Part:
        kind = random.choice(("put", "delete", "range", "count"))
        key = random.choice(OTHERS)
        if kind == "put":
            return Put(key, b"%d" % number)
        if kind == "delete":
            return Delete(key, OTHERS_END)
        return Range(key, OTHERS_END, 2) if kind == "range" else Count(key, OTHERS_END)

    async def ask(self, client: SimulatedClient, request: Txn, timeout: float) -> Done:
        """Raises what the SDK raises."""
        then, otherwise = translation.operations(request.then), translation.operations(request.otherwise)
        asked = client.txn(translation.compares(request), then=then, otherwise=otherwise, timeout=timeout)
        done = translation.answer(await asked)
        self.know(row for row in done.answers if isinstance(row, Row))
        return done

    def know(self, rows: Iterable[Row]) -> None:
        """How keys stood at some time."""
        self._rows.update({row.key: row for row in rows})


def check(seen: Iterable[Seen]) -> None:
    """Raise Violation unless the transactions are strictly serialisable, as far as registers tell."""
    result = check_registers([_transaction(each, each.request) for each in seen if isinstance(each.request, Txn)])
    if not result.ok:
        raise Violation("C2", str(result))


def _transaction(seen: Seen, request: Txn) -> Transaction:
    """What is of no known outcome has read nothing, and may have written all that it would."""
    if isinstance(seen.answer, Done):
        parts = request.then if seen.answer.succeeded else request.otherwise
        steps = tuple(_steps(parts, seen.answer.answers))
    else:
        puts = (each for each in request.then if isinstance(each, Put) and each.key in REGISTERS)
        steps = tuple(Write(put.key, put.value) for put in puts)
    return Transaction(seen.process, seen.call, seen.returned, seen.outcome, steps)


def _steps(parts: Sequence[Part], answers: Sequence[Answer]) -> Iterator[Step]:
    for part, answer in zip(parts, answers, strict=True):
        if isinstance(part, Get):
            yield ReadValue(
                part.key, *((answer.value, answer.mod_revision) if isinstance(answer, Row) else (None, None))
            )
        elif isinstance(part, Put) and part.key in REGISTERS and isinstance(answer, Changed):
            yield Write(part.key, part.value, answer.revision)
