"""A range of keys, read page by page as it is iterated, all of them as of one revision.

The first page is read as it was asked for, and tells the revision that it read. Every later one asks for that revision,
which any node can answer that has come so far: what is past does not change.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Final, Self

from ostraka._keys import after
from ostraka._results import key_values
from ostraka.clock import next_turn
from ostraka.errors import ServerFault, TooLarge
from ostraka.v1.common_pb2 import SERIALIZABLE
from ostraka.v1.kv_pb2 import BY_KEY, DESCENDING, RangeRequest, RangeResponse
from ostraka.values import KeyValue

PAGE_KEYS: Final = 2000
"""With values of 128 bytes some 7 ms of a node's event loop."""
TURNS_TO_SEND: Final = 3
"""Turns of the loop from a call to its frame: its task begins, the writer wakes, the transport sends."""


class Scan(AsyncIterator[KeyValue]):
    """What `range` gives: iterate it for the keys, or call `page` for many at a time. Not for two tasks at once.

    It may be left at any point: nodes keep nothing for it."""

    def __init__(
        self,
        read: Callable[[RangeRequest], Coroutine[Any, Any, RangeResponse]],
        request: RangeRequest,
        limit: int | None,
        page_size: int = PAGE_KEYS,
    ) -> None:
        """`read` makes one call; `request` names the range, and is this scan's own from now on."""
        self._read = read
        self._request = request
        self._request.without_count = True
        self._left: float = math.inf if limit is None else limit
        self._page_size = page_size
        self._more = True
        self._ahead: asyncio.Task[RangeResponse] | None = None
        self._here: RangeResponse | None = None  # passed, and not given yet: whoever waited for it was cancelled
        self._unread: deque[KeyValue] = deque()
        self.revision = 0
        """The revision as of which all keys are given; 0 before the first page."""

    @property
    def ended(self) -> bool:
        """Whether the last page was read."""
        return not self._more or self._left <= 0

    async def page(self) -> list[KeyValue]:
        """The next keys, as many as one answer holds; none once `ended`. Raises as a get does; may then be repeated, as
        when it was cancelled."""
        if self._here is None:
            if self.ended:
                return []
            first = self.revision == 0
            answer = await self._next()
            self._pass(answer)
            self._here = answer
            if not first and not self.ended:  # who wanted a second page will want the one after
                self._ahead = asyncio.create_task(self._ask())
                self._ahead.add_done_callback(_look_at)
                for _ in range(TURNS_TO_SEND):  # so that the node reads it while these keys are dealt with
                    await next_turn()
        here, self._here = self._here, None
        return key_values(here.kvs)

    async def _next(self) -> RangeResponse:
        """The next page: the one that was asked for ahead, if any."""
        ahead, self._ahead = self._ahead, None
        return await (self._ask() if ahead is None else ahead)

    async def _ask(self) -> RangeResponse:
        if self._request.sort_target == BY_KEY:
            self._request.limit = int(min(self._left, self._page_size))
        elif self._left < math.inf:
            self._request.limit = int(self._left)
        return await self._read(self._request)

    def _pass(self, answer: RangeResponse) -> None:
        """Have the request ask for what follows on `answer`."""
        request = self._request
        self._more = answer.more
        self._left -= len(answer.kvs)
        if answer.more and not answer.kvs:
            raise ServerFault("a page of a range holds no keys, yet announces more")
        self.revision = answer.read_revision
        if self.ended:
            return
        if request.sort_target != BY_KEY:
            raise TooLarge(
                "the keys do not fit one answer, and only the order of keys can be read in pages: set a limit="
            )
        if request.sort_order == DESCENDING:
            request.range_end = answer.kvs[-1].key
        else:
            request.key = after(answer.kvs[-1].key)
        request.strength = SERIALIZABLE
        request.revision = self.revision
        request.max_staleness_ms = request.min_revision = request.at_unix_ms = 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> KeyValue:
        while not self._unread:
            if self.ended:
                raise StopAsyncIteration
            self._unread.extend(await self.page())
        return self._unread.popleft()


def _look_at(ahead: asyncio.Task[RangeResponse]) -> None:
    """Of a scan that was left, nobody else asks what came of its last page."""
    if not ahead.cancelled():
        ahead.exception()
