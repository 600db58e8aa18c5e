"""Is there a serial order of all transactions that explains what they read, and agrees with the order promised?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .anomaly import Anomaly, Order
from .cycles import Cycle, find_cycles
from .dependencies import dependency_graph
from .lists import list_versions
from .reasons import Reasons
from .registers import register_versions
from .transaction import Transaction
from .versions import Versions

SHOWN = 8
"""At most so many anomalies stand in a result's text."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to; as text, one line or the explained anomalies."""

    transactions: int
    anomalies: tuple[Anomaly, ...]
    """Of each phenomenon that is a cycle one example, of the others all that were seen."""

    @property
    def ok(self) -> bool:
        """Whether nothing was found: no order is contradicted by what was seen."""
        return not self.anomalies

    def __str__(self) -> str:
        if self.ok:
            return f"no anomaly in {self.transactions} transactions"
        names = ", ".join(dict.fromkeys(anomaly.name for anomaly in self.anomalies))
        shown = [str(anomaly) for anomaly in self.anomalies[:SHOWN]]
        return "\n".join([f"{names} ({len(self.anomalies)} found in {self.transactions} transactions)", *shown])


def check_lists(transactions: Sequence[Transaction], order: Order = Order.REALTIME) -> Result:
    """Check transactions of `Append` and `ReadList`; by default for strict serialisability.

    Raises ValueError if a value was appended twice to one key.
    """
    versions, anomalies = list_versions(transactions)
    return Result(len(transactions), (*anomalies, *_cyclic(versions, order)))


def check_registers(transactions: Sequence[Transaction], order: Order = Order.REALTIME) -> Result:
    """Check transactions of `Write` and `ReadValue`, nothing ever deleted; by default for strict serialisability.

    Raises ValueError if a value was written twice to one key, or was read without its revision.
    """
    versions, anomalies = register_versions(transactions)
    return Result(len(transactions), (*anomalies, *_cyclic(versions, order)))


def _cyclic(versions: Versions, order: Order) -> Iterator[Anomaly]:
    cycles = find_cycles(dependency_graph(versions, order), order)
    reasons = Reasons(versions, cycles)
    return (_anomaly(versions, cycle, reasons) for cycle in cycles)


def _anomaly(versions: Versions, cycle: Cycle, reasons: Reasons) -> Anomaly:
    transactions = tuple(versions.transactions[edge.source] for edge in cycle.edges)
    return Anomaly(cycle.phenomenon, transactions, tuple(reasons.of(cycle)), cycle.order)
