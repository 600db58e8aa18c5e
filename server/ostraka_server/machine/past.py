"""The rows of a revision that is gone by."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

from ostraka_server.machine.base import Row
from ostraka_server.machine.layers import Layers


class Past:
    """`Rows` as of `revision`: not above the present one, nor below what is compacted."""

    def __init__(self, layers: Layers, revision: int) -> None:
        self._layers = layers
        self._revision = revision

    def get(self, key: bytes) -> Row | None:
        return self._layers.get_at(key, self._revision)

    def scan(
        self, start: bytes, end: bytes | None, *, values: bool, descending: bool = False
    ) -> AbstractContextManager[Iterator[Row]]:
        return self._layers.scan(start, end, values=values, descending=descending, revision=self._revision)

    def count(self, start: bytes, end: bytes | None) -> int:
        return self._layers.count(start, end, self._revision)

    def milestone(self, start: bytes, end: bytes | None, keys: int) -> bytes | None:
        return self._layers.milestone(start, end, keys)
