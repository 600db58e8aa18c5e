"""P10 and what clients were told: an acknowledged command stands, and a read sees all that came before it."""

from __future__ import annotations

from tests.simulation.agreement import Agreement
from tests.simulation.violation import Violation


class History:
    """The witness order is the slot order: a read belongs behind the slot that it has seen."""

    def __init__(self, agreement: Agreement) -> None:
        self.acknowledged = 0
        self.read = 0
        self.floor = 0
        """The highest slot that any client has seen: an operation that begins now must not see less."""
        self._agreement = agreement

    def wrote(self, slot: int, payload: bytes) -> None:
        """A client was told that its command took effect at `slot`."""
        if not self._agreement.is_chosen(slot, payload):
            raise Violation("P4", f"{payload!r} acknowledged at slot {slot}, chosen {self._agreement.chosen.get(slot)}")
        self.acknowledged += 1
        self.floor = max(self.floor, slot)

    def answered(self, floor: int, read_point: int, applied: int) -> None:
        """A read that began at `floor` was confirmed for `read_point` and answered from the state at `applied`."""
        if read_point < floor:
            raise Violation("P10", f"read confirmed at {read_point}; when it began, {floor} had been seen")
        if applied < read_point:
            raise Violation("P10", f"read confirmed at {read_point} answered from the state at {applied}")
        self.read += 1
        self.floor = max(self.floor, applied)
