"""Are transactions serialisable? Finds the anomalies by which the literature tells isolation levels apart.

result = check_lists([Transaction(process, call, returned, Outcome.OK, (Append(b"x", 1), ReadList(b"y", (2, 3)))), ...])
assert result.ok, str(result)
"""

from __future__ import annotations

from .anomaly import Anomaly, Order, Phenomenon
from .check import Result, check_lists, check_registers
from .transaction import Append, ReadList, ReadValue, Step, Transaction, Write

__all__ = [
    "Anomaly",
    "Append",
    "Order",
    "Phenomenon",
    "ReadList",
    "ReadValue",
    "Result",
    "Step",
    "Transaction",
    "Write",
    "check_lists",
    "check_registers",
]
