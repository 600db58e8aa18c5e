"""What a shard is asked, and what it answers, as `ostraka.v1.KV` has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Field: TypeAlias = Literal["value", "version", "create_revision", "mod_revision"]
Operator: TypeAlias = Literal["==", "!=", ">", "<"]


@dataclass(frozen=True, slots=True)
class Get:
    """Answers the key's row, or None."""

    key: bytes


@dataclass(frozen=True, slots=True)
class Range:
    """Answers the rows of [start, end) in order, at most `limit`. A page that ended early because it grew too large is
    recorded as the range up to its last key."""

    start: bytes
    end: bytes | None
    """None: every key from `start` on."""
    limit: int | None = None
    keys_only: bool = False
    """Rows come with empty values."""


@dataclass(frozen=True, slots=True)
class Count:
    """Answers how many keys there are in [start, end)."""

    start: bytes
    end: bytes | None


@dataclass(frozen=True, slots=True)
class Put:
    """Answers `Changed`."""

    key: bytes
    value: bytes
    prev: bool = False
    """Whether to answer what was there before."""


@dataclass(frozen=True, slots=True)
class Delete:
    """Answers how many keys of [start, end) there were. One key is the range that ends at `just_after` it."""

    start: bytes
    end: bytes | None


@dataclass(frozen=True, slots=True)
class Row:
    """A key as it stands: the revisions of the put that created it and of the last, and how many puts since."""

    key: bytes
    value: bytes
    create_revision: int
    mod_revision: int
    version: int


@dataclass(frozen=True, slots=True)
class Changed:
    """The shard's revision that a put made, and the row before where it was asked for."""

    revision: int
    prev: Row | None = None


@dataclass(frozen=True, slots=True)
class Compare:
    """Whether the key's `field` compares so with the operand. An absent key has version and revisions 0; of its
    value nothing holds."""

    key: bytes
    field: Field
    operator: Operator
    operand: bytes | int


@dataclass(frozen=True, slots=True)
class Txn:
    """Answers `Done`. All of a list is done at once, under one revision if it changes anything; reads see the writes
    before them."""

    compares: tuple[Compare, ...]
    then: tuple[Get | Range | Count | Put | Delete, ...]
    otherwise: tuple[Get | Range | Count | Put | Delete, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """Whether all compares held, and the answers of the list that was done for that."""

    succeeded: bool
    answers: tuple[Answer, ...]


Request: TypeAlias = Get | Range | Count | Put | Delete | Txn
Answer: TypeAlias = Row | tuple[Row, ...] | int | Changed | Done | None


def just_after(key: bytes) -> bytes:
    """The least key above this one."""
    return key + b"\0"
