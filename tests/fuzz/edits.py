"""Replica messages as a node that is mistaken might send them: a true one, with something in it changed."""

from __future__ import annotations

from dataclasses import fields, replace
from random import Random
from typing import Any, cast

from ostraka_server.paxos import Ballot, Entry, Faulty
from ostraka_server.paxos.messages import Message
from tests.fuzz.shapes import number
from tests.fuzz.trio import EPOCH, MEMBERS

STRANGER = 99
WIRE_MAX = 2**64 - 1
COPIES_MAX = 30


def edited(message: Message, random: Random) -> Message:
    """One or two of its fields changed, within what the wire can carry."""
    for _ in range(random.choice((1, 1, 2))):
        field = random.choice(fields(message)).name
        message = replace(cast(Any, message), **{field: _changed(getattr(message, field), random)})
    return message


def _changed(value: object, random: Random) -> object:
    match value:
        case bool():
            return not value
        case int():
            return _number(value, random)
        case bytes():
            return random.choice((b"", value + b"!", b"another", bytes(300)))
        case Ballot():
            return _ballot(value, random)
        case Entry(slot, ballot, payload):
            return random.choice(
                (
                    Entry(_number(slot, random), ballot, payload),
                    Entry(slot, _ballot(ballot, random), payload),
                    Entry(slot, ballot, b"another"),
                )
            )
        case Faulty(slot, ballot):
            return random.choice((Faulty(_number(slot, random), ballot), Faulty(slot, _ballot(ballot, random))))
        case tuple():
            return _several(value, random)
    raise AssertionError(f"a field of a kind that is not known here: {value!r}")


def _number(value: int, random: Random) -> int:
    """Mostly nearby."""
    near = (value + 1, value - 1, value + 2, value - 3, 0, 1, value + 1024, value * 2)
    return min(max(random.choice(near) if random.random() < 0.9 else number(random), 0), WIRE_MAX)


def _ballot(ballot: Ballot, random: Random) -> Ballot:
    choice = random.random()
    if choice < 0.6:
        return ballot._replace(round=_number(ballot.round, random))
    if choice < 0.95:
        return ballot._replace(replica=random.choice((*MEMBERS, STRANGER)))
    return ballot._replace(epoch=random.choice((0, EPOCH, EPOCH + 1, 2**32 - 1)))


def _several(values: tuple[object, ...], random: Random) -> tuple[object, ...]:
    """Fewer, more, others, or in another order."""
    if not values:
        return values
    place = random.randrange(len(values))
    choice = random.randrange(4)
    if choice == 0:
        return values[:place] + values[place + 1 :]
    if choice == 1:
        return values + values[place : place + 1] * random.randrange(1, COPIES_MAX)
    if choice == 2:
        return tuple(random.sample(values, len(values)))
    return (*values[:place], _changed(values[place], random), *values[place + 1 :])
