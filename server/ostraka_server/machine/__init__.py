"""The state of one shard: pure and deterministic. Start at `Machine`; DESIGN.md says why it is as it is."""

from ostraka_server.machine.base import EMPTY_STATE, Base, Delta, MachineState, PastFields, PastRow, Row, RowFields
from ostraka_server.machine.deleting import DELETE_BYTES_MAX, DELETE_PREV_BYTES_MAX
from ostraka_server.machine.entry import ENTRY_FORMAT, UnknownEntry
from ostraka_server.machine.machine import Machine
from ostraka_server.machine.reading import read, walks
from ostraka_server.machine.results import (
    AnswerLost,
    CompactResult,
    DeleteResult,
    Done,
    PutResult,
    RangeResult,
    Refused,
    Result,
)
from ostraka_server.machine.room import Room
from ostraka_server.machine.rows import Rows
from ostraka_server.machine.validation import Limits, validate
from ostraka_server.machine.walking import Walk

__all__ = [
    "DELETE_BYTES_MAX",
    "DELETE_PREV_BYTES_MAX",
    "EMPTY_STATE",
    "ENTRY_FORMAT",
    "AnswerLost",
    "Base",
    "CompactResult",
    "DeleteResult",
    "Delta",
    "Done",
    "Limits",
    "Machine",
    "MachineState",
    "PastFields",
    "PastRow",
    "PutResult",
    "RangeResult",
    "Refused",
    "Result",
    "Room",
    "Row",
    "RowFields",
    "Rows",
    "UnknownEntry",
    "Walk",
    "read",
    "validate",
    "walks",
]
