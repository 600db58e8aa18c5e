"""Messages at random: of every field something, and nothing that cannot be sent."""

from __future__ import annotations

from random import Random

import pytest
from google.protobuf.message import Message

from ostraka.v1.cluster_pb2 import StatusResponse
from ostraka.v1.exchange_pb2 import ExchangeRequest
from ostraka_server.wire import replica_pb2
from tests.fuzz.shapes import fill


@pytest.mark.parametrize("kind", [ExchangeRequest, StatusResponse, replica_pb2.Message, replica_pb2.Frame])
def test_every_field_is_set_now_and_then_and_absent_now_and_then(kind: type[Message]) -> None:
    made = [fill(kind(), Random(seed)) for seed in range(300)]
    for field in kind.DESCRIPTOR.fields:
        present = sum(any(field.name == each.name for each, _ in message.ListFields()) for message in made)
        assert 0 < present < len(made), field.name
    for message in made:
        assert kind.FromString(message.SerializeToString()) == message


def test_stages_that_nobody_knows_are_among_them() -> None:
    stages = {fill(replica_pb2.Hello(), Random(seed)).stage for seed in range(100)}  # type: ignore[attr-defined]
    assert {0, 1, 2} < stages
