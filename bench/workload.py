"""What a load consists of."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

Operation = Literal["put", "get", "delete", "range"]
OPERATIONS: tuple[Operation, ...] = ("put", "get", "delete", "range")


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A share of every operation, on random keys, for some time."""

    mix: dict[Operation, float]  # relative weights, each above 0
    callers: int = 100  # calls in flight at most
    processes: int = 1  # that the callers are divided among
    rate_per_s: float = 0.0  # calls that fall due in an open loop; 0: closed loop, a caller's next after its last
    arrivals: Literal["poisson", "fixed"] = "poisson"  # of an open loop
    seconds: float = 10.0  # measured: what fell due in this time counts
    warm_up_seconds: float = 1.0  # load before that, which does not count
    timeout_s: float = 5.0  # of a call
    value_bytes: tuple[int, int] = (128, 128)  # least and most, uniform between
    keys: int = 10_000
    zipfian: float = 0.0  # exponent of the keys' popularity; 0: uniform
    range_keys: int = 100  # that a range reads
    seed: int = 0

    def share(self, process: int) -> Workload:
        """What this process (from 0 on) does of it."""
        callers = (self.callers + process) // self.processes
        return dataclasses.replace(self, callers=callers, rate_per_s=self.rate_per_s / self.processes)

    @property
    def reads(self) -> bool:
        """Whether it asks for what must be there first."""
        return not {"get", "range"}.isdisjoint(self.mix)

    def describe(self) -> str:
        """On one line, for people."""
        total = sum(self.mix.values())
        mix = ", ".join(f"{operation} {100 * weight / total:.3g} %" for operation, weight in self.mix.items())
        loop = f"{self.rate_per_s:,g} calls/s ({self.arrivals})" if self.rate_per_s else "closed loop"
        least, most = self.value_bytes
        size = f"{least:,}" if least == most else f"{least:,}-{most:,}"
        popularity = f"zipfian {self.zipfian:g}" if self.zipfian else "uniform"
        processes = f" in {self.processes} processes" if self.processes > 1 else ""
        return (
            f"{mix}; {loop}, {self.callers:,} callers{processes}; {self.keys:,} keys, {popularity}; {size}-byte values"
        )
