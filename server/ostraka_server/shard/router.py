"""From a key to its group, by the layout that this node knows. Pure decisions, nothing awaited."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from ostraka_server.shard.group import Group
from ostraka_server.shard.layout import FIRST_LAYOUT, LAYOUT_KEY, SYSTEM_GROUP, Layout, Shard
from ostraka_server.store import DamagedStore


class Router:
    """Follows the system group's machine: a layout counts once it is applied here."""

    def __init__(self, groups: Mapping[int, Group]) -> None:
        self.groups = groups
        self._system = groups[SYSTEM_GROUP]
        self._revision = 0
        self._layout = FIRST_LAYOUT

    @property
    def layout(self) -> Layout:
        """The latest layout that is applied here."""
        revision = self._system.machine.revision
        if revision != self._revision and not self._system.lost:
            with suppress(DamagedStore):  # the system group is told, and the layout known here holds until it recovers
                row = self._system.get(LAYOUT_KEY)
                self._revision = revision
                if row is not None:
                    self._layout = Layout.decode(row.value)
        return self._layout

    def group_of(self, key: bytes) -> Group:
        """The group whose shard holds `key`."""
        return self.groups[self.layout.shard_of(key).group]

    def data_group(self, shard: int) -> Group | None:
        """The group that serves a shard which clients may name, 0 being the only one; None where there is no such."""
        shards = self.layout.shards
        if shard == 0:
            return self.groups[shards[0].group] if len(shards) == 1 else None
        found = self.shard(shard)
        return None if found is None else self.groups[found.group]

    def group_of_shard(self, shard: int) -> Group | None:
        """The group that serves a shard, by the shard's number; the system group for 0."""
        if shard == self._system.shard:
            return self._system
        found = self.shard(shard)
        return None if found is None else self.groups[found.group]

    def shard(self, number: int) -> Shard | None:
        """A shard of the layout, by its number."""
        return next((each for each in self.layout.shards if each.shard == number), None)
