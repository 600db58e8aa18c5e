"""Range ends as etcd writes them, to the half-open ranges that everything below uses."""

from __future__ import annotations

FROM_KEY_ON = b"\0"
"""As a range end: every key from the start on."""


def span(key: bytes, range_end: bytes) -> tuple[bytes, bytes | None]:
    """`[start, end)` of a request; `end` None means no end. An empty `range_end` means the one key."""
    if not range_end:
        return key, key + b"\0"  # nothing lies between a key and itself with a zero byte
    return key, None if range_end == FROM_KEY_ON else range_end
