"""Many cases against every decoder, and many lives. Each follows from the seed and its number alone, whatever ran
before it; what fails is made small and told with the command line that shows it again."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.fuzz import from_clients, from_disk, from_nodes, from_peers, traffic
from tests.fuzz.bounds import bounded_memory, bounded_time
from tests.fuzz.decoder import Decoder
from tests.fuzz.lives import TOLD, Life, kind_of
from tests.fuzz.minimise import minimise


@dataclass(slots=True)
class Tally:
    """Cases by what was fuzzed, how many of them were refused, and what failed: of each kind the first time only."""

    cases: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Count it in."""
        self.cases += other.cases
        self.refused += other.refused
        self.failures = other.failures | self.failures


@contextmanager
def all_decoders() -> Iterator[list[Decoder]]:
    """Every decoder of the project. Their files are gone afterwards."""
    recorded = traffic.record()
    with TemporaryDirectory() as directory:
        yield [
            *from_peers.decoders(recorded),
            *from_clients.decoders(recorded),
            *from_nodes.decoders(recorded),
            *from_disk.decoders(Path(directory)),
        ]


def attack(seed: int, numbers: Iterable[int]) -> Tally:
    """Try these cases of a seed."""
    tally = Tally()
    with all_decoders() as decoders, bounded_memory():
        ends = list(accumulate(decoder.share for decoder in decoders))
        for number in numbers:
            random = Random(f"{seed} {number}")
            decoder = decoders[bisect_right(ends, random.randrange(ends[-1]))]
            if decoder.name not in tally.failures:
                try_one(decoder, decoder.case(random), tally)
    return tally


def try_one(decoder: Decoder, data: bytes, tally: Tally) -> None:
    """A case, and what it adds to the tally."""
    tally.cases[decoder.name] += 1
    error = _attempt(decoder, data)
    if isinstance(error, decoder.refusals):
        tally.refused[decoder.name] += 1
    elif error is not None:
        data = minimise(data, lambda shorter: type(_attempt(decoder, shorter)) is type(error))
        again = f"python -m tests.fuzz again {decoder.name!r} {data.hex()}"
        tally.failures[decoder.name] = f"{decoder.name}: {error!r:.300}\n  {again}"


def _attempt(decoder: Decoder, data: bytes) -> Exception | None:
    """What the decoder raised: a refusal, or what makes the case a failure."""
    try:
        with bounded_time():
            decoder.decode(data)
    except Exception as error:
        return error
    return None


def again(name: str, data: bytes) -> None:
    """One case once more, for a person to see: raises what it raises."""
    with all_decoders() as decoders:
        (decoder,) = [each for each in decoders if each.name == name]
        decoder.decode(data)


def endure(seed: int, numbers: Iterable[int]) -> Tally:
    """Live these lives of a seed."""
    tally = Tally()
    with bounded_memory():
        for number in numbers:
            kind = f"step: {kind_of(number).value}"
            tally.cases[kind] += TOLD
            error, _ = _outcome(seed, number)
            if error is not None and kind not in tally.failures:
                tally.failures[kind] = f"{kind}: {error!r:.300}\n  {_shortest(seed, number, error)}"
    return tally


def _shortest(seed: int, number: int, error: Exception) -> str:
    """By as few hostile messages as still make it fail in the same way."""
    every = tuple(range(TOLD))
    only = minimise(every, lambda fewer: type(_outcome(seed, number, fewer)[0]) is type(error))
    _, told = _outcome(seed, number, only)
    hexes = " ".join(data.hex() for data in told)
    return f"python -m tests.fuzz life {seed} {number} {' '.join(map(str, only))}  # told: {hexes}"


def _outcome(seed: int, number: int, only: Collection[object] | None = None) -> tuple[Exception | None, list[bytes]]:
    """What ended a life, if anything did, and what it was told."""
    life = Life(seed, number)
    try:
        life.run(only)
    except Exception as error:
        return error, life.told
    return None, life.told
