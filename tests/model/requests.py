"""Commands drawn by chance: what a shard may be asked, now and then in nonsense."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka.v1.exchange_pb2 import Command
from tests.model.draws import Draws
from tests.model.session_draws import closing, numbered, registration
from tests.model.transaction_draws import transaction

KINDS = {"put": 100, "delete": 45, "txn": 45, "compact": 8, "register": 12, "close": 2, "nothing": 1, "read": 1}
"""Of what is sent to be decided, and how often."""
NOT_EVEN_A_MESSAGE = b"\xff"


def write(draws: Draws, sent: Sequence[Command]) -> Command:
    """A command of an entry. `sent`: what was decided before under sessions."""
    command = _write(draws)
    is_numbered = command.WhichOneof("request") not in ("register", "close") and draws.one_in(3)
    return numbered(draws, command, sent) if is_numbered else command


def _write(draws: Draws) -> Command:
    match draws.chance.choices(tuple(KINDS), tuple(KINDS.values()))[0]:
        case "put":
            return Command(put=draws.put())
        case "delete":
            return Command(delete=draws.delete())
        case "txn":
            return Command(txn=transaction(draws))
        case "compact":
            return Command(compact=draws.compact())
        case "register":
            return registration(draws)
        case "close":
            return closing(draws)
        case "read":
            return read(draws)
    return Command()


def read(draws: Draws) -> Command:
    """A request that does not enter the log."""
    if draws.one_in(4):
        return Command(get=draws.get(draws.past_or_time()))
    if draws.one_in(4):
        return Command(txn=transaction(draws, reading=True))
    return Command(range=draws.range(draws.past_or_time()))
