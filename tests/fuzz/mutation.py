"""Valid bytes made invalid, or valid in another sense: what a bug, a foreign program or a hostile one would send."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from tests.fuzz.shapes import number

BYTES_MAX = 1 << 16
"""No mutation makes a case longer."""


def mutate(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """`data` after one to four mutations. `others`: what may be spliced into it, not empty."""
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = random.choice(_MUTATIONS)(data, others, random)
    return data[:BYTES_MAX]


def varint(value: int) -> bytes:
    """As protobuf writes it; longer than ten bytes for what no field can hold."""
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def pieces(data: bytes) -> list[bytes]:
    """The fields of a protobuf message, each with its tag, as far as it can be read; the rest is the last piece."""
    found = []
    at = 0
    while (end := _field_end(data, at)) is not None:
        found.append(data[at:end])
        at = end
    return found + ([data[at:]] if at < len(data) else [])


def _varint_end(data: bytes, at: int) -> int:
    while at < len(data) and data[at] & 0x80:
        at += 1
    return at + 1


def _field_end(data: bytes, at: int) -> int | None:
    if at >= len(data):
        return None
    kind, value_at = data[at] & 7, _varint_end(data, at)
    if kind == 0:
        end = _varint_end(data, value_at)
    elif kind == 1:
        end = value_at + 8
    elif kind == 2:
        end = _varint_end(data, value_at)
        length = data[value_at:end]
        end += sum((byte & 0x7F) << 7 * place for place, byte in enumerate(length[:5]))
    else:
        end = value_at + 4
    return end if end <= len(data) else None


def _flip(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << random.randrange(8),)) + data[at + 1 :]


def _cut(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    return data[: random.randint(0, len(data))]


def _drop(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    start = random.randint(0, len(data))
    return data[:start] + data[start + random.choice((1, 2, 8, 64)) :]


def _insert(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + random.randbytes(random.choice((1, 2, 4, 16))) + data[at:]


def _splice(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    other = random.choice(others)
    return data[: random.randint(0, len(data))] + other[random.randint(0, len(other)) :]


def _rewrite_varint(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    at = random.randint(0, len(data))
    return data[:at] + varint(number(random) << random.choice((0, 0, 0, 20))) + data[_varint_end(data, at) :]


def _rearrange(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """A field twice, gone, elsewhere, or put around all of it."""
    fields = pieces(data) or [b""]
    place = random.randrange(len(fields))
    field = fields[place]
    choice = random.randrange(5)
    if choice == 0:
        fields.insert(random.randint(0, len(fields)), field)
    elif choice == 1:
        del fields[place]
    elif choice == 2:
        random.shuffle(fields)
    elif choice == 3:
        fields[place] = field * random.choice((2, 100))
    else:
        fields[place] = field[:1] + varint(len(data)) + data
    return b"".join(fields)


def _foreign_field(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    fields = pieces(data)
    fields.insert(random.randint(0, len(fields)), random.choice(pieces(random.choice(others)) or [b""]))
    return b"".join(fields)


def _nest(data: bytes, others: Sequence[bytes], random: Random) -> bytes:
    """Something deeply within itself: a group's, a list's or a message's beginning, many times."""
    opening = random.choice((b"\x0b", b"[", b"{", b'{"a":', b"(", data[:2], data[:1]))
    return data[: random.randint(0, len(data))] + opening * random.choice((10, 200, 3000))


_MUTATIONS: tuple[Callable[[bytes, Sequence[bytes], Random], bytes], ...] = (
    _flip, _flip, _cut, _drop, _insert, _splice, _rewrite_varint, _rewrite_varint, _rearrange, _rearrange,
    _foreign_field, _nest,
)  # fmt: skip
