"""Random histories, as a machine hands them to its store."""

from __future__ import annotations

from random import Random

from ostraka_server.machine import Delta, MachineState, PastRow, Row

LEAP = 10_000


def some_delta(slot: int) -> Delta:
    """Of a machine that has nothing yet, with rows, past and a record."""
    history = History(Random(slot))
    history.slot = slot - 1
    return history.delta(40)


class History:
    """Of `keys`, with values of any of `sizes`. Revisions leap now and then."""

    def __init__(self, random: Random, *, keys: int = 12, sizes: tuple[int, ...] = (5,)) -> None:
        self.random = random
        self.keys = [b"key %03d" % number for number in range(keys)]
        self.rows: dict[bytes, Row] = {}
        self.revisions = [1]
        """All that there were."""
        self.slot = 0
        self._sizes = sizes

    @property
    def revision(self) -> int:
        return self.revisions[-1]

    def delta(self, changes: int = 8) -> Delta:
        """Of the next slot: so many puts and deletes, and a record."""
        changed: dict[bytes, Row | None] = {}
        past: list[PastRow] = []
        for key in self.random.choices(self.keys, k=changes):
            self.revisions.append(self.revision + self.random.choice((1, 1, 2, LEAP)))
            if (before := self.rows.pop(key, None)) is not None:
                past.append(PastRow(*before, self.revision))
            if before is None or self.random.random() < 0.7:
                self.rows[key] = self._row(key, before)
            changed[key] = self.rows.get(key)
        self.slot += 1
        name = b"record %d" % self.random.randrange(4)
        records = {name: self.random.choice((None, b"", self.random.randbytes(9)))}
        return Delta(changed, past, records, MachineState(self.slot, self.revision, self.random.randbytes(16)))

    def _row(self, key: bytes, before: Row | None) -> Row:
        value = self.random.randbytes(self.random.choice(self._sizes))
        if before is None:
            return Row(key, value, self.revision, self.revision, 1)
        return Row(key, value, before.create_revision, self.revision, before.version + 1)
