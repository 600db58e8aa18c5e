"""A call: one request on its way to a group and its reply on its way back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from ostraka.v1.common_pb2 import LINEARIZABLE
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.machine import walks
from ostraka_server.machine.transaction_shape import deletes_ranges, first_key, is_read_only, written_keys
from ostraka_server.shard import failures

READS = frozenset(("get", "range"))

TO_A_SHARD = frozenset(("compact", "register", "close"))
"""Requests that name a shard instead of keys, 0 for the only one there is."""


class Call:
    """Answered exactly once, whoever gets there first: the group, a deadline, a withdrawal.

    `command` is the client's own bytes, `parsed` the same decoded, `request` what is in that envelope; `taken_at` and
    `deadline` are on the node's clock, in seconds. From `waits_until` on the caller had better ask another node than
    wait for the leader here: that is the deadline unless it is set to less. `forwarded` is set where another node's
    gateway passed the call on: it is then never passed on again. `ended` is told of the answer just before the caller
    gets it.
    """

    # What is asked for again and again is an attribute, not a property: a node has tens of thousands of calls a second.
    __slots__ = (
        "_answer",
        "_ended",
        "command",
        "deadline",
        "forwarded",
        "is_answered",
        "is_local_read",
        "is_read",
        "kind",
        "parsed",
        "request",
        "taken_at",
        "waits_until",
    )

    def __init__(
        self,
        command: bytes,
        parsed: Command,
        deadline: float,
        answer: Callable[[Reply], None],
        *,
        taken_at: float = 0.0,
        forwarded: bool = False,
        ended: Callable[[Call, Reply], None] | None = None,
    ) -> None:
        self.command = command
        self.parsed = parsed
        self.kind = kind = parsed.WhichOneof("request")
        self.request = request = cast(Any, getattr(parsed, kind) if kind else None)
        self.is_read = kind in READS or (kind == "txn" and is_read_only(parsed.txn))
        """Whether it can be repeated without harm."""
        self.is_local_read = kind in READS and request.strength != LINEARIZABLE
        """Whether any replica may answer it, from its own state where that is recent enough."""
        self.taken_at = taken_at
        self.deadline = self.waits_until = deadline
        self.forwarded = forwarded
        self.is_answered = False
        """Whether the caller has its answer, or does not want one any more."""
        self._answer = answer
        self._ended = ended

    @property
    def walks(self) -> bool:
        """Whether it is a read that may have to see much more than it answers."""
        return self.kind == "range" and walks(self.request)

    @property
    def deletes_ranges(self) -> bool:
        """Whether it may delete any number of keys."""
        if self.kind == "delete":
            return bool(self.request.range_end)
        return self.kind == "txn" and deletes_ranges(self.request)

    @property
    def written_keys(self) -> Sequence[bytes]:
        """The keys that it puts or deletes by name."""
        if self.kind == "txn":
            return tuple(written_keys(self.request))
        names_one = self.kind == "put" or (self.kind == "delete" and not self.request.range_end)
        return (self.request.key,) if names_one else ()

    @property
    def key(self) -> bytes:
        """The key, a range's first one, or the first of a transaction: what routes the call, unless it is one of those
        `TO_A_SHARD`."""
        key: bytes = first_key(self.request) if self.kind == "txn" else self.request.key
        return key

    def expire(self, now: float) -> None:
        """Of a call that waits for the leader and has had no effect: answer it where it has waited long enough."""
        if self.deadline <= now:
            self.answer(failures.deadline(surely_not_done=True))
        elif self.waits_until <= now:
            self.answer(failures.no_read_point())

    def answer(self, reply: Reply) -> None:
        """Give the caller its answer; later ones are dropped."""
        if self.is_answered:
            return
        self.is_answered = True
        if self._ended is not None:
            self._ended(self, reply)
        self._answer(reply)
