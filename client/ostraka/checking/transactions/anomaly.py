"""What can be wrong with transactions, by the names of the literature.

Adya's phenomena (1999) as Elle told them from histories (Kingsbury and Alvaro, 2020): G0 to G2 are cycles of
dependencies, told apart by what they are made of. The rest shows in few reads, without any cycle.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from ..picture import picture
from .transaction import Transaction

ROW_CHARACTERS = 120
"""Longer transactions are cut."""


class Order(Enum):
    """Which order, beside that of the data, a store promises to keep."""

    DATA = ""
    """None: serializable."""
    PROCESS = "-process"
    """That of each process: strong session serializable."""
    REALTIME = "-realtime"
    """What had returned before another was called comes first: strict serializable."""


class Phenomenon(Enum):
    """An anomaly's name, and the weakest usual level of isolation that forbids it."""

    GARBAGE_READ = "garbage read", "every level"
    DUPLICATES = "duplicates", "every level"
    INCOMPATIBLE_ORDER = "incompatible order", "every level"
    INTERNAL = "internal", "every level"
    FUTURE_READ = "future read", "every level"
    DIRTY_UPDATE = "dirty update", "read uncommitted"
    G1A = "G1a", "read committed"
    G1B = "G1b", "read committed"
    LOST_UPDATE = "lost update", "snapshot isolation"
    G0 = "G0", "read uncommitted"
    G1C = "G1c", "read committed"
    G_SINGLE = "G-single", "snapshot isolation"
    G_NONADJACENT = "G-nonadjacent", "snapshot isolation"
    G2_ITEM = "G2-item", "serializability"

    def __init__(self, title: str, forbidden_by: str) -> None:
        self.title = title
        self.forbidden_by = forbidden_by


_STRONG = {Order.DATA: "", Order.PROCESS: "strong session ", Order.REALTIME: "strong "}


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One thing that is wrong, with the transactions that show it."""

    phenomenon: Phenomenon
    transactions: tuple[Transaction, ...]
    """In the order in which the reasons name them: T1, T2, ..."""
    reasons: tuple[str, ...]
    order: Order = Order.DATA
    """Of a cycle: which order it needs beside that of the data."""

    @property
    def name(self) -> str:
        """Such as `G-single-realtime`."""
        return self.phenomenon.title + self.order.value

    def __str__(self) -> str:
        level = f"{_STRONG[self.order]}{self.phenomenon.forbidden_by}"
        labels = (f"T{i} {transaction}" for i, transaction in enumerate(self.transactions, start=1))
        cut = (label if len(label) <= ROW_CHARACTERS else label[:ROW_CHARACTERS] + "..." for label in labels)
        rows = picture(list(zip(cut, self.transactions, strict=True)), None)
        return "\n  ".join([f"{self.name}, forbidden by {level}", *self.reasons, *rows])
