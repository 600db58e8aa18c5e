"""What is fuzzed: a way in for bytes, the refusals that it documents, and where its case come from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from google.protobuf.message import Message

from tests.fuzz.mutation import mutate
from tests.fuzz.shapes import fill

RAW_BYTES_MAX = 1 << 12


@dataclass(frozen=True, slots=True)
class Decoder:
    """1. `decode` returns or raises one of `refusals`; it checks itself that what it decoded makes sense.
    2. A case leaves nothing behind that a later one meets.
    """

    name: str
    sites: tuple[str, ...]
    """`module:qualified name` of the functions of the product that read bytes here, without the package's name."""
    decode: Callable[[bytes], object]
    samples: Sequence[bytes]
    """Valid bytes, to be mutated."""
    refusals: tuple[type[Exception], ...] = ()
    shape: type[Message] | None = None
    """The message that the bytes are, if they are one: random ones are made, too."""
    share: int = 10
    """Of the cases, in proportion to the others'. Small for what takes long."""

    def case(self, random: Random) -> bytes:
        """Bytes to try."""
        choice = random.random()
        if self.shape is not None and choice < 0.4:
            data = fill(self.shape(), random).SerializeToString()
            return data if choice < 0.3 else mutate(data, self.samples, random)
        if choice < 0.9:
            return mutate(random.choice(self.samples), self.samples, random)
        return random.randbytes(random.randrange(1 << random.randrange(RAW_BYTES_MAX.bit_length())))
