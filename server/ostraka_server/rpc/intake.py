"""The share of a turn of the event loop that clients' calls may have.

All that is ready runs in one turn: every stream's next frame, heartbeats, the driver. Without a share, hundreds of
streams that flood would make a turn so long that other nodes take this one for dead.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Intake:
    """Lets calls in, so many a turn; the frame that exceeds the share is the turn's last. First come, first served."""

    def __init__(self, calls_per_turn: int) -> None:
        self._calls_per_turn = calls_per_turn
        self._left = calls_per_turn
        self._next_turn_is_due = False
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    async def enter(self, calls: int) -> None:
        """Return as soon as so many calls may be taken; the caller then takes them without awaiting anything."""
        self._expect_next_turn()
        if self._left > 0 and not self._waiting:
            self._left -= calls
        else:
            entered: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((calls, entered))
            await entered

    def _expect_next_turn(self) -> None:
        if not self._next_turn_is_due:
            self._next_turn_is_due = True
            asyncio.get_running_loop().call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self._left, self._next_turn_is_due = self._calls_per_turn, False
        while self._waiting and self._left > 0:
            calls, entered = self._waiting.popleft()
            if not entered.done():  # else its stream has ended
                self._left -= calls
                entered.set_result(None)
        if self._waiting:
            self._expect_next_turn()
