"""Bugs put on purpose into what is around consensus: driver, log, store, introductions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ostraka_server import hosting
from ostraka_server.config import Config
from ostraka_server.log import AcceptorLog, RecoveredGroup
from ostraka_server.machine import Machine
from ostraka_server.paxos import NO_BALLOT
from ostraka_server.shard.calls import Call
from ostraka_server.shard.group import Group
from ostraka_server.shard.sightings import Sightings
from ostraka_server.storage import Storage
from ostraka_server.store import Store
from tests.simulation.mutants.mutant import WAKES_AT, Patches, decided_through, method

EARLIER = 25
"""By so many slots some bugs wake before the others: whole nodes put many calls into an entry, and get less far."""


def forgets_a_flush() -> Patches:
    """The write-behind takes a write for done that wrote the applied slot alone."""
    original = Store.write

    def write(self: Store, delta: Any) -> None:
        original(self, delta if delta.state.applied_slot < WAKES_AT else delta._replace(changes={}))

    return [patch.object(Store, "write", write)]


def reads_without_asking() -> Patches:
    """Whoever believes to lead answers reads from what it has."""
    original = Group.submit

    def submit(self: Group, call: Call) -> None:
        if call.is_read and not self.lost:
            self.read_locally(call)
        else:
            original(self, call)

    return [method(Group, "submit", submit, lambda group: decided_through(group.replica) + EARLIER)]


def old_directories_welcome() -> Patches:
    """How far a log was seen is known, and nobody cares."""
    saw, check_own = Sightings.saw, Sightings.check_own

    def see(self: Sightings, node: str, sequence: int) -> None:
        known = self._seen.get(node, 0)
        saw(self, node, sequence if known < WAKES_AT else max(sequence, known))

    def welcome(self: Sightings, sequence: int, directory: Path) -> None:
        if sequence < WAKES_AT:
            check_own(self, sequence, directory)

    return [patch.object(Sightings, "saw", see), patch.object(Sightings, "check_own", welcome)]


def wiped_disks_welcome() -> Patches:
    """Whoever comes back with its name and its ids, and nothing else, begins a log anew; and so nobody minds."""
    original = hosting.open_log

    def begin_anew(config: Config, cluster: int, storage: Storage, *, must_exist: bool) -> AcceptorLog:
        return original(config, cluster, storage, must_exist=False)

    return [patch.object(hosting, "open_log", begin_anew), *old_directories_welcome()]


def snapshot_resets_the_promise() -> Patches:
    """With a snapshot a group begins anew, in the log too."""
    truncate, install = AcceptorLog.truncate, Group.install

    def begin_anew(self: AcceptorLog, group: int, base: int) -> None:
        state = self._state(group)
        if base > max(state.decided_through, WAKES_AT - EARLIER):  # only a snapshot goes that far
            self._set(group, state._replace(promised=NO_BALLOT))
        truncate(self, group, base)

    def forget(self: Group, machine: Machine, now: float) -> None:
        install(self, machine, now)
        if machine.applied_slot > WAKES_AT - EARLIER:
            self.replica._acceptor.promised = NO_BALLOT

    return [patch.object(AcceptorLog, "truncate", begin_anew), patch.object(Group, "install", forget)]


def log_cut_too_early() -> Patches:
    """The log lets go of what the store holds, though a power loss may take it from there."""
    original = Store.checkpoint

    def checkpoint(self: Store) -> int | None:
        written = self.state()
        return written.applied_slot if written is not None and written.applied_slot >= WAKES_AT else original(self)

    return [patch.object(Store, "checkpoint", checkpoint)]


def damage_is_a_torn_tail() -> Patches:
    """Named damage is passed over, as if nothing had been accepted there."""
    original = AcceptorLog.__init__

    def intact(group: RecoveredGroup) -> RecoveredGroup:
        return replace(group, faulty=tuple(faulty for faulty in group.faulty if faulty.slot < WAKES_AT - EARLIER))

    def init(self: AcceptorLog, *arguments: Any) -> None:
        original(self, *arguments)
        self.recovered = {group: intact(each) for group, each in self.recovered.items()}

    return [patch.object(AcceptorLog, "__init__", init)]
