"""What a range request asks for, done in the plainest way: everything is looked at, filtered, sorted, cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ostraka.v1 import kv_pb2
from ostraka.v1.common_pb2 import KeyValue
from ostraka.v1.kv_pb2 import RangeRequest, RangeResponse

TARGETS: Mapping[int, Callable[[KeyValue], Any]] = {
    kv_pb2.BY_KEY: lambda kv: kv.key,
    kv_pb2.BY_VERSION: lambda kv: kv.version,
    kv_pb2.BY_CREATE_REVISION: lambda kv: kv.create_revision,
    kv_pb2.BY_MOD_REVISION: lambda kv: kv.mod_revision,
    kv_pb2.BY_VALUE: lambda kv: kv.value,
}
ORDERS = (kv_pb2.ORDER_UNSPECIFIED, kv_pb2.ASCENDING, kv_pb2.DESCENDING)
EVERY_KEY_FROM_THERE_ON = b"\0"


def malformed_range(request: Any) -> bool:
    """No key, or a range that ends before it begins. One that ends where it begins is empty."""
    end = getattr(request, "range_end", b"")
    return not request.key or (end not in (b"", EVERY_KEY_FROM_THERE_ON) and end < request.key)


def malformed_order(request: RangeRequest) -> bool:
    """Whether nobody ever heard of it."""
    return request.sort_target not in TARGETS or request.sort_order not in ORDERS


def within(key: bytes, request: Any) -> bool:
    """Whether a request with a range, or a single key, means this one."""
    if not request.range_end:
        return bool(key == request.key)
    return bool(key >= request.key and (request.range_end == EVERY_KEY_FROM_THERE_ON or key < request.range_end))


def answer(request: RangeRequest, state: Mapping[bytes, KeyValue], response: RangeResponse) -> None:
    """All but the header, of a response whose size is not bounded."""
    there = [state[key] for key in sorted(state) if within(key, request)]
    if not request.without_count:
        response.count = len(there)
    if request.count_only:
        return
    wanted = sorted(filter(lambda kv: passes(kv, request), there), key=TARGETS[request.sort_target])
    if request.sort_order == kv_pb2.DESCENDING:
        wanted.reverse()
    limit = request.limit or len(wanted)
    response.more = len(wanted) > limit
    for kv in wanted[:limit]:
        response.kvs.add().CopyFrom(kv)
        if request.keys_only:
            response.kvs[-1].value = b""


def passes(kv: KeyValue, request: RangeRequest) -> bool:
    """Whether the filters let a key through. 0 is no bound."""
    return all(
        (
            kv.mod_revision >= request.min_mod_revision,
            kv.mod_revision <= (request.max_mod_revision or kv.mod_revision),
            kv.create_revision >= request.min_create_revision,
            kv.create_revision <= (request.max_create_revision or kv.create_revision),
        )
    )
