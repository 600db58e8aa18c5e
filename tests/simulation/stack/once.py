"""Which of the decided commands take effect, as naively as possible: of copies of a write only the first does."""

from __future__ import annotations

from ostraka.v1.exchange_pb2 import Command


class Once:
    """To be shown every command in its order."""

    def __init__(self) -> None:
        self._answered_below: dict[int, int] = {}  # of each client that is registered
        self._done: set[tuple[int, int]] = set()

    def takes_effect(self, command: Command) -> bool:
        """Whether it changes keys. Simulated clients are too few, and ask for too little, to be forgotten."""
        match command.WhichOneof("request"):
            case "register":
                self._answered_below[command.register.client] = 1
                return False
            case "close":
                self._answered_below.pop(command.close.client, None)
                return False
        return command.client == 0 or self._is_first(command)

    def _is_first(self, command: Command) -> bool:
        client, sequence = command.client, command.sequence
        if client not in self._answered_below:
            return False
        below = self._answered_below[client] = max(self._answered_below[client], command.answered_below)
        if sequence < below or (client, sequence) in self._done:
            return False
        self._done.add((client, sequence))
        return True
