"""What a model must tell so that the decided order can be replayed through it."""

from __future__ import annotations

from typing import Protocol, TypeVar

Request = TypeVar("Request", contravariant=True)
Answer = TypeVar("Answer")


class Model(Protocol[Request, Answer]):
    """A store that keeps every state it was in: state i is the one after i commands."""

    def is_read(self, request: Request, /) -> bool:
        """Whether the request changes nothing, and so has no place in the decided order."""

    def apply(self, command: Request, /) -> Answer:
        """Execute the next command."""

    def read(self, request: Request, index: int, /) -> Answer:
        """What state `index` answers."""

    def since(self, request: Request, answer: Answer | None, /) -> int:
        """A state before which surely none gives this answer, so that the search for one can begin there."""
