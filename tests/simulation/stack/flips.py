"""Disks that rot while their nodes are down, case after case: recovered, repaired or refused by name, and nothing lost.

`python -m tests.simulation.stack.flips --cases 2100` is a part of scripts/soak.py. The last line printed is a JSON
object of `passed` and `figures`.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import traceback
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from math import ceil
from random import Random

from ostraka.errors import OutcomeUnknown
from ostraka_server.config import Log, Store
from ostraka_server.hosting import SHARDS
from ostraka_server.log import LogCorrupt
from ostraka_server.machine import Refused
from ostraka_server.shard.layout import FIRST_GROUP
from ostraka_server.store import DamagedStore, MemoryFactory, Owner, StoreError
from ostraka_server.store import Store as OpenStore
from tests.machine.bases import empty, ranged
from tests.simulation.stack.cluster import Cluster, KiB, run
from tests.simulation.stack.decay import Decay, Target, draw
from tests.simulation.stack.host import Host

CASES_A_RUN = 30
KEYS = 40
VALUE_BYTES_MAX = 3000
PAST_CHECKED = 5
"""Revisions read after each case, on each node."""

COLD = Store(flush_interval_ms=50, cache_bytes=0)
"""What is checked is read from the stores."""

WHOLE = Log(segment_bytes=512 * KiB)
SHORT = Log(segment_bytes=512 * KiB, retain_entries=40)
"""What a store loses of it only others still have."""


class Ending(StrEnum):
    """What becomes of damage: it hit nothing that counts, it was made good, or the node said what is wrong."""

    RECOVERED = "recovered"
    REPAIRED = "repaired"
    REFUSED = "refused"


Tally = Counter[tuple[Target, Ending]]


def run_cases(seed: int, cases: int, tally: Tally) -> None:
    """One cluster, one case after the other; each begins with all replicas sound. AssertionError where one is lost."""

    async def scenario(cluster: Cluster) -> None:
        rot = Rot(cluster, Random(f"{seed} rot"))
        for number in range(cases):
            target, decay, ending = await rot.case(number)
            tally[target, ending] += 1
            cluster.trace.note(f"{decay}: {ending}")

    run(scenario, seed=seed, store=COLD, log=SHORT if seed % 2 else WHOLE)


class Rot:
    """A cluster, and what it has acknowledged."""

    def __init__(self, cluster: Cluster, random: Random) -> None:
        self._cluster = cluster
        self._random = random
        self._client = cluster.client(timeout=20.0)
        self._acknowledged: dict[bytes, bytes] = {}
        self._past: dict[int, dict[bytes, bytes]] = {}
        """What was acknowledged, by the revision after which it was."""

    async def case(self, number: int) -> tuple[Target, Decay, Ending]:
        """Damage one file of one node, and start it again."""
        cluster, random = self._cluster, self._random
        await self._write(4)
        await cluster.sleep(random.uniform(0.0, 0.2))
        node = random.choice(cluster.nodes)
        cluster_id = node.up.hosting.cluster
        await _end(node, random)
        targets = list(Target) if node.disk.images else [Target.SEGMENT, Target.MARK]  # early, and the power fails
        decay = draw(node.disk, random.choice(targets), random)
        damaged_store = decay.target is Target.STORE and _is_damaged(decay.after, cluster_id, node, int(decay.name))
        decay.strike(node.disk)
        if decay.target is Target.STORE:
            cluster.watch.store_struck(node.name, int(decay.name))
        await self._write(2)
        node.start()
        try:
            await cluster.until_serves(node)
        except (LogCorrupt, StoreError) as refusal:
            ending = Ending.REFUSED
            if decay.culprit not in str(refusal):
                raise AssertionError(f"{decay} is not what is refused") from refusal
            decay.heal(node.disk)
            node.start()
            await cluster.until_serves(node)
        else:
            faulty = any(group.faulty for group in node.up.hosting.log.recovered.values())
            ending = Ending.REPAIRED if faulty or damaged_store else Ending.RECOVERED
        await self._check(f"case {number}, {node.name}, {decay}, {ending}")
        return decay.target, decay, ending

    async def _write(self, puts: int) -> None:
        for _ in range(puts):
            key = b"key %d" % self._random.randrange(KEYS)
            value = self._random.randbytes(self._random.randrange(VALUE_BYTES_MAX))
            while self._acknowledged.get(key) != value:
                with suppress(OutcomeUnknown):  # it went to the node that was just ended; the next leader settles it
                    put = await self._client.put(key, value)
                    self._acknowledged[key] = value
                    self._past[put.revision] = dict(self._acknowledged)

    async def _check(self, case: str) -> None:
        """Every replica and every log has everything, and the same."""
        await self._cluster.until_level(30.0)
        for node in self._cluster.nodes:
            found = ranged(node.up.group.machine, b"\0", b"\0", bytes_max=1 << 30)
            assert {row.key: row.value for row in found.rows} == self._acknowledged, f"{case}: lost on {node.name}"
            self._check_past(node, case)
        for number in SHARDS:
            payloads = [_logged(node, number) for node in self._cluster.nodes]
            for one in payloads:
                for other in payloads:
                    assert all(one[slot] == other[slot] for slot in one.keys() & other.keys()), f"{case}: logs differ"
        self._replay(case)

    def _check_past(self, node: Host, case: str) -> None:
        """Most of it was flushed before the damage."""
        for revision in self._random.sample(sorted(self._past), min(PAST_CHECKED, len(self._past))):
            rows = node.up.group.machine.rows_at(revision)
            assert not isinstance(rows, Refused), f"{case}: revision {revision} is refused on {node.name}"
            with rows.scan(b"", None, values=True) as found:
                was = {row.key: row.value for row in found}
            assert was == self._past[revision], f"{case}: revision {revision} is lost on {node.name}"

    def _replay(self, case: str) -> None:
        """What the logs say, where they go back to the beginning, is what was acknowledged."""
        for node in self._cluster.nodes:
            payloads = _logged(node, FIRST_GROUP)
            if 1 in payloads:
                machine = empty()
                for slot in sorted(payloads):
                    machine.apply(slot, payloads[slot])
                found = ranged(machine, b"\0", b"\0", bytes_max=1 << 30)
                assert {row.key: row.value for row in found.rows} == self._acknowledged, f"{case}: log of {node.name}"


async def _end(node: Host, random: Random) -> None:
    match random.choice(("stop", "kill", "power")):
        case "stop":
            await node.stop()
        case how:
            node.kill(power_loss=how == "power")


def _is_damaged(image: bytes, cluster: int, node: Host, group: int) -> bool:
    try:
        OpenStore.open(MemoryFactory(image), Owner(f"{cluster:016x}", node.name, group)).close()
    except DamagedStore:
        return True
    except StoreError:
        return False
    return False


def _logged(node: Host, group: int) -> dict[int, bytes]:
    """What a node's log has of the slots that it has applied; it must have all of them behind its base."""
    log, through = node.up.hosting.log, node.up.hosting.groups[group].machine.applied_slot
    base = log.base(group)
    assert log.lacks(group, through) == base, f"{node.name} lacks slots of group {group}"
    return {entry.slot: entry.payload for entry in log.above(group, base) if entry.slot <= through}


