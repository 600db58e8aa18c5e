"""What goes over a line, in words: for people who look at a run. The first word is its kind."""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError

from ostraka.v1.exchange_pb2 import ExchangeRequest, ExchangeResponse
from ostraka_server.rpc.frames import FrameReader, MalformedFrame
from ostraka_server.shard.codec import MalformedMessage, decode

CHARACTERS_MAX = 300
"""Of one message of a frame."""


def describe(what: str, data: bytes) -> str:
    """A line for each message: of replicas in full, of calls their kinds, of all else its name."""
    told = {"frame": _messages, "calls": _calls, "replies": _replies}.get(what)
    if told is None:
        return what.rpartition("/")[2]
    try:
        return "\n".join(_cut(line) for line in told(data)) or what
    except (DecodeError, MalformedFrame, MalformedMessage) as error:
        return f"malformed: {error}"


def _messages(data: bytes) -> Iterator[str]:
    for frame in FrameReader().feed(data):
        if frame.HasField("hello"):
            yield f"Hello {frame.hello.self.node}"
        for message in frame.messages:
            group, _, _, said = decode(message)
            yield f"{said} of group {group}"


def _calls(data: bytes) -> Iterator[str]:
    request = ExchangeRequest.FromString(data)
    for call in request.calls:
        yield f"{call.command.WhichOneof('request')} {call.id}"
    yield from (f"cancel {number}" for number in request.cancel)


def _replies(data: bytes) -> Iterator[str]:
    response = ExchangeResponse.FromString(data)
    for reply in response.replies:
        yield f"reply {reply.id}: {reply.error.message if reply.HasField('error') else reply.WhichOneof('result')}"
    yield from ["retire"] * response.retire


def _cut(line: str) -> str:
    return line if len(line) <= CHARACTERS_MAX else line[:CHARACTERS_MAX] + "..."
