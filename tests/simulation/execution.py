"""P6 and P8: every replica applies the chosen prefix, the same one, and none believes more decided than is chosen."""

from __future__ import annotations

import hashlib

from tests.simulation.agreement import Agreement
from tests.simulation.violation import Violation

EMPTY_DIGEST = b""
"""The state before slot 1."""


def next_digest(digest: bytes, payload: bytes) -> bytes:
    """The state that applying `payload` makes of the state `digest`: a machine as small as can be."""
    return hashlib.blake2b(digest + payload, digest_size=8).digest()


class Execution:
    """Knows what the state after each chosen slot has to be."""

    def __init__(self, agreement: Agreement) -> None:
        self._agreement = agreement
        self._digests = [EMPTY_DIGEST]
        self._applied: dict[int, int] = {}

    def restarted(self, replica: int, applied: int, digest: bytes) -> None:
        """The replica rebuilt its state through slot `applied` from what is durable."""
        self._applied[replica] = applied
        self._check(replica, applied, digest)

    def applied(self, replica: int, slot: int, digest: bytes) -> None:
        """The replica applied `slot`, which made its state `digest`."""
        if slot != self._applied[replica] + 1:
            raise Violation("P6", f"replica {replica} applied slot {slot} after {self._applied[replica]}")
        self._applied[replica] = slot
        self._check(replica, slot, digest)

    def believed(self, replica: int, decided_through: int) -> None:
        """The replica takes every slot through `decided_through` for decided."""
        if decided_through > self._agreement.chosen_through:
            raise Violation(
                "P8",
                f"replica {replica} believes slots through {decided_through} decided, "
                f"chosen are those through {self._agreement.chosen_through}",
            )

    def learned(self, replica: int, slot: int, payload: bytes) -> None:
        """The replica takes over, without a vote of its own, what others say was decided."""
        if not self._agreement.is_chosen(slot, payload):
            raise Violation(
                "P8",
                f"replica {replica} learned {payload!r} for slot {slot}, chosen {self._agreement.chosen.get(slot)}",
            )

    def _check(self, replica: int, slot: int, digest: bytes) -> None:
        self.believed(replica, slot)
        while len(self._digests) <= slot:
            choice = self._agreement.chosen[len(self._digests)]
            self._digests.append(next_digest(self._digests[-1], choice.payload))
        if digest != self._digests[slot]:
            chosen = self._agreement.chosen.get(slot)
            raise Violation(
                "P6", f"replica {replica} at slot {slot}: not the state that the chosen prefix makes, {chosen}"
            )
