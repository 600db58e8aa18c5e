"""python -m tests.simulation.speed: how much faster than real time the tiers are, on their reference loads.

Protocol: three replicas, 10 commands a second, all faults of the network. Stack: five nodes, 20 operations a second
through SDK clients, nothing wrong. In processor time of one core.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from time import process_time

from tests.simulation.faults import Fault
from tests.simulation.plan import draw_strikes
from tests.simulation.protocol.tier import ProtocolTier
from tests.simulation.stack.plan import USUAL_PAXOS
from tests.simulation.stack.tier import StackTier
from tests.simulation.tier import Outcome

SECONDS = 60.0
LASTING = frozenset({Fault.LOSS, Fault.DELAY, Fault.REORDER, Fault.DUPLICATE})
STRIKING = (Fault.REPLAY, Fault.PARTITION, Fault.ASYMMETRIC, Fault.RING, Fault.CLOG)
STRIKE_INTERVAL_S = 2.0


def protocol() -> Outcome:
    """The reference load of the protocol tier."""
    tier = ProtocolTier()
    strikes = draw_strikes(0, STRIKING, STRIKE_INTERVAL_S, SECONDS)
    plan = replace(tier.draw(0), members=3, duration_s=SECONDS, lasting=LASTING, strikes=strikes, commands_per_s=10.0)
    return tier.run(plan)


def stack() -> Outcome:
    """The reference load of the whole-cluster tier."""
    tier = StackTier()
    plan = replace(
        tier.draw(0),
        members=5,
        duration_s=SECONDS,
        lasting=frozenset(),
        strikes=(),
        paxos=USUAL_PAXOS,
        operations_per_s=20.0,
        clients=4,
        keys=50,
    )
    return tier.run(plan)


def measure(name: str, run: Callable[[], Outcome]) -> None:
    """Run it, and say how long it took."""
    begin = process_time()
    outcome = run()
    took = process_time() - begin
    assert outcome.failure is None, outcome.failure.detail
    seconds = outcome.simulated_s
    sys.stdout.write(
        f"{name}: {seconds:.0f} s simulated in {took:.2f} s of processor time, {seconds / took:.0f} times real time, "
        f"{outcome.events / seconds:.0f} events a second\n"
    )


if __name__ == "__main__":
    measure("protocol", protocol)
    measure("stack", stack)
