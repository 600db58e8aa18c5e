"""Commands drawn by chance: what a shard may be asked, now and then in nonsense."""

from __future__ import annotations

from ostraka.v1.exchange_pb2 import Command
from tests.model.draws import Draws
from tests.model.transaction_draws import transaction

KINDS = {"put": 100, "delete": 45, "txn": 45, "compact": 8, "nothing": 1, "read": 1}
"""Of what is sent to be decided, and how often."""
NOT_EVEN_A_MESSAGE = b"\xff"


def write(draws: Draws) -> Command:
    """A command of an entry."""
    match draws.chance.choices(tuple(KINDS), tuple(KINDS.values()))[0]:
        case "put":
            return Command(put=draws.put())
        case "delete":
            return Command(delete=draws.delete())
        case "txn":
            return Command(txn=transaction(draws))
        case "compact":
            return Command(compact=draws.compact())
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
