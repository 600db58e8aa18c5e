"""What a transaction does, as values: each names a request, and knows how its answer reads."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass
from typing import Any, Generic, TypeVar

from ostraka._compares import Bytes, Compare
from ostraka._keys import as_bytes, key_range, where
from ostraka._reading import How, SortBy, ask_for_range
from ostraka._results import delete_result, key_value, key_values, put_result
from ostraka.v1 import kv_pb2
from ostraka.values import DeleteResult, KeyValue, PutResult, RangeResult, TxnResult

Done = TypeVar("Done", covariant=True)


class Operation(ABC, Generic[Done]):
    """Part of a transaction. `Done` is what comes of it."""

    writes: bool = False

    @abstractmethod
    def put_into(self, operation: kv_pb2.Operation) -> None:
        """As the wire has it."""

    @abstractmethod
    def result(self, response: kv_pb2.OperationResponse) -> Done:
        """What the answer says."""


@dataclass(frozen=True, eq=False)
class Put(Operation[PutResult]):
    """Set a key. `prev`: also give what was there before."""

    key: Bytes
    value: Bytes
    _: KW_ONLY
    prev: bool = False

    writes = True

    def put_into(self, operation: kv_pb2.Operation) -> None:
        request = operation.put
        request.key, request.value, request.prev_kv = as_bytes(self.key), as_bytes(self.value), self.prev

    def result(self, response: kv_pb2.OperationResponse) -> PutResult:
        return put_result(response.put)


@dataclass(frozen=True, eq=False)
class Get(Operation[KeyValue | None]):
    """Read a key, as the transaction has left it so far, or at a `revision`. None where there is no such key."""

    key: Bytes
    _: KW_ONLY
    revision: int | None = None

    def put_into(self, operation: kv_pb2.Operation) -> None:
        operation.get.key = as_bytes(self.key)
        How(self.revision).put_into(operation.get)

    def result(self, response: kv_pb2.OperationResponse) -> KeyValue | None:
        return key_value(response.get.kv) if response.get.HasField("kv") else None


@dataclass(frozen=True, eq=False)
class Range(Operation[RangeResult]):
    """Read the keys of [start, end) or of a prefix, as the transaction has left them so far, or at a `revision`. The
    options are those of `Client.range`. All of it has to fit into the answer; else the transaction is TooLarge."""

    start: Bytes | None = None
    end: Bytes | None = None
    _: KW_ONLY
    prefix: Bytes | None = None
    limit: int | None = None
    keys_only: bool = False
    sort_by: SortBy = "key"
    descending: bool = False
    mod_revisions: tuple[int | None, int | None] = (None, None)
    create_revisions: tuple[int | None, int | None] = (None, None)
    revision: int | None = None

    def put_into(self, operation: kv_pb2.Operation) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"limit is {self.limit}; in a transaction it must be 1 or more")
        request = operation.range
        request.key, request.range_end = key_range(self.start, self.end, self.prefix)
        request.limit, request.keys_only = self.limit or 0, self.keys_only
        ask_for_range(request, self.sort_by, self.descending, self.mod_revisions, self.create_revisions)
        How(self.revision).put_into(request)

    def result(self, response: kv_pb2.OperationResponse) -> RangeResult:
        found = response.range
        return RangeResult(tuple(key_values(found.kvs)), found.more, found.count)


@dataclass(frozen=True, eq=False)
class Count(Operation[int]):
    """How many keys of [start, end) or of a prefix there are, as the transaction has left them so far."""

    start: Bytes | None = None
    end: Bytes | None = None
    _: KW_ONLY
    prefix: Bytes | None = None
    revision: int | None = None

    def put_into(self, operation: kv_pb2.Operation) -> None:
        request = operation.range
        request.key, request.range_end = key_range(self.start, self.end, self.prefix)
        request.count_only = True
        How(self.revision).put_into(request)

    def result(self, response: kv_pb2.OperationResponse) -> int:
        return response.range.count


@dataclass(frozen=True, eq=False)
class Delete(Operation[DeleteResult]):
    """Delete one key, the keys of [key, end), or those that begin with `prefix`. `prev`: also give what was there."""

    key: Bytes | None = None
    end: Bytes | None = None
    _: KW_ONLY
    prefix: Bytes | None = None
    prev: bool = False

    writes = True

    def put_into(self, operation: kv_pb2.Operation) -> None:
        request = operation.delete
        request.key, request.range_end = where(self.key, self.end, self.prefix)
        request.prev_kv = self.prev

    def result(self, response: kv_pb2.OperationResponse) -> DeleteResult:
        return delete_result(response.delete)


class Txn(Operation[TxnResult]):
    """A transaction within another: its compares are decided with all others, before anything is done."""

    def __init__(
        self,
        compares: Iterable[Compare] = (),
        *,
        then: Iterable[Operation[Any]] = (),
        otherwise: Iterable[Operation[Any]] = (),
    ) -> None:
        self.compares = tuple(compares)
        self.then, self.otherwise = tuple(then), tuple(otherwise)
        for compare in self.compares:
            if not isinstance(compare, Compare):
                raise TypeError(f"a compare is made with value(), version() and the like, it is no {_kind(compare)}")
        for operation in (*self.then, *self.otherwise):
            if not isinstance(operation, Operation):
                raise TypeError(f"an operation is a Put, Get, Range, Count, Delete or Txn, not {_kind(operation)}")
        self.writes = any(operation.writes for operation in (*self.then, *self.otherwise))

    def __repr__(self) -> str:
        return f"Txn({list(self.compares)!r}, then={list(self.then)!r}, otherwise={list(self.otherwise)!r})"

    def put_into(self, operation: kv_pb2.Operation) -> None:
        operation.txn.SetInParent()  # it may be empty
        self.fill(operation.txn)

    def fill(self, request: kv_pb2.TxnRequest) -> None:
        """As the wire has it."""
        request.compares.extend(compare.wire for compare in self.compares)
        for listed, to in ((self.then, request.then), (self.otherwise, request.otherwise)):
            for operation in listed:
                operation.put_into(to.add())

    def result(self, response: kv_pb2.OperationResponse) -> TxnResult:
        return self.read(response.txn)

    def read(self, response: kv_pb2.TxnResponse) -> TxnResult:
        """What the answer says."""
        done = self.then if response.succeeded else self.otherwise
        results = tuple(operation.result(each) for operation, each in zip(done, response.responses, strict=True))
        return TxnResult(response.header.revision, response.succeeded, results, done)


def first_key(request: kv_pb2.TxnRequest) -> bytes:
    """The first key that it names, which routes it; empty where it names none."""
    for compare in request.compares:
        return compare.key
    for operation in (*request.then, *request.otherwise):
        kind = operation.WhichOneof("request")
        key: bytes = first_key(operation.txn) if kind == "txn" else getattr(operation, kind or "get").key
        if key:
            return key
    return b""


def _kind(thing: object) -> str:
    return type(thing).__name__
