"""Which requests can never be executed, whatever the shard's state."""

from __future__ import annotations

from typing import Any

from ostraka.v1.kv_pb2 import (
    CompactRequest,
    DeleteRequest,
    GetRequest,
    Operation,
    PutRequest,
    RangeRequest,
    TxnRequest,
)
from ostraka.v1.session_pb2 import CloseRequest, RegisterRequest
from tests.model.ranges import malformed_order, malformed_range
from tests.model.transactions import malformed_compare, writes_twice

OF_A_REQUEST_OF_ITS_OWN = ("strength", "max_staleness_ms", "min_revision", "at_unix_ms")


def malformed(request: Any) -> bool:
    """None is a command without a request."""
    match request:
        case GetRequest():
            return malformed_range(request) or bool(request.revision and request.at_unix_ms)
        case RangeRequest():
            return malformed_range(request) or malformed_order(request) or bool(request.revision and request.at_unix_ms)
        case PutRequest() | DeleteRequest():
            return malformed_range(request)
        case TxnRequest():
            return _malformed_transaction(request)
        case RegisterRequest() | CloseRequest():
            return not request.client
        case CompactRequest():
            return False
    return True


def _malformed_transaction(request: TxnRequest) -> bool:
    return (
        any(map(malformed_compare, request.compares))
        or any(map(_malformed_operation, (*request.then, *request.otherwise)))
        or any(map(writes_twice, (request.then, request.otherwise)))
    )


def _malformed_operation(operation: Operation) -> bool:
    kind = operation.WhichOneof("request")
    request = None if kind is None else getattr(operation, kind)
    if isinstance(request, GetRequest | RangeRequest) and any(map(request.__getattribute__, OF_A_REQUEST_OF_ITS_OWN)):
        return True
    return malformed(request)
