"""What is carried out of a drawn plan: with the seed, all that it takes to run a shrunk plan again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.simulation.faults import Fault
from tests.simulation.plan import Plan
from tests.simulation.tier import PlanT

NONE = "none"
"""How an empty `keep` is written."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """None, or an empty `without`, where nothing is taken away."""

    keep: frozenset[int] | None = None
    """Numbers of the strikes that are left."""
    without: frozenset[Fault] = frozenset()
    """Lasting faults that are not."""
    seconds: float | None = None
    members: int | None = None
    load: float | None = None

    @classmethod
    def between(cls, drawn: Plan, left: Plan) -> Excerpt:
        """What makes `left` of `drawn`."""
        return cls(
            keep=frozenset(strike.number for strike in left.strikes) if left.strikes != drawn.strikes else None,
            without=drawn.lasting - left.lasting,
            seconds=left.duration_s if left.duration_s != drawn.duration_s else None,
            members=left.members if left.members != drawn.members else None,
            load=left.load if left.load != drawn.load else None,
        )

    def of(self, drawn: PlanT) -> PlanT:
        """The drawn plan without what is taken away."""
        return replace(
            drawn,
            strikes=tuple(strike for strike in drawn.strikes if self.keep is None or strike.number in self.keep),
            lasting=drawn.lasting - self.without,
            duration_s=drawn.duration_s if self.seconds is None else self.seconds,
            members=drawn.members if self.members is None else self.members,
            load=drawn.load if self.load is None else self.load,
        )

    def __str__(self) -> str:
        """As variables of `make sim`, or nothing."""
        return " ".join(self._variables())

    def _variables(self) -> Iterator[str]:
        if self.keep is not None:
            yield f"KEEP={','.join(map(str, sorted(self.keep))) or NONE}"
        if self.without:
            yield f"WITHOUT={','.join(sorted(self.without))}"
        for name, value in (("SECONDS", self.seconds), ("MEMBERS", self.members), ("LOAD", self.load)):
            if value is not None:
                yield f"{name}={value}"


def parse_keep(text: str) -> frozenset[int]:
    """Of `3,9` or `none`. Raises ValueError."""
    return frozenset() if text == NONE else frozenset(map(int, text.split(",")))


def parse_without(text: str) -> frozenset[Fault]:
    """Of `loss,delay`. Raises ValueError."""
    return frozenset(Fault(name) for name in text.split(","))
