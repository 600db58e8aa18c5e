"""What a seed stands for: a cluster, its bounds, and a random subset of the fault classes (swarm testing).

All faults in every run would hide those bugs that only a few of them, undisturbed, bring out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from random import Random

from ostraka_server.paxos import PaxosConfig
from tests.simulation.disk import Loss
from tests.simulation.network import USUAL_DELAY_S, Conditions


class Fault(Enum):
    """The fault classes; each counts in the trace under its value whenever it fires."""

    LOSS = "loss"
    DELAY = "delay"
    REORDER = "reorder"
    DUPLICATE = "duplicate"
    REPLAY = "replay"
    PARTITION = "partition"
    ASYMMETRIC = "asymmetric partition"
    RING = "ring partition"
    CLOG = "clog"
    CRASH = "crash"
    CRASH_ALL = "crash of all"
    CRASH_AT_BOUNDARY = "crash at a boundary"
    PAUSE = "pause"
    DRIFT = "clock drift"
    JUMP = "clock jump"
    SLOW_SYNC = "slow sync"
    POWER_LOSS = "power loss"
    TRANSFER = "transfer"
    DECAY = "decay"


SUDDEN = (
    Fault.REPLAY, Fault.PARTITION, Fault.ASYMMETRIC, Fault.RING, Fault.CLOG, Fault.CRASH, Fault.CRASH_ALL,
    Fault.CRASH_AT_BOUNDARY, Fault.PAUSE, Fault.DRIFT, Fault.JUMP, Fault.SLOW_SYNC, Fault.TRANSFER, Fault.DECAY,
)  # fmt: skip
"""Those that happen at moments of their own; the others are conditions that last for the whole run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run, before it starts. Times in virtual seconds."""

    seed: int
    members: int
    faults: frozenset[Fault]
    duration_s: float
    """How long faults last; then all are healed and liveness is checked."""
    fault_interval_s: float
    """Mean time between two events of one sudden fault class."""
    config: PaxosConfig
    conditions: Conditions
    loss: Loss
    """What a crash does to unsynced records."""
    sync_s: tuple[float, float]
    """A sync takes between these."""
    mark_entries: int
    """`decided_through` is written to the log once it has moved by so many."""
    decided_entries_max: int
    """Entries in one `Decided`."""
    commands_per_s: float
    reads_per_s: float


def draw(seed: int, always: frozenset[Fault] = frozenset()) -> Plan:
    """The plan of a seed: a random subset of the fault classes, and those of `always`."""
    random = Random(f"{seed} plan")
    others = [fault for fault in Fault if fault is not Fault.DECAY]
    faults = always | set(random.sample(others, random.choice((1, 2, 3, 5, 8))))
    if Random(f"{seed} decay").random() < 0.3:  # drawn apart, so that the seeds stored before it keep their plans
        faults |= {Fault.DECAY}
    return Plan(
        seed=seed,
        members=random.choice((1, 3, 3, 3, 4, 5, 5)),
        faults=faults,
        duration_s=random.uniform(20, 60),
        fault_interval_s=0.5 * 16 ** random.random(),
        config=_config(random),
        conditions=_conditions(random, faults),
        loss=random.choice((Loss.TAIL, Loss.ANY)) if Fault.POWER_LOSS in faults else Loss.NONE,
        sync_s=(0.0001, random.choice((0.0005, 0.005, 0.02))),
        mark_entries=random.choice((1, 10, 100, 1000)),
        decided_entries_max=random.choice((1, 8, 64)),
        commands_per_s=random.uniform(5, 15),
        reads_per_s=random.uniform(1, 8),
    )


def _config(random: Random) -> PaxosConfig:
    """Bounds small enough to be met."""
    election_timeout_s = random.uniform(0.3, 1.0)
    return PaxosConfig(
        heartbeat_s=election_timeout_s / random.uniform(2.5, 6),
        election_timeout_s=election_timeout_s,
        window_entries=random.choice((1, 4, 64)),
        window_bytes=random.choice((64, 8 << 20)),
        resend_bytes=random.choice((64, 1 << 20)),
        election_lag_entries=random.choice((1, 20, 10_000)),
    )


def _conditions(random: Random, faults: frozenset[Fault]) -> Conditions:
    def when(fault: Fault, highest: float) -> float:
        return random.uniform(highest / 10, highest) if fault in faults else 0.0

    return Conditions(
        delay_s=(USUAL_DELAY_S[0], USUAL_DELAY_S[1] + when(Fault.DELAY, 0.15)),
        loss=when(Fault.LOSS, 0.3),
        duplicate=when(Fault.DUPLICATE, 0.3),
        straggle=when(Fault.REORDER, 0.3),
        straggle_s=random.choice((0.1, 1.0, 5.0)),
    )
