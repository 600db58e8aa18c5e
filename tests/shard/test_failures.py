"""Every refusal: its code, its reason, and whether it promises that nothing was done."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from ostraka.errors import AnswerLost, OutcomeUnknown, ServerFault, Status, from_wire
from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Reply
from ostraka_server.shard import failures

MAKERS = [
    function
    for name, function in inspect.getmembers(failures, inspect.isfunction)
    if function.__module__ == failures.__name__ and not name.startswith("_")
]
SAMPLES = {"str": "n7", "int": 7, "bool": True}

REFUSALS = [
    failures.invalid("why"),
    failures.too_large("why"),
    failures.compacted("why", 7),
    failures.future_revision("why"),
    failures.not_leader(1, "n2", "a2:1"),
    failures.no_leader(1),
    failures.overloaded("a queue"),
    failures.shutting_down("n1"),
    failures.not_ready("n2"),
    failures.loading(),
    failures.no_such_shard(7),
    failures.no_such_node("n7"),
    failures.expired("why"),
]
"""Of requests that were not taken."""


def made(maker: Callable[..., Reply], **given: object) -> Reply:
    return maker(
        **{name: SAMPLES[str(p.annotation)] for name, p in inspect.signature(maker).parameters.items()} | given
    )


ENDS_OF_STREAMS = [failures.unread, failures.outlived]

WITHOUT_REASON = {failures.transfer_failed, failures.withdrawn}
"""Whoever gets them knows why."""

UNSURE = [maker for maker in MAKERS if "surely_not_done" in inspect.signature(maker).parameters]


@pytest.mark.parametrize("maker", MAKERS)
def test_every_failure_is_an_error_that_clients_know(maker: Callable[..., Reply]) -> None:
    error = made(maker).error
    assert error.message
    assert error.code in {int(status) for status in Status} | {failures.FAILED_PRECONDITION}
    if maker not in WITHOUT_REASON:
        assert error.detail.reason != Reason.REASON_UNSPECIFIED
        fault = from_wire(error, write=False, origin="a1:1")
        assert type(fault) is not ServerFault


@pytest.mark.parametrize("reply", REFUSALS, ids=lambda reply: Reason.Name(reply.error.detail.reason))
def test_what_was_not_taken_was_surely_not_done(reply: Reply) -> None:
    assert reply.error.detail.surely_not_done
    assert not isinstance(from_wire(reply.error, write=True, origin="a1:1"), OutcomeUnknown)


@pytest.mark.parametrize("maker", UNSURE)
@pytest.mark.parametrize("surely", [True, False])
def test_what_was_under_way_says_what_is_known(maker: Callable[..., Reply], surely: bool) -> None:
    error = made(maker, surely_not_done=surely).error
    assert error.detail.surely_not_done is surely
    assert isinstance(from_wire(error, write=True, origin="a1:1"), OutcomeUnknown) is not surely
    assert ("unknown" in error.message) is not surely


@pytest.mark.parametrize("maker", ENDS_OF_STREAMS)
def test_the_end_of_a_stream_tells_nothing_of_what_is_under_way_there(maker: Callable[..., Reply]) -> None:
    assert isinstance(from_wire(made(maker).error, write=True, origin="a1:1"), OutcomeUnknown)


def test_a_lost_answer_tells_that_the_write_took_effect() -> None:
    error = failures.answer_lost().error
    assert not error.detail.surely_not_done
    assert isinstance(from_wire(error, write=True, origin="a1:1"), AnswerLost)


def test_all_failures_are_looked_at_here() -> None:
    refused = {reply.error.detail.reason for reply in REFUSALS}
    rest = {*WITHOUT_REASON, failures.answer_lost, *ENDS_OF_STREAMS, *UNSURE}
    assert {made(maker).error.detail.reason for maker in MAKERS if maker not in rest} == refused


def test_who_is_told_of_a_leader_is_told_where_it_is() -> None:
    detail = failures.not_leader(1, "n2", "a2:1").error.detail
    assert (detail.leader_node, detail.leader_address) == ("n2", "a2:1")


@pytest.mark.parametrize("reply", [failures.overloaded("q"), failures.no_leader(1), failures.not_ready("n2")])
def test_what_passes_by_itself_says_when_to_try_again(reply: Reply) -> None:
    assert reply.error.detail.retry_after_ms > 0
