"""What answers say, from the wire's types to those of `values`."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter
from typing import Any, Final

from ostraka.v1.common_pb2 import KeyValue as WireKeyValue
from ostraka.v1.kv_pb2 import DeleteResponse, PutResponse
from ostraka.values import DeleteResult, KeyValue, PutResult


def key_value(kv: WireKeyValue) -> KeyValue:
    """A key."""
    return _of_fields(_fields(kv))


def key_values(kvs: Iterable[WireKeyValue]) -> list[KeyValue]:
    """Many keys, without a step of Python for each: at half the cost."""
    return list(map(_of_fields, map(_fields, kvs)))


_fields: Final[Callable[[WireKeyValue], tuple[Any, ...]]] = attrgetter(*KeyValue._fields)
_of_fields: Final[Callable[[tuple[Any, ...]], KeyValue]] = partial(tuple.__new__, KeyValue)


def put_result(response: PutResponse) -> PutResult:
    """Of a put."""
    prev = key_value(response.prev_kv) if response.HasField("prev_kv") else None
    return PutResult(response.header.revision, prev)


def delete_result(response: DeleteResponse) -> DeleteResult:
    """Of a delete."""
    return DeleteResult(response.header.revision, response.deleted, tuple(key_values(response.prev_kvs)))
