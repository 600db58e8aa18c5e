"""A transaction in three shapes: as the model has it, as the SDK is asked for it, as it stands in an entry."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from ostraka import txn as sdk
from ostraka.checking.witness import (
    Answer,
    Changed,
    Compare,
    Count,
    Delete,
    Done,
    Get,
    Put,
    Range,
    Request,
    Row,
    Txn,
    just_after,
)
from ostraka.v1 import kv_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.values import DeleteResult, KeyValue, PutResult, RangeResult, TxnResult

Part = Get | Range | Count | Put | Delete

_FIELDS: Final[dict[str, Callable[[bytes], Any]]] = {
    "value": sdk.value, "version": sdk.version,
    "create_revision": sdk.create_revision, "mod_revision": sdk.mod_revision,
}  # fmt: skip
_OPERATORS: Final[dict[str, Callable[[Any, Any], sdk.Compare]]] = {
    "==": operator.eq, "!=": operator.ne, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
_WIRE: Final = {
    kv_pb2.Compare.EQUAL: "==", kv_pb2.Compare.NOT_EQUAL: "!=", kv_pb2.Compare.GREATER: ">", kv_pb2.Compare.LESS: "<",
}  # fmt: skip


def row_of(found: KeyValue | None) -> Row | None:
    """As the model has it."""
    if found is None:
        return None
    return Row(found.key, found.value, found.create_revision, found.mod_revision, found.version)


def compares(request: Txn) -> list[sdk.Compare]:
    """For the SDK."""
    return [_OPERATORS[each.operator](_FIELDS[each.field](each.key), each.operand) for each in request.compares]


def operations(parts: Iterable[Part]) -> list[sdk.Operation[Any]]:
    """For the SDK."""
    return list(map(_operation, parts))


def _operation(part: Part) -> sdk.Operation[Any]:
    match part:
        case Get(key):
            return sdk.Get(key)
        case Put(key, value, prev):
            return sdk.Put(key, value, prev=prev)
        case Delete(start, end):
            return sdk.Delete(start, end)
        case Count(start, end):
            return sdk.Count(start, end)
        case Range(start, end, limit, keys_only):
            return sdk.Range(start, end, limit=limit, keys_only=keys_only)


def answer(result: TxnResult) -> Done:
    """What the SDK answered."""
    return Done(result.succeeded, tuple(map(_answer, result.results)))


def _answer(result: object) -> Answer:
    match result:
        case PutResult():
            return Changed(result.revision, row_of(result.prev))
        case RangeResult():
            return tuple(row for each in result.kvs if (row := row_of(each)) is not None)
        case DeleteResult():
            return result.deleted
        case KeyValue() | None:
            return row_of(result)
    assert isinstance(result, int)
    return result


def requested(command: Command) -> Request | None:
    """What a command of an entry asks for; None where it changes no key."""
    if command.HasField("txn"):
        return _txn(command.txn)
    return _part(command) if command.WhichOneof("request") in ("put", "delete") else None


def _txn(request: kv_pb2.TxnRequest) -> Txn:
    compares = tuple(map(_compare, request.compares))
    return Txn(compares, tuple(map(_part, request.then)), tuple(map(_part, request.otherwise)))


def _compare(compare: kv_pb2.Compare) -> Compare:
    field = cast("Any", compare.WhichOneof("target"))
    return Compare(compare.key, field, cast("Any", _WIRE[compare.operator]), getattr(compare, field))


def _part(of: Command | kv_pb2.Operation) -> Part:
    kind = of.WhichOneof("request")
    if kind == "put":
        return Put(of.put.key, of.put.value, of.put.prev_kv)
    if kind == "delete":
        return Delete(of.delete.key, of.delete.range_end or just_after(of.delete.key))
    if kind == "get":
        return Get(of.get.key)
    assert kind == "range", f"nobody asks for {kind}"
    if of.range.count_only:
        return Count(of.range.key, of.range.range_end)
    return Range(of.range.key, of.range.range_end, of.range.limit or None, of.range.keys_only)
