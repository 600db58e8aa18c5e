"""The files that the log needs, and nothing more: `posix.py` has the real ones, `memory.py` a twin that fails.

All calls block. Nothing here is called concurrently. Every failure is an OSError.
"""

from __future__ import annotations

from typing import Protocol


class File(Protocol):
    """An open file: bytes at offsets. What is written is read back at once, but survives a crash only once synced."""

    def read(self, offset: int, length: int) -> bytes:
        """The bytes of [offset, offset + length), fewer where the file ends before."""

    def write(self, offset: int, data: bytes) -> None:
        """Replace [offset, offset + len(data)). Before a sync a crash keeps any subset of the sectors written."""

    def sync(self) -> None:
        """Return once every earlier write survives a crash (fdatasync).

        When it raises, what was written since the last sync may be lost although it still reads back, and a second
        sync would return without having saved it.
        """

    def close(self) -> None:
        """Let go of the file. Does not sync."""


class Directory(Protocol):
    """One flat directory. Names appear and vanish durably only once `sync` has returned."""

    def list(self) -> list[str]:
        """The names of all files, sorted."""

    def create(self, name: str, size: int) -> File:
        """A new file of `size` zero bytes whose space is reserved. Raises FileExistsError."""

    def open(self, name: str) -> File:
        """An existing file. Raises FileNotFoundError."""

    def rename(self, old: str, new: str) -> None:
        """Give a file another name; a file that had it is gone. A crash leaves one name or the other."""

    def remove(self, name: str) -> None:
        """Delete a file. Raises FileNotFoundError."""

    def sync(self) -> None:
        """Return once every earlier create, rename and remove survives a crash."""
