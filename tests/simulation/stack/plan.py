"""What a seed stands for in the whole-cluster tier: nodes with their settings, clients, and what befalls them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from ostraka_server.config import Limits, Log, Paxos, Store
from tests.simulation.faults import Fault
from tests.simulation.network import Conditions, draw_conditions
from tests.simulation.plan import Plan, draw_faults, draw_strikes

KiB = 1024

LASTING = frozenset({
    Fault.LOSS, Fault.DELAY, Fault.REORDER, Fault.DUPLICATE, Fault.BANDWIDTH, Fault.POWER_LOSS, Fault.SHORT_LOG,
    Fault.TINY_LIMITS, Fault.SLUGGISH, Fault.FEW_HEAR,
})  # fmt: skip
"""Conditions that hold for the whole run; the others strike."""

SUDDEN = frozenset({
    Fault.REPLAY, Fault.PARTITION, Fault.ASYMMETRIC, Fault.RING, Fault.FLICKER, Fault.CLOG,
    Fault.CRASH, Fault.CRASH_ALL, Fault.CRASH_AT_BOUNDARY, Fault.PAUSE, Fault.SLOW_NODE,
    Fault.DECAY, Fault.STORE_DECAY, Fault.STRAY_WRITE, Fault.TRUNCATION, Fault.TORN_WRITE, Fault.IO_ERROR,
    Fault.DISK_FULL, Fault.SLOW_SYNC, Fault.WIPED_DISK, Fault.STALE_DISK, Fault.JUMP, Fault.DRIFT,
    Fault.STROBE, Fault.SUSPEND, Fault.TRANSFER, Fault.LOST_STORE, Fault.CLIENT_CRASH, Fault.OVERLOAD,
    Fault.MALFORMED,
})  # fmt: skip

USUAL_LOG = Log(segment_bytes=512 * KiB)
USUAL_LIMITS = Limits(value_bytes_max=8 * KiB, request_bytes_max=32 * KiB, range_response_bytes_max=32 * KiB)
USUAL_STORE = Store(flush_interval_ms=3000)
"""Runs are too short for the interval that nodes have by themselves."""
USUAL_PAXOS = Paxos(window_bytes=48 * KiB)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackPlan(Plan):
    """A run of a cluster of `members` nodes."""

    paxos: Paxos
    rough: Conditions
    """How the network treats messages, as far as `lasting` says."""
    slow_bytes_per_s: float
    """Of one direction of a connection, if `lasting` has `BANDWIDTH`."""
    sluggish_s: float
    """What everything that happens costs every process, on average, if `lasting` has `SLUGGISH`: so things happen in
    another order than they arrived in."""
    tiny: Limits
    short: Log
    hasty: Store
    operations_per_s: float
    clients: int
    keys: int

    @property
    def conditions(self) -> Conditions:
        """How every message is treated."""
        return self.rough.only(self.lasting)

    @property
    def limits(self) -> Limits:
        """Of every node."""
        return self.tiny if Fault.TINY_LIMITS in self.lasting else USUAL_LIMITS

    @property
    def log(self) -> Log:
        """Of every node."""
        return self.short if Fault.SHORT_LOG in self.lasting else USUAL_LOG

    @property
    def store(self) -> Store:
        """Of every node."""
        return self.hasty if Fault.SHORT_LOG in self.lasting else USUAL_STORE


def draw(seed: int, always: frozenset[Fault] = frozenset()) -> StackPlan:
    """The plan of a seed: a random subset of the fault classes, and those of `always`."""
    random = Random(f"{seed} plan")
    faults = draw_faults(random, LASTING | SUDDEN, always)
    duration_s = random.uniform(10, 25)
    mean_interval_s = 1.0 * 8 ** random.random()
    election_timeout_ms = random.randint(400, 1000)
    return StackPlan(
        seed=seed,
        members=random.choice((1, 3, 3, 3, 5)),
        duration_s=duration_s,
        lasting=faults & LASTING,
        strikes=draw_strikes(seed, faults & SUDDEN, mean_interval_s, duration_s),
        paxos=Paxos(
            election_timeout_ms=election_timeout_ms,
            heartbeat_ms=election_timeout_ms // random.randint(3, 6),
            window_entries=random.choice((1, 4, 64)),
            window_bytes=48 * KiB,
        ),
        rough=draw_conditions(random),
        slow_bytes_per_s=random.choice((2_000, 20_000, 200_000)),
        sluggish_s=random.choice((0.0001, 0.001)),
        tiny=_tiny(random),
        short=Log(
            segment_bytes=random.choice((192, 256)) * KiB,
            retain_entries=random.choice((10, 40)),
            retain_bytes=random.choice((8, 64)) * KiB,
        ),
        hasty=Store(
            flush_interval_ms=random.choice((20, 100, 500)), unflushed_entries_max=random.choice((8, 64)), cache_bytes=0
        ),
        operations_per_s=random.uniform(10, 30),
        clients=random.choice((1, 2, 4)),
        keys=random.choice((2, 8, 30)),
    )


def _tiny(random: Random) -> Limits:
    """Bounds that an ordinary load meets."""
    return replace(
        USUAL_LIMITS,
        key_bytes_max=64,
        value_bytes_max=KiB // 2,
        request_bytes_max=4 * KiB,
        range_response_bytes_max=random.choice((1, 2)) * KiB,
        calls_in_flight_max=random.choice((2, 8)),
        calls_per_stream_max=random.choice((1, 4)),
        streams_max=random.choice((8, 20)),
        wait_ms_max=random.choice((20, 200)),
        timeout_ms_max=6000,
        connection_age_ms=random.choice((1000, 5000)),
        connection_age_grace_ms=6500,
    )
