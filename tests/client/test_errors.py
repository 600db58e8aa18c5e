from __future__ import annotations

import pytest

from ostraka import errors
from ostraka.errors import TABLE, OstrakaError, OutcomeUnknown, Permanent, Retryable, Status, from_wire, to_wire
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Error

REASONS = [reason for reason in pb.Reason.values() if reason != pb.REASON_UNSPECIFIED]
CONCRETE = [*Retryable.__subclasses__(), *Permanent.__subclasses__(), OutcomeUnknown]


@pytest.mark.parametrize("reason", REASONS, ids=pb.Reason.Name)
def test_every_reason_of_the_proto_has_one_row(reason: pb.Reason.ValueType) -> None:
    assert [row[0] for row in TABLE].count(reason) == 1


@pytest.mark.parametrize("kind", CONCRETE)
def test_every_exception_says_what_and_the_remedy(kind: type[OstrakaError]) -> None:
    assert kind.__doc__
    text = str(kind("the disk is full (a1:1)"))
    assert text == f"{kind.what}: the disk is full (a1:1). {kind.remedy}"
    assert "what" in vars(kind) and "remedy" in vars(kind)  # its own, not its parent's


def test_the_reason_outweighs_the_status() -> None:
    error = to_wire(Status.UNAVAILABLE, "no such node: n9", reason=pb.NO_SUCH_NODE)
    assert isinstance(from_wire(error, write=False, origin="a1:1"), errors.NoSuchNode)


def test_without_a_reason_the_status_decides() -> None:
    def kind(status: Status) -> type[OstrakaError]:
        return type(from_wire(to_wire(status, ""), write=False, origin="a1:1"))

    assert kind(Status.UNAVAILABLE) is errors.ConnectionLost
    assert kind(Status.UNIMPLEMENTED) is errors.Unsupported
    assert kind(Status.INTERNAL) is errors.ServerFault


def test_a_status_nobody_knows_is_a_fault() -> None:
    error = Error(code=99)
    assert isinstance(from_wire(error, write=False, origin="a1:1"), errors.ServerFault)


@pytest.mark.parametrize("reason", REASONS, ids=pb.Reason.Name)
def test_a_write_surely_not_done_never_has_an_unknown_outcome(reason: pb.Reason.ValueType) -> None:
    error = to_wire(Status.UNAVAILABLE, "", reason=reason, surely_not_done=True)
    assert not isinstance(from_wire(error, write=True, origin="a1:1"), OutcomeUnknown)


@pytest.mark.parametrize("reason", [pb.NO_LEADER, pb.DEADLINE, pb.SHUTTING_DOWN, pb.REASON_UNSPECIFIED])
def test_a_write_that_may_be_done_has_an_unknown_outcome_and_the_same_read_has_not(
    reason: pb.Reason.ValueType,
) -> None:
    error = to_wire(Status.UNAVAILABLE, "stepped down", reason=reason)
    unknown = from_wire(error, write=True, origin="a1:1")
    assert isinstance(unknown, OutcomeUnknown)
    assert "stepped down (a1:1)" in str(unknown)
    assert isinstance(from_wire(error, write=False, origin="a1:1"), Retryable)


def test_a_malformed_write_is_refused_whatever_the_server_forgot_to_say() -> None:
    error = to_wire(Status.INVALID_ARGUMENT, "key is empty", reason=pb.INVALID)
    assert isinstance(from_wire(error, write=True, origin="a1:1"), errors.InvalidRequest)


def test_overload_says_for_how_long_to_wait() -> None:
    error = to_wire(Status.RESOURCE_EXHAUSTED, "", reason=pb.OVERLOADED, retry_after_ms=250, surely_not_done=True)
    overloaded = from_wire(error, write=True, origin="a1:1")
    assert isinstance(overloaded, errors.Overloaded)
    assert overloaded.retry_after == 0.25
    assert overloaded.detail == error.detail
