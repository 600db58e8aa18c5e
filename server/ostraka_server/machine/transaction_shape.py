"""What a TxnRequest is made of, and how it must be put together. Part of the entry format, like every rule of shape."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ostraka.v1.kv_pb2 import Compare, DeleteRequest, GetRequest, Operation, PutRequest, RangeRequest, TxnRequest
from ostraka_server.machine.compare import OPERATORS
from ostraka_server.machine.written_twice import written_twice

TXN_DEPTH_MAX = 8
"""Transactions within one another, the outermost included."""

Piece = Compare | GetRequest | RangeRequest | PutRequest | DeleteRequest
"""What a transaction names keys in."""

_OF_THEIR_OWN = ("strength", "max_staleness_ms", "min_revision", "at_unix_ms")
"""Fields of reads that say how and when a request is answered, which the transaction is as a whole."""


def pieces(request: TxnRequest) -> Iterator[Piece]:
    """Every compare and operation in it, however deep, but the nested transactions themselves."""
    yield from request.compares
    for operation in _operations(request):
        kind = operation.WhichOneof("request")
        if kind == "txn":
            yield from pieces(operation.txn)
        elif kind is not None:
            yield getattr(operation, kind)


def is_read_only(request: TxnRequest) -> bool:
    """Whether it writes nothing, whatever its compares say."""
    return not any(isinstance(piece, PutRequest | DeleteRequest) for piece in pieces(request))


def deletes_ranges(request: TxnRequest) -> bool:
    """Whether it may delete any number of keys."""
    return any(isinstance(piece, DeleteRequest) and piece.range_end for piece in pieces(request))


def written_keys(request: TxnRequest) -> Iterator[bytes]:
    """The keys that it may put or delete by name, in either list."""
    for piece in pieces(request):
        if isinstance(piece, PutRequest) or (isinstance(piece, DeleteRequest) and not piece.range_end):
            yield piece.key


def first_key(request: TxnRequest) -> bytes:
    """The first key that it names; empty where it names none."""
    return next((piece.key for piece in pieces(request)), b"")


def operations(request: TxnRequest) -> int:
    """What its longest list holds, where a nested transaction counts for as much as itself and its own longest list:
    so many operations are done at most, and about as many compares."""
    return max(len(request.compares), _weight(request.then), _weight(request.otherwise))


def problem_of(request: TxnRequest) -> str | None:
    """What is wrong with how it is put together, if anything is; its pieces are looked at elsewhere."""
    if _depth(request) > TXN_DEPTH_MAX:
        return f"transactions are nested deeper than TXN_DEPTH_MAX, {TXN_DEPTH_MAX}"
    return _incomplete(request) or written_twice(request)


def _weight(done: Sequence[Operation]) -> int:
    return len(done) + sum(operations(each.txn) for each in done if each.HasField("txn"))


def _operations(request: TxnRequest) -> Iterator[Operation]:
    yield from request.then
    yield from request.otherwise


def _nested(request: TxnRequest) -> Iterator[TxnRequest]:
    return (operation.txn for operation in _operations(request) if operation.HasField("txn"))


def _depth(request: TxnRequest) -> int:
    return 1 + max(map(_depth, _nested(request)), default=0)


def _incomplete(request: TxnRequest) -> str | None:
    for compare in request.compares:
        if compare.WhichOneof("target") is None:
            return "a compare has no target that is known here"
        if compare.operator not in OPERATORS:
            return "a compare's operator is not known here"
    for operation in _operations(request):
        kind = operation.WhichOneof("request")
        if kind is None:
            return "an operation carries no request that is known here"
        problem = _incomplete(operation.txn) if kind == "txn" else None
        if kind in ("get", "range"):
            asked = [name for name in _OF_THEIR_OWN if getattr(getattr(operation, kind), name)]
            problem = f"a read in a transaction has no {asked[0]}: the whole is one request" if asked else None
        if problem:
            return problem
    return None