def main(arguments: Sequence[str] | None = None) -> int:
    """Of `arguments`, or else of the command line; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.stack.flips", description=__doc__)
    parser.add_argument("--cases", type=int, default=2100)
    parser.add_argument("--first", type=int, default=0, help="seed of the first run")
    options = parser.parse_args(arguments)
    logging.disable()  # of hundreds of nodes that say what has happened to them
    tally: Tally = Counter()
    for seed in range(options.first, options.first + ceil(options.cases / CASES_A_RUN)):
        try:
            run_cases(seed, min(CASES_A_RUN, options.cases - tally.total()), tally)
        except Exception as error:
            traceback.print_exc()
            return _tell(False, {"failing seed": seed, "failure": str(error), **figures(tally)})
    return _tell(True, {**figures(tally), "lost": 0})


def figures(tally: Tally) -> dict[str, object]:
    """Cases of each kind of file, and what became of them."""
    rows: dict[str, object] = {"cases": tally.total()}
    for target in Target:
        endings = ", ".join(f"{ending} {tally[target, ending]}" for ending in Ending)
        rows[target] = f"{sum(tally[target, ending] for ending in Ending)} ({endings})"
    return rows


def _tell(passed: bool, figures: dict[str, object]) -> int:
    sys.stdout.write(json.dumps({"passed": passed, "figures": figures}) + "\n")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
