"""What a transaction asks of keys before it does anything: `value("a") == "1"` makes a Compare, and decides nothing."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Final, Generic, NoReturn, TypeVar

from ostraka._keys import as_bytes, where
from ostraka.v1 import kv_pb2

Bytes = bytes | str
T = TypeVar("T")

_EQUAL: Final = kv_pb2.Compare.EQUAL
_NOT_EQUAL: Final = kv_pb2.Compare.NOT_EQUAL
_GREATER: Final = kv_pb2.Compare.GREATER
_LESS: Final = kv_pb2.Compare.LESS


@dataclass(frozen=True, slots=True)
class Compare:
    """Made by comparing `value`, `version`, `create_revision`, `mod_revision` or `lease`; decided by the cluster."""

    wire: kv_pb2.Compare

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a compare is decided by the cluster, not here: give it to txn(). All of a transaction's compares have to "
            "hold; `and`, `or`, `not` and chains like 0 < version(key) < 3 are not for them"
        )


class _Field(ABC, Generic[T]):
    """Something of a key, or of each key of a range, compared with a T."""

    def __init__(self, target: str, where: tuple[bytes, bytes]) -> None:
        self._target = target
        self._where = where

    def _compared(self, operator: kv_pb2.Compare.Operator.ValueType, other: object) -> Compare:
        wire = kv_pb2.Compare(operator=operator)
        wire.key, wire.range_end = self._where
        setattr(wire, self._target, self._operand(other))
        return Compare(wire)

    @abstractmethod
    def _operand(self, other: object) -> object:
        """As the field takes it. Raises TypeError, ValueError for what no T is."""

    # Not a bool: the comparison itself is what is wanted.
    def __eq__(self, other: object) -> Compare:  # type: ignore[override]
        return self._compared(_EQUAL, other)

    def __ne__(self, other: object) -> Compare:  # type: ignore[override]
        return self._compared(_NOT_EQUAL, other)

    def __gt__(self, other: T) -> Compare:
        return self._compared(_GREATER, other)

    def __lt__(self, other: T) -> Compare:
        return self._compared(_LESS, other)

    __hash__ = None  # type: ignore[assignment]


class ValueField(_Field[Bytes]):
    """Compared with bytes, or str (UTF-8); greater and less are those of bytes."""

    def _operand(self, other: object) -> bytes:
        return as_bytes(other)  # type: ignore[arg-type]


class NumberField(_Field[int]):
    """Compared with whole numbers from 0."""

    def _operand(self, other: object) -> int:
        if type(other) is not int:
            raise TypeError(f"{self._target} is compared with an int, not {type(other).__name__}")
        if not 0 <= other < 1 << 64:
            raise ValueError(f"{self._target} is compared with {other}; it counts from 0")
        return other


def value(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> ValueField:
    """The value of a key, or of each key of [key, end) or with a prefix: `value("a") == "1"`. No comparison of it holds
    where there is no such key."""
    return ValueField("value", where(key, end, prefix))


def version(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> NumberField:
    """Puts since the key was created; 0 where there is no such key, and where a range holds none."""
    return NumberField("version", where(key, end, prefix))


def create_revision(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> NumberField:
    """The revision of the put that created the key; 0 as with `version`."""
    return NumberField("create_revision", where(key, end, prefix))


def mod_revision(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> NumberField:
    """The revision of the last put: `mod_revision(kv.key) == kv.mod_revision` holds while nobody has touched it since
    `kv` was read. 0 as with `version`."""
    return NumberField("mod_revision", where(key, end, prefix))


def lease(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> NumberField:
    """The lease that the key is attached to; 0 where it is to none, as every key so far, and as with `version`."""
    return NumberField("lease", where(key, end, prefix))


def absent(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> Compare:
    """There is no such key; of a range or prefix: none at all."""
    return version(key, end, prefix=prefix) == 0


def exists(key: Bytes | None = None, end: Bytes | None = None, *, prefix: Bytes | None = None) -> Compare:
    """There is such a key; of a range or prefix: at least one."""
    return version(key, end, prefix=prefix) > 0
