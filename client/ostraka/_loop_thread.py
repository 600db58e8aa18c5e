"""The event loop in the background that all synchronous clients of a process share.

One for all, not one per client: grpc.aio has a single poller per process, and it wakes every loop that it ever met for
every event. With several loops each event costs a turn of as many threads, all but one of which log a BlockingIOError
(grpc/grpc#25364), and a loop that has ended stays referenced until the last one has.

The thread runs from the first call of the first client until the last client has closed. It is a daemon, and clients
that were forgotten are closed by an exit handler: the interpreter waits for other threads *before* it runs those, so
that a forgotten client would keep the program from ending.

A process that was forked after the first call can make none (`lost_by_fork`): gRPC has lost its own threads there, and
hangs, crashes, and even disturbs the parent, with which it shares an epoll instance. That holds after all clients were
closed, too, since garbage may keep gRPC alive.
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, Generic, Protocol, TypeVar

from ostraka.clock import BootClock

Result = TypeVar("Result")

THREAD_NAME: Final = "ostraka-client"
REST_SECONDS_MAX: Final = 1.0


class User(Protocol):
    """Who keeps the thread running."""

    def close(self) -> None:
        """Leave it. Called at interpreter exit."""


class Call(Generic[Result]):
    """A coroutine that runs on the loop, and the thread that waits for it."""

    def __init__(self, coroutine: Coroutine[Any, Any, Result]) -> None:
        self._coroutine = coroutine
        self._task: asyncio.Task[Result] | None = None
        self._running = threading.Lock()  # held until the end: a Future would cost half of the way there and back again
        self._running.acquire()

    def wait(self) -> None:
        """Return once it has ended. To be called once."""
        self._running.acquire()

    def result(self) -> Result:
        """What came of it, given or raised. To be called once, after the end."""
        assert self._task is not None
        try:
            return self._task.result()
        finally:
            self._task = None  # else the exception, its traceback and the frame of this call keep each other alive

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Run. On the loop."""
        self._task = loop.create_task(self._coroutine)
        self._task.add_done_callback(self._end)

    def cancel(self) -> None:
        """Nobody waits any longer: end soon, or do not begin. On the loop."""
        if self._task is None:
            self._coroutine.close()
        else:
            self._task.cancel()

    def _end(self, task: asyncio.Task[Result]) -> None:
        if not task.cancelled():
            task.exception()  # has been seen, also where nobody waits any longer
        self._running.release()


class LoopThread:
    """A thread that runs an event loop, from when it is made until its last user has left."""

    def __init__(self) -> None:
        self.users: set[User] = set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._main, name=THREAD_NAME, daemon=True)
        try:
            self._thread.start()
        except RuntimeError:  # too many threads, or the interpreter ends
            self._loop.close()
            raise

    @property
    def current(self) -> bool:
        """Whether this very code runs in it."""
        return threading.current_thread() is self._thread

    def submit(self, call: Call[Any]) -> None:
        """Run a call. From any thread, also within a finalizer or signal handler."""
        self._loop.call_soon_threadsafe(call.begin, self._loop)

    def withdraw(self, call: Call[Any]) -> None:
        """Cancel a call whose thread waits no longer. It may have ended, and the loop with it."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(call.cancel)

    def leave(self, user: User) -> None:
        """End the thread if this was its last user. On the loop."""
        global _shared
        with _lock:
            self.users.discard(user)
            if not self.users:
                self._stop.set()
                if _shared is self:
                    _shared = None

    def join(self) -> None:
        """Wait for the end, if the last user has left."""
        if not self.users:
            self._thread.join()

    def _main(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._until_left())

    async def _until_left(self) -> None:
        """Then let what is left come to its end: calls that have their answer but not had their turn, and tasks of
        gRPC, which would otherwise hand their last events to a closed loop, and log that."""
        await self._stop.wait()
        rest = asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)
        clock = BootClock()
        enough = clock.call_at(clock.now() + REST_SECONDS_MAX, rest.cancel)
        with suppress(asyncio.CancelledError):
            await rest
        enough.cancel()


_lock = threading.RLock()  # a finalizer or signal handler may come upon its own thread within
_shared: LoopThread | None = None
_was_used = False
lost_by_fork = False


def enter(user: User) -> LoopThread:
    """The thread that runs until `user`, and all others, have left."""
    global _shared, _was_used
    with _lock:
        if _shared is None:
            _was_used = True
            _shared = LoopThread()
        _shared.users.add(user)
        return _shared


def _close_all() -> None:
    for user in [] if _shared is None else list(_shared.users):
        user.close()


def _after_fork_in_child() -> None:
    global _lock, _shared, lost_by_fork
    lost_by_fork = _was_used or not _lock.acquire(blocking=False)  # else about to be used, by a thread of the parent
    _lock, _shared = threading.RLock(), None


atexit.register(_close_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
