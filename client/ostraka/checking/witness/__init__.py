"""The decided order as a witness: replayed through a model, it must explain everything that callers saw.

seen: Observations[Request, Answer] = Observations(clock.now)
with seen.begin(process, Put(key, value)) as call:
    call.ok(Changed((await client.put(key, value)).revision))
...
violation = check_witness(Keyspace(), seen.all(), [Decided(Put(key, value), 0), ...])
assert violation is None, str(violation)
"""

from __future__ import annotations

from .check import Decided, check_witness
from .keyspace import Keyspace
from .model import Model
from .observation import Observation, Observations, OpenObservation
from .requests import Answer, Changed, Compare, Count, Delete, Done, Get, Put, Range, Request, Row, Txn, just_after
from .single_keys import single_key_operations
from .violation import WitnessViolation

__all__ = [
    "Answer",
    "Changed",
    "Compare",
    "Count",
    "Decided",
    "Delete",
    "Done",
    "Get",
    "Keyspace",
    "Model",
    "Observation",
    "Observations",
    "OpenObservation",
    "Put",
    "Range",
    "Request",
    "Row",
    "Txn",
    "WitnessViolation",
    "check_witness",
    "just_after",
    "single_key_operations",
]
