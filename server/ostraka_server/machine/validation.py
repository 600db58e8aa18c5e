"""Which requests are refused. Shape is part of the entry format, limits are configuration: DESIGN.md says why."""

from __future__ import annotations

from typing import Protocol, cast

from ostraka.v1 import common_pb2
from ostraka.v1.common_pb2 import Strength
from ostraka.v1.kv_pb2 import (
    CompactRequest,
    Compare,
    DeleteRequest,
    GetRequest,
    PutRequest,
    RangeRequest,
    SortOrder,
    SortTarget,
    TxnRequest,
)
from ostraka.v1.session_pb2 import CloseRequest, RegisterRequest
from ostraka_server.machine.ranges import FROM_KEY_ON
from ostraka_server.machine.results import Refused
from ostraka_server.machine.transaction_shape import operations, pieces, problem_of


class Limits(Protocol):
    """Sizes that a node takes from its configuration."""

    @property
    def key_bytes_max(self) -> int: ...

    @property
    def value_bytes_max(self) -> int: ...

    @property
    def txn_operations_max(self) -> int: ...


OfKeys = GetRequest | RangeRequest | PutRequest | DeleteRequest | Compare
OfClients = RegisterRequest | CloseRequest
Request = GetRequest | RangeRequest | PutRequest | DeleteRequest | TxnRequest | CompactRequest | OfClients

Reading = GetRequest | RangeRequest
Ranged = RangeRequest | DeleteRequest | Compare

# By type, not by isinstance: for a message that is of none of them, that costs as much as all the rest of a check.
_OF_KEYS = (GetRequest, PutRequest, RangeRequest, DeleteRequest)
_OF_CLIENTS = (RegisterRequest, CloseRequest)
_READS = (GetRequest, RangeRequest)
_STRENGTHS = frozenset(Strength.values())
_RANGED = (RangeRequest, DeleteRequest, Compare)
_VALUED = (PutRequest, Compare)


def validate(request: Request | None, limits: Limits) -> Refused | None:
    """Why a request is refused before it costs anything, or None. For reads and writes, at the gateway.

    `request` is None where the envelope carries none that this version knows."""
    kind = type(request)
    if kind in _OF_KEYS:
        of_keys = cast(OfKeys, request)
        return refuse_shape(of_keys) or _refuse_size(of_keys, limits)
    if type(request) is TxnRequest:
        return _refuse_transaction_size(request, limits) or refuse_transaction_shape(request)
    if type(request) is CompactRequest:
        return None if request.revision else _invalid("revision is 0: name the oldest one to keep; they count from 1")
    if kind in _OF_CLIENTS:
        return refuse_client(cast(OfClients, request))
    return _invalid("the command carries no request that is known here")


def refuse_transaction_shape(request: TxnRequest) -> Refused | None:
    """The same as `refuse_shape`, for all that is in a transaction and for the whole."""
    refused = next(filter(None, map(refuse_shape, pieces(request))), None)
    if refused is None and (problem := problem_of(request)):
        refused = _invalid(problem)
    return None if refused is None else _in_transaction(refused)


def refuse_client(request: OfClients) -> Refused | None:
    """The same for requests about a client."""
    return None if request.client else _invalid("client is 0, which stands for none")


def refuse_shape(request: OfKeys) -> Refused | None:
    """What can never be executed, whatever the configuration: the same on every replica, hence checked at apply too."""
    if not request.key:
        return _invalid("key is empty")
    kind = type(request)
    if kind in _RANGED and _ends_before_its_start(cast(Ranged, request)):
        return _invalid("range_end lies before key")
    return _refuse_reading(cast(Reading, request)) if kind in _READS else None


def _refuse_reading(request: Reading) -> Refused | None:
    if request.revision and request.at_unix_ms:
        return _invalid("revision and at_unix_ms are both given: ask for the one or the other")
    if request.strength not in _STRENGTHS:
        return _invalid(f"strength {request.strength} is not known here")
    if type(request) is RangeRequest:
        if request.sort_order not in SortOrder.values():
            return _invalid(f"sort_order {request.sort_order} is not known here")
        if request.sort_target not in SortTarget.values():
            return _invalid(f"sort_target {request.sort_target} is not known here")
    return None


def _refuse_transaction_size(request: TxnRequest, limits: Limits) -> Refused | None:
    if (count := operations(request)) > limits.txn_operations_max:
        return _too_large(
            f"{count} compares or operations in one list are over txn_operations_max, {limits.txn_operations_max}"
        )
    refused = next(filter(None, (_refuse_size(piece, limits) for piece in pieces(request))), None)
    return None if refused is None else _in_transaction(refused)


def _refuse_size(request: OfKeys, limits: Limits) -> Refused | None:
    longest, key_bytes_max, kind = len(request.key), limits.key_bytes_max, type(request)
    if kind in _RANGED and (end := cast(Ranged, request).range_end):
        longest = max(longest, len(end))
        key_bytes_max += 1  # so that a page can begin right after a key of full length
    if longest > key_bytes_max:
        return _too_large(f"a key of {longest} bytes is over key_bytes_max, {limits.key_bytes_max}")
    if kind in _VALUED and (size := len(cast(PutRequest | Compare, request).value)) > limits.value_bytes_max:
        return _too_large(f"a value of {size} bytes is over value_bytes_max, {limits.value_bytes_max}")
    return None


def _ends_before_its_start(request: Ranged) -> bool:
    end = request.range_end
    return bool(end) and end != FROM_KEY_ON and end < request.key


def _in_transaction(refused: Refused) -> Refused:
    return refused._replace(message=f"in the transaction: {refused.message}")


def _invalid(message: str) -> Refused:
    return Refused(common_pb2.INVALID, message)


def _too_large(message: str) -> Refused:
    return Refused(common_pb2.TOO_LARGE, message)
