"""What an event says of a message: its `str`, of those that most events are about in a third of the time."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ostraka_server.paxos import Ballot
from ostraka_server.paxos.messages import Accept, Accepted, Heartbeat, HeartbeatAck, Message


def text(message: Message) -> str:
    """The same as `str(message)`."""
    return _TEXTS.get(type(message), str)(message)


@lru_cache(maxsize=64)
def _told(ballot: Ballot) -> str:
    return repr(ballot)


_TEXTS: dict[type, Callable[[Any], str]] = {
    Accept: lambda x: f"Accept(ballot={_told(x.ballot)}, entries={x.entries!r}, decided_through={x.decided_through})",
    Accepted: lambda x: f"Accepted(ballot={_told(x.ballot)}, slots={x.slots!r})",
    Heartbeat: lambda x: f"Heartbeat(ballot={_told(x.ballot)}, nonce={x.nonce}, decided_through={x.decided_through})",
    HeartbeatAck: lambda x: (
        f"HeartbeatAck(ballot={_told(x.ballot)}, nonce={x.nonce}, decided_through={x.decided_through})"
    ),
}
