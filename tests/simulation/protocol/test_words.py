"""An event's text of a message is that of the message itself, however it is made."""

from __future__ import annotations

from typing import get_args

import pytest

from ostraka_server.paxos import Ballot, Entry
from ostraka_server.paxos import messages as m
from tests.simulation.protocol.words import text

LOW, HIGH = Ballot(1, 2, 3), Ballot(1, 4, 1)
ENTRIES = (Entry(7, LOW, b"it's \x00"), Entry(8, LOW, b""))
MESSAGES: tuple[m.Message, ...] = (
    m.PrePrepare(LOW, 1),
    m.PrePromise(LOW, True, HIGH, 1),
    m.Prepare(LOW, 1),
    m.Promise(LOW, ENTRIES, 6),
    m.Accept(LOW, ENTRIES, 6),
    m.Accepted(LOW, (7,)),
    m.Nack(LOW, HIGH),
    m.Heartbeat(LOW, 3, 6),
    m.HeartbeatAck(HIGH, 3, 6),
    m.Fetch(LOW, 7),
    m.Decided(LOW, 7, ENTRIES, 8),
    m.TakeOver(LOW),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_the_text_is_that_of_str(message: m.Message) -> None:
    assert text(message) == str(message)


def test_no_kind_is_left_out() -> None:
    assert {type(message) for message in MESSAGES} == set(get_args(m.Message))
