"""A call: one request on its way to a group and its reply on its way back."""

from __future__ import annotations

from collections.abc import Callable

from ostraka.v1.common_pb2 import LINEARIZABLE
from ostraka.v1.exchange_pb2 import Command, Reply

READS = frozenset(("get", "range"))


class Call:
    """Answered exactly once, whoever gets there first: the group, a deadline, a withdrawal.

    `command` is the client's own bytes, `parsed` the same decoded; `deadline` is on the node's clock, in seconds.
    `forwarded` is set where another node's gateway passed the call on: it is then never passed on again.
    """

    __slots__ = ("_answer", "command", "deadline", "forwarded", "kind", "parsed")

    def __init__(
        self,
        command: bytes,
        parsed: Command,
        deadline: float,
        answer: Callable[[Reply], None],
        *,
        forwarded: bool = False,
    ) -> None:
        self.command = command
        self.parsed = parsed
        self.kind = parsed.WhichOneof("request")
        self.deadline = deadline
        self.forwarded = forwarded
        self._answer: Callable[[Reply], None] | None = answer

    @property
    def is_read(self) -> bool:
        """Whether it can be repeated without harm."""
        return self.kind in READS

    @property
    def is_local_read(self) -> bool:
        """Whether any replica may answer it from its own state."""
        if self.kind == "get":
            return self.parsed.get.strength != LINEARIZABLE
        return self.kind == "range" and self.parsed.range.strength != LINEARIZABLE

    @property
    def key(self) -> bytes:
        """The key, or a range's first one: what routes the call."""
        request: object = getattr(self.parsed, self.kind or "get")
        key: bytes = request.key  # type: ignore[attr-defined]  # every request has one
        return key

    @property
    def is_answered(self) -> bool:
        """Whether the caller has its answer, or does not want one any more."""
        return self._answer is None

    def answer(self, reply: Reply) -> None:
        """Give the caller its answer; later ones are dropped."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer(reply)
