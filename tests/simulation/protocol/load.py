"""Clients: commands with unique payloads, each sent once and never again, and reads.

They ask whoever claims to lead, among them the deposed that do not know it yet; now and then anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.simulation.protocol.driver import Life
from tests.simulation.protocol.host import Host
from tests.simulation.protocol.plan import ProtocolPlan
from tests.simulation.timeline import Timeline

BURSTS = (1, 1, 1, 1, 8)
"""How many come at once: several under way together make pipelines, and losses make holes in them."""
MEAN_BURST = sum(BURSTS) / len(BURSTS)


class Load:
    """Keeps coming, at moments that the plan's mean rates give, until the run ends."""

    def __init__(self, plan: ProtocolPlan, timeline: Timeline, hosts: Sequence[Host]) -> None:
        self._timeline = timeline
        self._hosts = hosts
        self._random = plan.random("load")
        self._commands = 0
        self._repeat(plan.commands_per_s * plan.load, self._write)
        self._repeat(plan.reads_per_s * plan.load, Life.read)

    def insist(self, every_s: float) -> None:
        """From now on also one command and one read in each such time, so that progress is not left to chance."""
        for ask in (self._write, Life.read):
            life = self._somebody()
            if life is not None:
                ask(life)
        self._timeline.after(every_s, lambda: self.insist(every_s))

    def _write(self, life: Life) -> None:
        self._commands += 1
        life.write(b"command %d" % self._commands)

    def _repeat(self, rate: float, ask: Callable[[Life], None]) -> None:
        def once() -> None:
            for _ in range(self._random.choice(BURSTS)):
                life = self._somebody()
                if life is not None:
                    ask(life)
            self._repeat(rate, ask)

        self._timeline.after(self._random.expovariate(rate / MEAN_BURST), once)

    def _somebody(self) -> Life | None:
        up = [host.life for host in self._hosts if host.life is not None]
        leaders = [life for life in up if life.replica.leads]
        anybody = not leaders or self._random.random() < 0.05
        candidates = up if anybody else leaders
        return self._random.choice(candidates) if candidates else None
