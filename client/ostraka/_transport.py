"""What the SDK needs from a network: streams of frames, and unary calls. Production uses `ostraka._grpc`; tests and
the simulator pass their own.

Addresses are `host:port`, resolved anew for each connection. Frames and requests are serialised messages of
`ostraka.v1`; a transport does not look into them.
"""

from __future__ import annotations

from typing import Protocol

from ostraka.v1.exchange_pb2 import Error


class TransportError(Exception):
    """The network or the server ended a stream or a unary call."""

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.error = error


class Stream(Protocol):
    """One `ostraka.v1.Exchange/Exchange` call. One task may send while another receives."""

    async def send(self, frame: bytes) -> None:
        """Hand over one frame, in order; returns when there is room for the next. Raises TransportError once the
        stream is over; the frame may then have arrived all the same."""

    async def receive(self) -> bytes:
        """The next frame. Raises TransportError once the stream is over, in whichever way it ended."""

    def close(self) -> None:
        """Drop the stream at once. Harmless when it is over."""


class Transport(Protocol):
    """Connections to nodes."""

    async def open(self, address: str) -> Stream:
        """A stream to a node that was surely reached: until this returns, nothing was sent. It need not bound its own
        time. Raises TransportError: UNAVAILABLE where there is no connection, or what the node says."""

    async def unary(self, address: str, method: str, request: bytes, timeout: float) -> bytes:
        """Call `method` ("/ostraka.v1.Cluster/Status"); gives the serialised response. Ends within `timeout` seconds.
        Raises TransportError with the server's error, DEADLINE_EXCEEDED or UNAVAILABLE."""

    async def close(self) -> None:
        """Close every connection. Streams and calls still open end with TransportError."""
