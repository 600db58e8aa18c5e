"""Results of the machine, put into the messages that answer with them."""

from __future__ import annotations

from ostraka.v1.common_pb2 import KeyValue
from ostraka.v1.kv_pb2 import OperationResponse, RangeResponse, TxnResponse
from ostraka_server.machine import PutResult, RangeResult
from ostraka_server.machine.base import Row
from ostraka_server.machine.results import OperationResult, ReadResult, TxnResult


def fill_row(kv: KeyValue, row: Row) -> None:
    """A row."""
    kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version = row


def fill_range(response: RangeResponse, found: RangeResult) -> None:
    """A page of rows."""
    add = response.kvs.add
    for row in found.rows:  # what `fill_row` does, without a call for each of perhaps thousands
        kv = add()
        kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version = row
    response.more = found.more
    response.count = found.count


def fill_transaction(response: TxnResponse, result: TxnResult) -> None:
    """Of the headers within, only the revision: the rest is the same for all, and stands in the outermost one."""
    response.header.revision = result.revision
    response.succeeded = result.succeeded
    for each in result.results:
        _fill_operation(response.responses.add(), each)


def _fill_operation(response: OperationResponse, result: OperationResult) -> None:
    if isinstance(result, ReadResult):
        return _fill_read(response, result)
    if isinstance(result, TxnResult):
        return fill_transaction(response.txn, result)
    if isinstance(result, PutResult):
        response.put.header.revision = result.revision
        if result.prev is not None:
            fill_row(response.put.prev_kv, result.prev)
        return
    response.delete.header.revision = result.revision
    response.delete.deleted = result.deleted
    for row in result.prev:
        fill_row(response.delete.prev_kvs.add(), row)


def _fill_read(response: OperationResponse, result: ReadResult) -> None:
    read = response.range if isinstance(result.found, RangeResult) else response.get
    read.header.revision, read.read_revision = result.revision, result.read_revision
    if isinstance(result.found, RangeResult):
        fill_range(response.range, result.found)
    elif result.found is not None:
        fill_row(response.get.kv, result.found)
