"""Messages at random, by their descriptors: every field absent or present, numbers where the edges are, enums unknown
to this version, lists empty or long, oneofs without a member."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any, cast

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

DEPTH_MAX = 6
"""Of messages within messages; below it everything is absent."""

ABSENT = 0.3
"""How often a field is left out."""

_EDGES = (
    0,
    1,
    2,
    127,
    128,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**53,
    2**62 - 1,
    2**62,
    2**62 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
)
_BITS = {
    FieldDescriptor.TYPE_UINT32: 32,
    FieldDescriptor.TYPE_FIXED32: 32,
    FieldDescriptor.TYPE_UINT64: 64,
    FieldDescriptor.TYPE_FIXED64: 64,
    FieldDescriptor.TYPE_INT32: 31,
}
_TEXTS = ("", "n1", "n2", "fuzz", "\0", "é\U0001f3fa", "a" * 300, "host:1", "[::1]:99999")
_BYTES = (b"", b"k", b"key 1", b"\0", b"\xff" * 8, b"a" * 5000)


def fill(message: Message, random: Random, depth: int = 0) -> Message:
    """Set fields of an empty message; the message itself is returned."""
    chosen = {oneof.name: random.choice([each.name for each in oneof.fields]) for oneof in message.DESCRIPTOR.oneofs}
    for field in cast(Sequence[FieldDescriptor], message.DESCRIPTOR.fields):
        oneof = field.containing_oneof
        if random.random() < ABSENT or (oneof is not None and chosen[oneof.name] != field.name):
            continue
        if field.is_repeated:
            _extend(getattr(message, field.name), field, random, depth)
        elif field.message_type is not None:
            if depth < DEPTH_MAX:
                fill(getattr(message, field.name), random, depth + 1)
                getattr(message, field.name).SetInParent()
        else:
            setattr(message, field.name, _scalar(field, random))
    return message


def number(random: Random, bits: int = 64) -> int:
    """Small, at an edge, or any; below 2**bits."""
    choice = random.random()
    if choice < 0.5:
        return random.randrange(12)
    return (random.choice(_EDGES) if choice < 0.9 else random.getrandbits(64)) % (1 << bits)


def _extend(values: Any, field: FieldDescriptor, random: Random, depth: int) -> None:
    for _ in range(random.choice((0, 1, 1, 2, 3, 3, 40))):
        if field.message_type is None:
            values.append(_scalar(field, random))
        elif depth < DEPTH_MAX:
            fill(values.add(), random, depth + 1)


def _scalar(field: FieldDescriptor, random: Random) -> object:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return random.choice(_BYTES) if random.random() < 0.7 else random.randbytes(random.randrange(40))
    if field.type == FieldDescriptor.TYPE_STRING:
        return random.choice(_TEXTS)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return random.random() < 0.5
    if field.type == FieldDescriptor.TYPE_ENUM:
        return random.choice((0, 1, 2, 3, 13, 99, 2**31 - 1, -1))
    return number(random, _BITS[field.type])
