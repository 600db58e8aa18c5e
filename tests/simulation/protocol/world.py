"""What all replicas of a run share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ostraka_server.paxos.messages import Message
from tests.simulation.protocol.plan import ProtocolPlan
from tests.simulation.protocol.watch import Watch
from tests.simulation.timeline import Timeline


@dataclass(frozen=True, slots=True)
class World:
    """Handed to everything that takes part."""

    plan: ProtocolPlan
    timeline: Timeline
    watch: Watch
    transmit: Callable[[int, int, Message], None]
    """(source, target, message) into the network."""
