"""What a seed stands for in the protocol tier: a group, its bounds, and what befalls it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ostraka_server.paxos import PaxosConfig
from tests.simulation.faults import Fault
from tests.simulation.network import Conditions, draw_conditions
from tests.simulation.plan import Plan, draw_faults, draw_strikes
from tests.simulation.protocol.disk import Loss

LASTING = frozenset({Fault.LOSS, Fault.DELAY, Fault.REORDER, Fault.DUPLICATE, Fault.POWER_LOSS})
"""Conditions that hold for the whole run; the others strike."""

SUDDEN = frozenset({
    Fault.FLICKER, Fault.REPLAY, Fault.PARTITION, Fault.ASYMMETRIC, Fault.RING, Fault.CLOG,
    Fault.CRASH, Fault.CRASH_ALL, Fault.CRASH_AT_BOUNDARY, Fault.PAUSE, Fault.DRIFT, Fault.JUMP,
    Fault.SLOW_SYNC, Fault.TRANSFER, Fault.DECAY,
})  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolPlan(Plan):
    """A run of a group of `members` replicas."""

    config: PaxosConfig
    rough: Conditions
    """How the network treats messages, as far as `lasting` says."""
    loss: Loss
    """What a crash does to unsynced records, if `lasting` has `POWER_LOSS`."""
    sync_s: tuple[float, float]
    """A sync takes between these."""
    mark_entries: int
    """`decided_through` is written to the log once it has moved by so many."""
    decided_entries_max: int
    """Entries in one `Decided`."""
    commands_per_s: float
    reads_per_s: float

    @property
    def conditions(self) -> Conditions:
        """How every message is treated."""
        return self.rough.only(self.lasting)

    @property
    def crash_loss(self) -> Loss:
        """What becomes of unsynced records in a crash."""
        return self.loss if Fault.POWER_LOSS in self.lasting else Loss.NONE


def draw(seed: int, always: frozenset[Fault] = frozenset()) -> ProtocolPlan:
    """The plan of a seed: a random subset of the fault classes, and those of `always`."""
    random = Random(f"{seed} plan")
    faults = draw_faults(random, LASTING | SUDDEN, always)
    duration_s = random.uniform(20, 60)
    mean_interval_s = 0.5 * 16 ** random.random()
    return ProtocolPlan(
        seed=seed,
        members=random.choice((1, 3, 3, 3, 4, 5, 5)),
        duration_s=duration_s,
        lasting=faults & LASTING,
        strikes=draw_strikes(seed, faults & SUDDEN, mean_interval_s, duration_s),
        config=_config(random),
        rough=draw_conditions(random),
        loss=random.choice((Loss.TAIL, Loss.ANY)),
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
