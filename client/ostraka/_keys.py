"""Keys as callers write them, and ranges of keys as the wire has them.

On the wire a range is `key` and `range_end`, exclusive. An empty end means the one key; one zero byte means every
key from `key` on. The empty key does not exist, so one zero byte is also the smallest key there is.
"""

from __future__ import annotations

from typing import Final

SMALLEST_KEY: Final = b"\0"
END_OF_KEYS: Final = b"\0"


def as_bytes(text: bytes | str) -> bytes:
    """A key or value as bytes; str is UTF-8. Anything else is a TypeError rather than a guess at an encoding."""
    if type(text) is bytes:
        return text
    if isinstance(text, str):
        return text.encode()
    if isinstance(text, bytes):
        return bytes(text)
    raise TypeError(f"keys and values are bytes or str, not {type(text).__name__}")


def prefix_end(prefix: bytes) -> bytes:
    """The `range_end` of all keys that begin with `prefix`: the prefix with its last byte below 0xff raised by one
    and what follows it cut off. Without such a byte (b"", b"\\xff\\xff") nothing sorts after: `END_OF_KEYS`."""
    stem = prefix.rstrip(b"\xff")
    return stem[:-1] + bytes((stem[-1] + 1,)) if stem else END_OF_KEYS


def key_range(start: bytes | str | None, end: bytes | str | None, prefix: bytes | str | None) -> tuple[bytes, bytes]:
    """(`key`, `range_end`) of [start, end) or of a prefix. No start: from the smallest key. No end: to the last.

    Raises ValueError where a prefix is given beside a start or end: one of them would have to be ignored.
    """
    if prefix is not None:
        if start is not None or end is not None:
            raise ValueError("give either prefix= or start and end, not both")
        raw = as_bytes(prefix)
        return raw or SMALLEST_KEY, prefix_end(raw)
    first = SMALLEST_KEY if start is None else as_bytes(start)
    return first or SMALLEST_KEY, END_OF_KEYS if end is None else as_bytes(end) or END_OF_KEYS


def after(key: bytes) -> bytes:
    """The smallest key greater than `key`."""
    return key + b"\0"


def where(key: bytes | str | None, end: bytes | str | None, prefix: bytes | str | None) -> tuple[bytes, bytes]:
    """(`key`, `range_end`) of one key, of [key, end) or of a prefix. Raises ValueError where none is named, and for an
    empty end: it could mean no key or all of them."""
    if key is None and prefix is None:
        raise ValueError("name a key, key and end, or a prefix=")
    if end is not None and not end:
        raise ValueError("end is empty; name the first key that is not meant, or a prefix=")
    if key is not None and end is None and prefix is None:
        return as_bytes(key), b""
    return key_range(key, end, prefix)
