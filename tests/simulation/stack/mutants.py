"""Bugs put on purpose into what is around consensus: driver, log, store, introductions, SDK."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from ostraka import _routing
from ostraka._routing import Router
from ostraka.errors import OstrakaError, OutcomeUnknown, Retryable, from_wire
from ostraka.v1.exchange_pb2 import Error
from ostraka_server.log import AcceptorLog
from ostraka_server.paxos.ready import Ready
from ostraka_server.shard.calls import Call
from ostraka_server.shard.group import Group
from ostraka_server.shard.sightings import Sightings
from ostraka_server.store import Store
from tests.simulation.faults import Fault
from tests.simulation.mutants import Mutant, Patches


def syncs_nothing() -> Patches:
    """The driver takes for durable what is in memory only."""
    return [patch.object(Ready, "must_sync", lambda self: False)]


def forgets_a_flush() -> Patches:
    """The write-behind takes a write for done that wrote the applied slot alone."""
    original = Store.write

    def write(self: Store, delta: Any) -> None:
        original(self, delta._replace(changes={}))

    return [patch.object(Store, "write", write)]


def reads_without_asking() -> Patches:
    """Whoever believes to lead answers reads from what it has."""
    original = Group.submit

    def submit(self: Group, call: Call) -> None:
        if call.is_read and not self.lost:
            self.read_locally(call)
        else:
            original(self, call)

    return [patch.object(Group, "submit", submit)]


def old_directories_welcome() -> Patches:
    """How far a log was seen is known, and nobody cares."""

    def saw(self: Sightings, node: str, sequence: int) -> None:
        self._seen[node] = max(sequence, self._seen.get(node, 0))

    return [
        patch.object(Sightings, "saw", saw),
        patch.object(Sightings, "check_own", lambda self, sequence, directory: None),
    ]


def damage_is_a_torn_tail() -> Patches:
    """Named damage is passed over, as if nothing had been accepted there."""
    original = AcceptorLog.__init__

    def init(self: AcceptorLog, *arguments: Any) -> None:
        original(self, *arguments)
        self.recovered = {group: replace(each, faulty=()) for group, each in self.recovered.items()}

    return [patch.object(AcceptorLog, "__init__", init)]


def unknown_is_tried_again() -> Patches:
    """The SDK repeats writes that may have taken effect."""

    def mistaken(error: Error, *, write: bool, origin: str) -> OstrakaError:
        return from_wire(error, write=False, origin=origin)

    return [patch.object(_routing, "from_wire", mistaken)]


def unknown_is_failure() -> Patches:
    """The SDK says of a write that it did not happen, where nobody knows."""
    original = Router.after_failure

    def after_failure(self: Router, error: Error, *arguments: Any, **options: Any) -> float | OstrakaError:
        step = original(self, error, *arguments, **options)
        return Retryable("it did not happen", detail=error.detail) if isinstance(step, OutcomeUnknown) else step

    return [patch.object(Router, "after_failure", after_failure)]


def _mutant(invariants: str, faults: set[Fault], bug: Callable[[], Patches]) -> Mutant:
    return Mutant(frozenset(invariants.split()), frozenset(faults), bug)


STACK_MUTANTS: dict[str, Mutant] = {
    "syncs nothing": _mutant("Ready", set(), syncs_nothing),
    "forgets a flush": _mutant("P6 P10", {Fault.CRASH}, forgets_a_flush),
    "reads without asking": _mutant("P10", {Fault.PARTITION, Fault.PAUSE}, reads_without_asking),
    "old directories welcome": _mutant("P14", {Fault.STALE_DISK}, old_directories_welcome),
    "damage is a torn tail": _mutant("P12", {Fault.DECAY}, damage_is_a_torn_tail),
    "unknown is tried again": _mutant("P10", {Fault.CRASH, Fault.PARTITION}, unknown_is_tried_again),
    "unknown is failure": _mutant("P10", {Fault.CRASH, Fault.PARTITION}, unknown_is_failure),
}
"""By name, each with the faults that make it show soon."""
