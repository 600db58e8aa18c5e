"""Two replicas and the model, which are given the same and have to answer the same.

Each replica flushes, restarts and takes the other's snapshot at moments of its own; the model does none of that. Every
answer of one of them is compared with the model's, every result and digest of one with the other's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from ostraka.v1.common_pb2 import Reason
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka.v1.kv_pb2 import RangeRequest
from ostraka_server.store import ConnectionFactory
from tests.machine.commands import entry
from tests.model import requests
from tests.model.draws import Draws
from tests.model.outcome import Outcome, Refusal
from tests.model.replica import Replica
from tests.model.shard import Shard

CACHES = (0, 2500, 1 << 20)
EVERYTHING = Command(range=RangeRequest(key=b"\0", range_end=b"\0"))


class World:
    """Whatever a method draws it draws from `chance`. AssertionError where anybody disagrees."""

    def __init__(self, factories: tuple[ConnectionFactory, ConnectionFactory]) -> None:
        self.met: Counter[str] = Counter()
        """What was asked, and how it was answered: as often as it was compared with the model's."""
        self._wall_ms = 1_000_000
        self._sent: list[Command] = []
        self._entries: list[bytes] = []
        self._model = Shard()
        self._replicas = [Replica(factory, self._entries, cache_bytes_max=0) for factory in factories]

    def close(self) -> None:
        for replica in self._replicas:
            replica.close()

    def write(self, chance: Random) -> None:
        """An entry of some commands is decided; of none it is a no-op."""
        draws = Draws(chance, self._model, self._wall_ms)
        commands = [requests.write(draws, self._sent) for _ in range(chance.choice((0, 1, 1, 1, 2, 4)))]
        self._sent += (command for command in commands if command.client)
        noise = [requests.NOT_EVEN_A_MESSAGE] * (chance.randrange(50) == 0)
        self._wall_ms += chance.choice((0, 1, 300, 700, 5000, -400))
        self._entries.append(entry(*commands, *noise, wall_ms=self._wall_ms) if commands else b"")
        told = [replica.execute(commands) for replica in self._replicas]
        for command, one, other, outcomes in zip(
            commands, *told, self._model.execute(self._wall_ms, commands), strict=True
        ):
            self._compare(command, one, outcomes)
            assert one == other, f"to {command} the answers are {one} and {other}"
        self._compare_states()

    def read(self, chance: Random) -> None:
        """Any replica answers, which has executed everything."""
        command = requests.read(Draws(chance, self._model, self._wall_ms))
        bounded = chance.randrange(4) == 0
        told, expected = chance.choice(self._replicas).read(command, bounded=bounded), self._model.read(command)
        self._compare(command, told, [as_far_as_told(told, each) for each in expected] if bounded else expected)

    def flush(self, chance: Random) -> None:
        chance.choice(self._replicas).flush()

    def end_flush(self, chance: Random) -> None:
        chance.choice(self._replicas).end_flush()

    def reclaim(self, chance: Random) -> None:
        chance.choice(self._replicas).reclaim(blocks_max=chance.randrange(1, 6))

    def restart(self, chance: Random) -> None:
        chance.choice(self._replicas).restart(cache_bytes_max=chance.choice(CACHES))
        self._compare_all(chance)

    def install(self, chance: Random) -> None:
        one, other = chance.sample(self._replicas, 2)
        one.install(other, cache_bytes_max=chance.choice(CACHES))
        self._compare_all(chance)

    def _compare(self, command: Command, told: Outcome, expected: Sequence[Outcome]) -> None:
        how = Reason.Name(told.reason) if isinstance(told, Refusal) else "answered"
        self.met[f"{command.WhichOneof('request')}: {how}"] += 1
        assert told in expected, f"to {command} the answer is {told}, it should be one of {expected}"

    def _compare_states(self) -> None:
        one, other = (replica.machine for replica in self._replicas)
        assert one.digest == other.digest, "the digests differ"
        assert one.revision == other.revision == self._model.revision

    def _compare_all(self, chance: Random) -> None:
        self._compare_states()
        expected = self._model.read(EVERYTHING)
        for replica in self._replicas:
            self._compare(EVERYTHING, replica.read(EVERYTHING), expected)


def as_far_as_told(told: Outcome, expected: Outcome) -> Outcome:
    """What is expected, cut where a bound in bytes cut what is told, if it did: never before the first key."""
    if isinstance(told, Refusal) or isinstance(expected, Refusal) or not expected.range.kvs:
        return expected
    keys = max(1, len(told.range.kvs))
    cut = Reply()
    cut.CopyFrom(expected)
    cut.range.more |= keys < len(expected.range.kvs)
    del cut.range.kvs[keys:]
    return cut
