"""Clients that number their writes. Nothing is ever thrown away here but by the rules."""

from __future__ import annotations

from collections.abc import Callable

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command
from tests.model.outcome import INVALID, Outcome, Refusal

CLIENTS_MAX = 3
WINDOW = 8
ANSWER_BYTES_MAX = 460
"""The machine's own bounds are lowered to these, so that they are met."""

EXPIRED = Refusal(Reason.EXPIRED)
ANSWER_LOST = Refusal(Reason.ANSWER_LOST)


class Client:
    """What is known of one."""

    def __init__(self) -> None:
        self.answered_below = 1
        self.answers: dict[int, Outcome] = {}


class Sessions:
    """Every client of a shard, the one that was silent the longest first."""

    def __init__(self) -> None:
        self.clients: dict[int, Client] = {}

    def register(self, number: int) -> bool:
        """Whether it was not known."""
        if number in self.clients:
            return False
        self.clients[number] = Client()
        if len(self.clients) > CLIENTS_MAX:
            del self.clients[next(iter(self.clients))]
        return True

    def close(self, number: int) -> None:
        self.clients.pop(number, None)

    def once(self, command: Command, execute: Callable[[], Outcome]) -> list[Outcome]:
        """What a numbered write may be answered: one of these."""
        client = self.clients.pop(command.client, None)
        if client is None:
            return [EXPIRED]
        self.clients[command.client] = client
        client.answered_below = max(client.answered_below, command.answered_below)
        if command.sequence < client.answered_below:
            return [EXPIRED]
        if command.sequence in client.answers:
            return again(client.answers[command.sequence])
        if command.sequence >= client.answered_below + WINDOW:
            return [INVALID]
        client.answers[command.sequence] = execute()
        return [client.answers[command.sequence]]


def again(answer: Outcome) -> list[Outcome]:
    """What it carries may have been too large to keep: rows, and the results of a transaction."""
    carried = ("prev_kv", "responses")
    carries = not isinstance(answer, Refusal) and any(path in str(answer) for path in carried)
    return [answer, ANSWER_LOST] if carries else [answer]
