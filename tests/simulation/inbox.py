"""What reaches a process, at once or, while it is paused, when it wakes up."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random


class Inbox:
    """Keeps the order within each connection, and of different ones none."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._held: dict[str, deque[Callable[[], object]]] | None = None

    @property
    def paused(self) -> bool:
        """Whether calls are held back."""
        return self._held is not None

    def put(self, connection: str, call: Callable[[], object]) -> None:
        """Call now, or once `resume` was called."""
        if self._held is None:
            call()
        else:
            self._held.setdefault(connection, deque()).append(call)

    def pause(self) -> None:
        """From now on, hold everything back."""
        if self._held is None:
            self._held = {}

    def resume(self) -> None:
        """Make up for it as an event loop does after a stall: some of one connection, some of another."""
        held, self._held = self._held or {}, None
        while held:
            connection = self._random.choice(list(held))
            calls = held[connection]
            for _ in range(self._random.randint(1, len(calls))):
                calls.popleft()()
            if not calls:
                del held[connection]
