"""What a comparison asks of the load process of either system."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trial:
    """Closed loop: so many callers, each of which waits for its answer before it asks again."""

    operation: str = "put"  # or "get", linearizable; every key is put first then
    callers: int = 100
    seconds: float = 10.0  # measured time; what falls due before or after it does not count
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
            option, choices = f"--{field.name.replace('_', '-')}", ("put", "get") if field.name == "operation" else None
            parser.add_argument(option, type=type(field.default), default=field.default, choices=choices)

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Trial:
        return cls(**{field.name: getattr(arguments, field.name) for field in dataclasses.fields(cls)})
