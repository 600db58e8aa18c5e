"""Checkpoints of a group's state in SQLite. Start at `Store`; DESIGN.md says why it is as it is."""

from ostraka_server.store.errors import DamagedStore, ForeignStore, StoreError, UnknownStore
from ostraka_server.store.factory import ConnectionFactory, Connections, FileFactory, MemoryFactory
from ostraka_server.store.schema import Owner
from ostraka_server.store.snapshot import Image, Snapshot, complete, take
from ostraka_server.store.state import StoredState
from ostraka_server.store.store import Delta, Store

__all__ = [
    "ConnectionFactory",
    "Connections",
    "DamagedStore",
    "Delta",
    "FileFactory",
    "ForeignStore",
    "Image",
    "MemoryFactory",
    "Owner",
    "Snapshot",
    "Store",
    "StoreError",
    "StoredState",
    "UnknownStore",
    "complete",
    "take",
]
