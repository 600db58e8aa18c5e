"""What nodes tell one another before anything else: who they are, how far the formation is, how far each has seen the
other's log. Here it is decided whether this node may serve, and whom it listens to.

Rule 1: a step of the formation is recorded before it is told (`paxos/formation.py`).
Rule 2: no message is taken from a node whose log is behind what was seen of it (`shard/sightings.py`).
Rule 3: a node that learns that it must not go on stops, and says why.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import NoReturn

from ostraka.clock import Clock
from ostraka_server.config import Config
from ostraka_server.hosting import SHARDS, Hosting, open_log
from ostraka_server.log import LogError
from ostraka_server.logs import fields
from ostraka_server.paxos.formation import Announcement, Formation, FormationError, Identity, Stage, Stranger
from ostraka_server.shard.directory import DirectoryRefused, cluster_id
from ostraka_server.shard.sightings import Sightings
from ostraka_server.storage import Storage
from ostraka_server.wire import replica_pb2 as wire

WIRE_FORMAT = 1

SIGHTINGS_SAVED_S = 60.0
"""How far the others' logs were seen is written down this often."""

log = logging.getLogger("ostraka.node")


class Introductions:
    """One node's `rpc.peers.Handler`."""

    def __init__(self, config: Config, storage: Storage, clock: Clock, random: Random) -> None:
        """Raises DirectoryRefused."""
        self._config = config
        self._storage = storage
        self._clock = clock
        record = self._record = storage.record(config.cluster, config.node, tuple(SHARDS), random)
        self._formation = Formation(record.announcement, frozenset(member.node for member in config.members))
        self._sightings = Sightings(storage.sightings())
        self._hosting: Hosting | None = None
        self.known: dict[str, wire.Hello] = {}
        """What the others told last, by node."""
        self.formed = asyncio.Event()
        """The first epoch has begun."""
        self.refused: Callable[[Exception], object] = lambda why: None
        """Told why this node must not go on."""
        self.waits_for: Callable[[list[str]], object] = lambda nodes: None
        """Told which nodes the formation waits for."""
        self.say_hello: Callable[[], object] = lambda: None
        """Called when everyone is to hear what has changed."""

    @property
    def announcement(self) -> Announcement:
        """What this node has recorded."""
        return self._record.announcement

    def form(self) -> None:
        """Make the formation's next step durable, then tell it."""
        step = self._formation.announcement
        if step != self._record.announcement:
            if step.stage is Stage.STARTED:
                open_log(self._config, cluster_id(step.members), self._storage, must_exist=False).close()
            self._record.record(step)
            log.info("formation", extra=fields(stage=step.stage.name.lower()))
            self.say_hello()
        if self._formation.started:
            self.formed.set()
        else:
            self.waits_for(self._formation.missing)

    def serve(self, hosting: Hosting) -> None:
        """The groups are there: their messages are taken from now on, unless this node must not go on."""
        self._hosting = hosting
        with suppress(Stranger):
            self._check_own_log()

    async def run(self) -> None:
        """Save what is seen of the others, for ever."""
        while True:
            await self._clock.sleep(SIGHTINGS_SAVED_S)
            self._save()

    def close(self) -> None:
        """Save it a last time, and let another process have the directory. Blocking."""
        self._save()
        self._record.close()

    def _save(self) -> None:
        self._storage.save_sightings(self._sightings.seen)

    # What peers tell (see rpc.peers.Handler)

    def hello(self) -> wire.Hello:
        """What to tell a peer first."""
        announcement, config = self.announcement, self._config
        return wire.Hello(
            format=WIRE_FORMAT,
            cluster_name=config.cluster,
            self=_to_wire(announcement.identity),
            stage=wire.Stage.Value(announcement.stage.name),
            members=[_to_wire(member) for member in announcement.members],
            client_address=str(config.advertise_client),
            replica_address=str(config.advertise_replica),
            http_address=str(config.advertise_http),
            seen=[wire.Seen(node=node, sequence=sequence) for node, sequence in self._sightings.seen.items()],
        )

    def on_hello(self, hello: wire.Hello) -> str:
        """Take a peer's Hello. Raises Stranger; where it is this node that must not go on, the node stops."""
        if hello.format != WIRE_FORMAT:
            raise Stranger(f"it speaks wire format {hello.format}, this version speaks {WIRE_FORMAT}")
        if hello.cluster_name != self._config.cluster:
            raise Stranger(f"it belongs to cluster {hello.cluster_name!r}, this node to {self._config.cluster!r}")
        node = hello.self.node
        try:
            moved_on = self._formation.hear(_announcement(hello))
        except FormationError as error:
            self._refuse(error)
        self.known[node] = hello
        for each in hello.seen:
            if each.node == self._config.node:
                self._sightings.told(node, each.sequence)
        self._check_own_log()
        if moved_on or not self.formed.is_set():
            try:
                self.form()
            except (OSError, LogError) as error:  # nobody knows what is on the disk now, so it is not tried again
                self._refuse(error)
        return node

    def sequence(self) -> int:
        """How far this node's log is durable; 0 until it is open, when no messages are sent either."""
        return 0 if self._hosting is None else self._hosting.log.sequence

    def on_messages(self, node: str, messages: Sequence[bytes], sequence: int) -> None:
        """Replica messages; dropped until this node serves. Raises Stranger for a node that has forgotten something."""
        try:
            self._sightings.saw(node, sequence)
        except Stranger:
            self.say_hello()  # which tells it what it was seen at
            raise
        if self._hosting is not None:
            self._hosting.driver.receive(node, messages)

    def _check_own_log(self) -> None:
        if self._hosting is not None:
            try:
                self._sightings.check_own(self._hosting.log.sequence, self._storage.path)
            except DirectoryRefused as refusal:
                self._refuse(refusal)

    def _refuse(self, error: Exception) -> NoReturn:
        self.refused(error)
        raise Stranger("this node must not go on") from error


def _to_wire(identity: Identity) -> wire.Identity:
    replicas = [wire.GroupReplica(group=group, replica=replica) for group, replica in identity.replicas]
    return wire.Identity(node=identity.node, replicas=replicas)


def _identity(identity: wire.Identity) -> Identity:
    return Identity(identity.node, tuple(sorted((each.group, each.replica) for each in identity.replicas)))


def _announcement(hello: wire.Hello) -> Announcement:
    try:
        stage = Stage(hello.stage)
    except ValueError as error:
        raise Stranger(f"it is at a stage of formation ({hello.stage}) that this version does not know") from error
    return Announcement(_identity(hello.self), stage, tuple(_identity(member) for member in hello.members))
