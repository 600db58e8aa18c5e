"""Writes numbered by chance, under few clients: some new, some sent once more, some too early or too late."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.session_pb2 import CloseRequest, RegisterRequest
from tests.model.draws import Draws
from tests.model.sessions import CLIENTS_MAX, WINDOW

CLIENTS = range(1, CLIENTS_MAX + 3)
"""More than are remembered."""


def numbered(draws: Draws, command: Command, sent: Sequence[Command]) -> Command:
    """The write under some client's next numbers, or one of those that were `sent`."""
    if sent and draws.one_in(4):
        return draws.chance.choice(sent[-20:])
    command.client = draws.chance.choice((draws.one_in(2) and draws.clients()) or CLIENTS)
    below = draws.answered_below(command.client)
    command.answered_below = max(0, below + draws.chance.choice((-1, 0, 0, 0, 0, 1, 2)))
    command.sequence = max(0, below + draws.chance.randrange(-1, WINDOW + 1))
    return command


def registration(draws: Draws) -> Command:
    client = 0 if draws.one_in(20) else draws.chance.choice(CLIENTS)
    command = Command(register=RegisterRequest(client=client))
    if draws.one_in(30):
        command.client = client
    return command


def closing(draws: Draws) -> Command:
    return Command(close=CloseRequest(client=draws.chance.choice(CLIENTS)))
