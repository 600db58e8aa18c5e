"""What reaches a process, at once or, while it is paused, when it wakes up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from random import Random


class Inbox:
    """Keeps the order within each connection, and of different ones none."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._held: dict[Hashable, deque[Callable[[], object]]] = {}
        self.paused = False
        """Whether calls are held back. Only then need they come here."""

    def put(self, connection: Hashable, call: Callable[[], object]) -> None:
        """Call now, or once `resume` was called."""
        if self.paused:
            self._held.setdefault(connection, deque()).append(call)
        else:
            call()

    def pause(self) -> None:
        """From now on, hold everything back."""
        self.paused = True

    def resume(self) -> None:
        """Make up for it as an event loop does after a stall: some of one connection, some of another."""
        self.paused = False
        held, self._held = self._held, {}
        while held:
            connection = self._random.choice(list(held))
            calls = held[connection]
            for _ in range(self._random.randint(1, len(calls))):
                calls.popleft()()
            if not calls:
                del held[connection]
