"""A synchronous client's way into the loop thread.

Rules:
1. Any number of threads may be inside at once. What they submit in the same turn of the loop is sent in one frame.
2. Every call ends, and so does the wait for it, as the asyncio client promises; nothing here adds a time of its own.
3. A call that is waited for no longer (KeyboardInterrupt) is cancelled, and so withdrawn from its node.
4. After `close`, and in a process forked after the first call of any client, calls raise ClientClosed; on the loop
   thread, where they would wait for themselves, RuntimeError.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from ostraka import _loop_thread
from ostraka._loop_thread import Call, LoopThread
from ostraka.errors import ClientClosed

Result = TypeVar("Result")


class Portal:
    """For one client; enters the loop thread with the first call."""

    def __init__(self, close_client: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """`close_client` ends every call of the client; it is run on the loop, once, unless there never was a call."""
        self._close_client = close_client
        self._lock = threading.RLock()  # a finalizer or signal handler may come upon its own thread within
        self._thread: LoopThread | None = None
        self._closed = False

    def run(self, coroutine: Coroutine[Any, Any, Result]) -> Result:
        """Run a coroutine on the loop, wait for it, and give or raise what comes of it."""
        call, thread = Call(coroutine), None
        try:
            if _loop_thread.lost_by_fork:  # first of all: the lock may be lost as well
                why = "gRPC cannot work in a process forked after the first call; fork before it, or spawn"
                raise ClientClosed(why)
            with self._lock:  # so that nothing is submitted after the farewell
                thread = self._entered()
                thread.submit(call)
            call.wait()
        except BaseException:
            if thread is None:
                coroutine.close()
            else:
                thread.withdraw(call)
            raise
        return call.result()

    def close(self) -> None:
        """Close the client and leave the thread, which ends with its last client. Harmless when repeated."""
        farewell, thread = self.abandon(), self._thread
        if farewell is not None and thread is not None and not thread.current:
            farewell.wait()
            thread.join()
            farewell.result()

    def abandon(self) -> Call[None] | None:
        """Begin to close, without waiting: all that a finalizer may do. None where there is nothing to close."""
        if _loop_thread.lost_by_fork:
            return None
        with self._lock:
            thread, was_closed = self._thread, self._closed
            self._closed = True
            if was_closed or thread is None:
                return None
            farewell = Call(self._leave(thread))
            thread.submit(farewell)
            return farewell

    def _entered(self) -> LoopThread:
        """The thread to which a call may be submitted. Raises by rule 4."""
        if self._closed:
            raise ClientClosed("close() was called")
        if self._thread is None:
            self._thread = _loop_thread.enter(self)
        if self._thread.current:
            raise RuntimeError("a call on the client's own loop thread would wait for itself for ever")
        return self._thread

    async def _leave(self, thread: LoopThread) -> None:
        try:
            await self._close_client()
        finally:
            thread.leave(self)
