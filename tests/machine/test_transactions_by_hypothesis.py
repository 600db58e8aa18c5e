"""Any transaction against one that is carried out as plainly as can be, in a dict; and the rule that no key changes
twice against all ways that a transaction can go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, product
from operator import eq, gt, lt, ne
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import Compare, DeleteRequest, GetRequest, Operation, PutRequest, RangeRequest, TxnRequest
from ostraka_server.machine import RangeResult, Refused, Row
from ostraka_server.machine.results import ReadResult, TxnResult
from ostraka_server.machine.written_twice import written_twice
from tests.machine.bases import apply, empty, ranged
from tests.machine.commands import entry, put

KEYS = [b"a", b"b", b"b0", b"c", b"d"]
ENDS = [b"", b"", b"", b"b", b"c", b"e", b"\0"]
VALUES = [b"", b"1", b"2"]
OPERATORS = [eq, ne, gt, lt]
Rows = dict[bytes, Row]

# What is in the shard before: one put at a time, so that versions and revisions differ
histories = st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)), max_size=6)


@st.composite
def _ranges(draw: st.DrawFn) -> dict[str, bytes]:
    key = draw(st.sampled_from(KEYS))
    end = draw(st.sampled_from(ENDS))
    return {"key": key, "range_end": end if end in (b"", b"\0") or end >= key else b""}


@st.composite
def _compares(draw: st.DrawFn) -> Compare:
    where: dict[str, Any] = draw(_ranges())
    target = draw(st.sampled_from(["value", "version", "create_revision", "mod_revision", "lease"]))
    wanted: Any = draw(st.sampled_from(VALUES) if target == "value" else st.integers(0, 7))
    return Compare(**where, operator=draw(st.sampled_from(Compare.Operator.values())), **{target: wanted})


_LEAVES = st.one_of(
    st.builds(lambda key: Operation(get=GetRequest(key=key)), st.sampled_from(KEYS)),
    st.builds(lambda where, n: Operation(range=RangeRequest(**where, limit=n)), _ranges(), st.integers(0, 2)),
    st.builds(
        lambda key, value, prev: Operation(put=PutRequest(key=key, value=value, prev_kv=prev)),
        *(st.sampled_from(KEYS), st.sampled_from(VALUES), st.booleans()),
    ),
    st.builds(lambda where, prev: Operation(delete=DeleteRequest(**where, prev_kv=prev)), _ranges(), st.booleans()),
)


def _transactions(operations: st.SearchStrategy[Operation]) -> st.SearchStrategy[TxnRequest]:
    lists = st.lists(operations, max_size=3)
    compares = st.lists(_compares(), max_size=2)
    return st.builds(lambda c, t, o: TxnRequest(compares=c, then=t, otherwise=o), compares, lists, lists)


def _or_nested(transactions: st.SearchStrategy[TxnRequest]) -> st.SearchStrategy[Operation]:
    return st.one_of(_LEAVES, st.builds(lambda txn: Operation(txn=txn), transactions))


transactions = _transactions(_or_nested(_transactions(_or_nested(_transactions(_LEAVES)))))


class Plain:
    """Carries out one transaction, on rows of its own."""

    def __init__(self, rows: Rows, revision: int) -> None:
        self._before = dict(rows)
        self.rows = dict(rows)
        self._begun = revision
        self._wrote = False

    @property
    def revision(self) -> int:
        return self._begun + self._wrote

    def run(self, request: TxnRequest) -> TxnResult:
        succeeded = all(self._holds(compare) for compare in request.compares)
        results = [self._do(operation) for operation in (request.then if succeeded else request.otherwise)]
        return TxnResult(self.revision, succeeded, results)

    def _holds(self, compare: Compare) -> bool:
        target = compare.WhichOneof("target")
        assert target is not None
        holds, wanted = OPERATORS[compare.operator], getattr(compare, target)
        found = _within(self._before, compare)
        if not found:
            return target != "value" and bool(holds(0, wanted))
        return all(holds(0 if target == "lease" else getattr(row, target), wanted) for row in found)

    def _do(self, operation: Operation) -> Any:
        if operation.HasField("txn"):
            return self.run(operation.txn)
        if operation.HasField("get"):
            return ReadResult(self.revision, self.revision, self.rows.get(operation.get.key))
        if operation.HasField("range"):
            found = _within(self.rows, operation.range)
            limit = operation.range.limit or len(found)
            page = RangeResult(found[:limit], len(found) > limit, len(found))
            return ReadResult(self.revision, self.revision, page)
        return self._put(operation.put) if operation.HasField("put") else self._delete(operation.delete)

    def _put(self, request: PutRequest) -> tuple[int, Row | None]:
        prev = self.rows.get(request.key)
        self._wrote = True
        created, version = (prev.create_revision, prev.version + 1) if prev else (self.revision, 1)
        self.rows[request.key] = Row(request.key, request.value, created, self.revision, version)
        return self.revision, prev if request.prev_kv else None

    def _delete(self, request: DeleteRequest) -> tuple[int, int, Sequence[Row]]:
        doomed = _within(self.rows, request)
        for row in doomed:
            del self.rows[row.key]
        self._wrote |= bool(doomed)
        return self.revision, len(doomed), tuple(doomed) if request.prev_kv else ()


def _within(rows: Rows, request: Any) -> list[Row]:
    return [rows[key] for key in sorted(rows) if _covers(request, key)]


def _covers(request: Any, key: bytes) -> bool:
    if not request.range_end:
        return bool(key == request.key)
    return bool(key >= request.key and (request.range_end == b"\0" or key < request.range_end))


def _ways(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """The writes of every way that a list can go, whatever the compares say."""
    for way in product(*map(_ways_of, operations)):
        yield list(chain.from_iterable(way))


def _ways_of(operation: Operation) -> list[list[Operation]]:
    if operation.HasField("txn"):
        return [*_ways(operation.txn.then), *_ways(operation.txn.otherwise)]
    return [[operation] if operation.HasField("put") or operation.HasField("delete") else []]


def _changes_a_key_twice(request: TxnRequest) -> bool:
    for writes in chain(_ways(request.then), _ways(request.otherwise)):
        puts = [write.put.key for write in writes if write.HasField("put")]
        deletes = [write.delete for write in writes if write.HasField("delete")]
        if len(set(puts)) < len(puts) or any(_covers(delete, key) for delete in deletes for key in puts):
            return True
    return False


@given(transactions)
def test_a_key_that_some_way_changes_twice_is_told(request: TxnRequest) -> None:
    assert (written_twice(request) is not None) == _changes_a_key_twice(request)


@given(histories, transactions)
def test_it_does_what_is_plainly_done(history: list[tuple[bytes, bytes]], request: TxnRequest) -> None:
    machine = empty()
    apply(machine, entry(*(put(*each) for each in history)))
    plain = Plain({row.key: row for row in ranged(machine).rows}, machine.revision)
    (result,) = apply(machine, entry(Command(txn=request)))
    if written_twice(request) is not None:
        event("refused")
        assert isinstance(result, Refused)
        return
    assert result == plain.run(request)
    assert machine.revision == plain.revision
    assert {row.key: row for row in ranged(machine).rows} == plain.rows
