"""A range of keys, read page by page as it is iterated.

Between two pages nothing is open, here or on a node, so that an iteration may be left at any point.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Self

from ostraka._keys import after
from ostraka.errors import ServerFault
from ostraka.v1.common_pb2 import KeyValue as WireKeyValue
from ostraka.v1.kv_pb2 import RangeRequest, RangeResponse
from ostraka.values import KeyValue

PAGE_KEYS: Final = 1000


class Scan(AsyncIterator[KeyValue]):
    """What `range` gives: iterate it for the keys, or call `page` for many at a time. Not for two tasks at once."""

    def __init__(
        self, read: Callable[[RangeRequest], Awaitable[RangeResponse]], request: RangeRequest, limit: int | None
    ) -> None:
        """`read` makes one call; `request` names the range, and is this scan's own from now on."""
        self._read = read
        self._request = request
        self._left: float = math.inf if limit is None else limit
        self._more = True
        self._unread: deque[KeyValue] = deque()

    @property
    def ended(self) -> bool:
        """Whether the last page was read."""
        return not self._more or self._left <= 0

    async def page(self) -> list[KeyValue]:
        """The next keys, as many as one answer holds; none once `ended`. Raises as a get does; may then be repeated."""
        if self.ended:
            return []
        self._request.limit = int(min(self._left, PAGE_KEYS))
        answer = await self._read(self._request)
        if answer.more and not answer.kvs:
            raise ServerFault("a page of a range holds no keys, yet announces more")
        self._more = answer.more
        self._left -= len(answer.kvs)
        if answer.more:
            self._request.key = after(answer.kvs[-1].key)
        return [key_value(kv) for kv in answer.kvs]

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> KeyValue:
        while not self._unread:
            if self.ended:
                raise StopAsyncIteration
            self._unread.extend(await self.page())
        return self._unread.popleft()


def key_value(kv: WireKeyValue) -> KeyValue:
    """From the wire."""
    return KeyValue(kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version)
