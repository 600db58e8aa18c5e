"""What a transaction is made of: compares, and operations.

    from ostraka.txn import Get, Put, value

    done = client.txn([value("door") == "shut"], then=[Put("door", "open")], otherwise=[Get("door")])
    if not done.succeeded:
        print("it is", done.results[0])

All compares hold: `then` is done, else `otherwise`; all at once and under one revision. Compares look at what was there
before. Operations see the writes before them in their list.
"""

from ostraka._compares import Compare, absent, create_revision, exists, lease, mod_revision, value, version
from ostraka._operations import Count, Delete, Get, Operation, Put, Range, Txn
from ostraka.values import RangeResult, TxnResult

__all__ = [
    "Compare",
    "Count",
    "Delete",
    "Get",
    "Operation",
    "Put",
    "Range",
    "RangeResult",
    "Txn",
    "TxnResult",
    "absent",
    "create_revision",
    "exists",
    "lease",
    "mod_revision",
    "value",
    "version",
]
