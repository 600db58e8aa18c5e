"""Replica messages that wait for their turn, in bounded room: while a disk hangs, the other nodes go on talking."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka_server.paxos import ReplicaId
from ostraka_server.paxos.messages import Message

INBOX_BYTES_MAX = 16 << 20
"""Of one group; one message may go beyond. What comes on top is dropped, as it might have been on its way."""

MESSAGE_BYTES = 512
"""What a message takes beside its payload."""


class Inbox:
    """First in, first out."""

    def __init__(self) -> None:
        self._messages: list[tuple[ReplicaId, Message]] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether only what nobody would say again may still be put in."""
        return self._bytes >= INBOX_BYTES_MAX

    def put(self, sender: ReplicaId, message: Message, size: int) -> None:
        """A message that came as so many bytes."""
        self._messages.append((sender, message))
        self._bytes += MESSAGE_BYTES + size

    def take_all(self) -> Sequence[tuple[ReplicaId, Message]]:
        """Each with its sender."""
        taken, self._messages, self._bytes = self._messages, [], 0
        return taken
