"""How calls ended, in words of the API only."""

from __future__ import annotations

from collections import Counter

from ostraka.v1.common_pb2 import ErrorDetail, Reason
from ostraka.v1.exchange_pb2 import Error, Reply
from ostraka.v1.kv_pb2 import GetResponse
from ostraka_server.shard.tally import Tally


def error(code: int, reason: int) -> Reply:
    detail = ErrorDetail.FromString(b"\x08" + bytes([reason]))  # field 1, as a node of any version may send it
    return Reply(error=Error(code=code, detail=detail))


def test_answers_are_counted_by_operation_and_code() -> None:
    tally = Tally()
    tally.count("get", Reply(get=GetResponse()))
    tally.count("get", Reply(get=GetResponse()))
    tally.count("get", error(14, Reason.NO_LEADER))
    tally.count("put", error(14, Reason.NO_LEADER))
    assert tally.operations == Counter({("get", 0): 2, ("get", 14): 1, ("put", 14): 1})
    assert tally.refusals == Counter({Reason.NO_LEADER: 2})


def test_what_is_known_beforehand_counts_from_0() -> None:
    tally = Tally()
    operations = ("get", "range", "put", "delete", "txn", "compact", "register", "close")
    assert set(tally.operations) == {(operation, 0) for operation in operations}
    assert set(tally.refusals) == set(Reason.values())
    assert not any(tally.operations.values()) and not any(tally.refusals.values())


def test_a_reason_that_is_not_known_here_counts_as_none() -> None:
    tally = Tally()
    tally.count("get", error(14, 99))
    assert tally.refusals == Counter({Reason.REASON_UNSPECIFIED: 1})
