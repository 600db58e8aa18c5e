"""Short lives of three replicas, one of which is told things that an honest group would never say.

A life is of one of three kinds, and what must hold differs (see DESIGN.md):

strangers  messages of ids that are not listed, of other epochs, and bytes that are no message: nothing changes at all
replays    true messages, late, repeated, out of order: the replicas agree
lies       messages of listed ids, edited or made up: every replica keeps to its own promises, and none ends
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection
from enum import Enum
from random import Random

from ostraka_server.paxos.messages import Message
from ostraka_server.shard import codec
from ostraka_server.shard.codec import MalformedMessage
from ostraka_server.wire import replica_pb2
from tests.fuzz.bounds import bounded_time
from tests.fuzz.edits import STRANGER, edited
from tests.fuzz.shapes import fill
from tests.fuzz.trio import EPOCH, GROUP, MEMBERS, Seat, Trio

VICTIM, *OTHERS = MEMBERS
TOLD = 100
"""Hostile messages in a life."""

_NO_FIELD = b"\x07"
"""Begins no field of any message: its wire type does not exist."""

REMEMBERED = 60
"""True messages that may come again."""


class Kind(Enum):
    STRANGERS = "strangers"
    REPLAYS = "replays"
    LIES = "lies"


def kind_of(life: int) -> Kind:
    """Half of all lives are told lies."""
    return (Kind.LIES, Kind.STRANGERS, Kind.LIES, Kind.REPLAYS)[life % 4]


class Life:
    """Follows from its seed and number. `told` are the hostile messages so far, as bytes."""

    def __init__(self, seed: int, life: int) -> None:
        self.kind = kind_of(life)
        self.told: list[bytes] = []
        self._name = f"{seed} {life}"
        self._random = Random(self._name)
        self._trio = Trio(self._random)
        self._heard: list[bytes] = []

    @property
    def victim(self) -> Seat:
        return self._trio.seats[VICTIM]

    def run(self, only: Collection[object] | None = None) -> None:
        """Live it; of the hostile messages only those numbered `only`. AssertionError for a broken invariant, and
        whatever else the replicas raise."""
        self._trio.elect()
        while not self._heard:
            self._live()
        for number in range(TOLD):
            for _ in range(self._random.choice((0, 1, 2, 4))):
                self._live()
            random = Random(f"{self._name} {number}")
            if only is None or number in only:
                with bounded_time():
                    self._tell(random)
            if random.random() < 0.01:
                self.victim.restart(self._trio.now)
            if self.kind is not Kind.LIES:
                self._trio.check_agreement()

    def _live(self) -> None:
        self._heard += [data for receiver, data in self._trio.under_way if receiver == VICTIM]
        del self._heard[:-REMEMBERED]
        self._trio.live()

    def _tell(self, random: Random) -> None:
        data = _HOSTILE[self.kind](self, random)
        self.told.append(data)
        if self.kind is Kind.STRANGERS:
            before = _state(self.victim)
            self._deliver(data)
            assert _state(self.victim) == before, "something changed"
        else:
            self._deliver(data)

    def _deliver(self, data: bytes) -> None:
        try:
            self._trio.deliver(VICTIM, data)
        except MalformedMessage:
            assert self.kind is not Kind.REPLAYS, "a true message is malformed"

    def _true(self, random: Random) -> bytes:
        return random.choice(self._heard)

    def _stranger(self, random: Random) -> bytes:
        choice = random.random()
        if choice < 0.3:
            return self._true(random) + _NO_FIELD + random.randbytes(random.randrange(9))
        message = replica_pb2.Message.FromString(self._true(random) if choice < 0.8 else _made_up(random))
        if choice < 0.6:
            message.sender = random.choice((STRANGER, 0, 2**64 - 1))
        else:
            message.ballot.epoch = random.choice((0, EPOCH + 1, 2**32 - 1))
        return message.SerializeToString()

    def _lie(self, random: Random) -> bytes:
        if random.random() < 0.2:
            return _made_up(random)
        _, sender, _, message = codec.decode(self._intercepted(random))
        assert isinstance(message, Message)
        return codec.encode(GROUP, random.choice((sender, *OTHERS)), VICTIM, edited(message, random))

    def _intercepted(self, random: Random) -> bytes:
        """Rather what is under way now: what the victim waits for."""
        coming = [data for receiver, data in self._trio.under_way if receiver == VICTIM]
        return random.choice(coming if coming and random.random() < 0.7 else self._heard)


def _made_up(random: Random) -> bytes:
    """Anything at all, to the victim from one whom it knows."""
    message = replica_pb2.Message()
    fill(message, random)
    message.group, message.sender, message.receiver = GROUP, random.choice(OTHERS), VICTIM
    if random.random() < 0.9:
        message.ballot.epoch, message.ballot.replica = EPOCH, message.sender
    if random.random() < 0.8:
        message.ballot.round = random.randrange(12)
    return message.SerializeToString()


def _state(seat: Seat) -> bytes:
    """All that a replica is, but for the count of what it ignored."""
    return pickle.dumps({name: value for name, value in vars(seat.replica).items() if name != "ignored"})


_HOSTILE: dict[Kind, Callable[[Life, Random], bytes]] = {
    Kind.STRANGERS: Life._stranger,
    Kind.REPLAYS: Life._true,
    Kind.LIES: Life._lie,
}
