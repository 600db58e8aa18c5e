"""What calls return. Bytes are bytes, whatever type the keys and values were written as."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeyValue:
    """A key as it stood at the revision of the read."""

    key: bytes
    value: bytes
    """Empty where only keys were asked for."""
    create_revision: int
    """The shard's revision at the put that created the key."""
    mod_revision: int
    """The shard's revision at the last put."""
    version: int
    """Puts since the key was created: 1 for a new key."""


@dataclass(frozen=True, slots=True)
class Read:
    """A key that was looked for, and which state was looked at."""

    kv: KeyValue | None
    """None where there was no such key."""
    revision: int
    """The shard's, where it was answered."""
    read_revision: int
    """The one that was read: the same, unless an older one was asked for."""
    staleness: float | None
    """Seconds that may have passed since this was the shard's newest state; None where no `max_staleness` was given."""


@dataclass(frozen=True, slots=True)
class PutResult:
    """A put that took effect."""

    revision: int
    """The shard's revision that this put made."""
    prev: KeyValue | None = None
    """What was there before: only when asked for, and only where there was something."""
