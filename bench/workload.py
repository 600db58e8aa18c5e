"""What a load process is asked to do and what it answers: the same for every system under test."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """Closed loop: so many callers, each of which waits for its answer before it asks again."""

    callers: int = 100
    seconds: float = 10.0  # measured time; what is answered before or after it does not count
    warm_up_seconds: float = 1.0
    value_bytes: int = 128
    keys: int = 10_000  # chosen uniformly

    def options(self) -> Iterator[str]:
        """As the command line of a load process; `of` reads it back."""
        for name, value in dataclasses.asdict(self).items():
            yield f"--{name.replace('_', '-')}={value}"

    @classmethod
    def add_options(cls, parser: argparse.ArgumentParser) -> None:
        for field in dataclasses.fields(cls):
            option = f"--{field.name.replace('_', '-')}"
            parser.add_argument(option, type=type(field.default), default=field.default, metavar="N")

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Workload:
        return cls(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(cls)})


@dataclass(frozen=True, slots=True)
class Figures:
    """What a load process measured; it prints them as one line of JSON."""

    operations_per_s: float
    errors: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, latencies_ms: Sequence[float], errors: int, seconds: float) -> Figures:
        """Of the answers within the measured time. ValueError where every operation failed."""
        if not latencies_ms:
            raise ValueError(f"no operation succeeded, {errors} failed")
        ordered = sorted(latencies_ms)

        def at(share: float) -> float:
            return ordered[int(share * (len(ordered) - 1))]

        return cls(len(ordered) / seconds, errors, at(0.5), at(0.99), at(1.0))
