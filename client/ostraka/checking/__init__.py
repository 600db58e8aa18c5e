"""Checks what callers saw of a key-value store. Needs nothing but the standard library; see DESIGN.md.

history = History(clock.now)
with history.put(process, key, value) as call:
    call.ok(revision=(await client.put(key, value)).revision)
...
result = check_linearizable(history.operations())
assert result.ok, str(result)

`ostraka.checking.witness` checks calls of any kind against the order in which they were applied,
`ostraka.checking.transactions` whether transactions are serialisable.
"""

from __future__ import annotations

from .acknowledged import Gap, LostWrite, longest_gap, lost_writes
from .calls import Outcome
from .explain import Violation
from .history import Call, History, Kind, Operation
from .jsonl import dump_operations, load_operations
from .linearizability import Result, Verdict, check_linearizable

__all__ = [
    "Call",
    "Gap",
    "History",
    "Kind",
    "LostWrite",
    "Operation",
    "Outcome",
    "Result",
    "Verdict",
    "Violation",
    "check_linearizable",
    "dump_operations",
    "load_operations",
    "longest_gap",
    "lost_writes",
]
