"""The tiers that there are, by name."""

from __future__ import annotations

from typing import Any

from tests.simulation.protocol.tier import ProtocolTier
from tests.simulation.stack.tier import StackTier
from tests.simulation.tier import Tier

TIERS: dict[str, Tier[Any]] = {tier.name: tier for tier in (ProtocolTier(), StackTier())}

DEFAULT_TIER = "protocol"
