"""All that watches the nodes of a run: what they write, say and apply is judged by the checkers that the tiers share.

It looks in from outside: groups and drivers do not know that they are watched.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ostraka_server.hosting import SHARDS, Hosting
from ostraka_server.machine import Machine
from ostraka_server.paxos import Ballot, Entry, Ready, ReplicaId
from ostraka_server.paxos.messages import Promise
from ostraka_server.shard.codec import ReplicaMessage
from ostraka_server.shard.group import Group
from tests.simulation.agreement import Agreement
from tests.simulation.execution import Execution
from tests.simulation.protocol.claims import check_sent
from tests.simulation.trace import Trace
from tests.simulation.violation import Violation


@dataclass(frozen=True, slots=True)
class Written:
    """What a turn of a group appended to the log."""

    group: Group
    promise: Ballot | None
    entries: tuple[Entry, ...]
    learned: tuple[Entry, ...]


@dataclass(slots=True)
class GroupWatch:
    """One group, on all nodes."""

    agreement: Agreement
    execution: Execution = field(init=False)
    states: dict[int, bytes] = field(default_factory=dict)
    """The digest of the state after each slot, as the first replica to get there had it."""

    def __post_init__(self) -> None:
        self.execution = Execution(self.agreement)


class Watch:
    """One per run."""

    def __init__(self, trace: Trace, members: int) -> None:
        self.groups = {group: GroupWatch(Agreement(members // 2 + 1)) for group in SHARDS}
        self.distrusted: dict[str, None] = {}
        """Nodes that run, or will, on a disk that has forgotten something. What they say counts for nothing."""
        self._trace = trace
        self._writing: dict[str, deque[Written]] = {}
        self._may_forget: dict[str, None] = {}
        self._wiped: dict[str, None] = {}
        self._struck: dict[tuple[str, int], None] = {}

    # What a host tells

    def begins(self, node: str, hosting: Hosting) -> None:
        """A process opened what is durable. What its predecessor had appended and not synced is there, or is not."""
        for written in self._writing.pop(node, ()):
            self._found(hosting, written)
        if node in self._wiped:
            raise Violation("P12", f"{node} takes part under its old id, on a disk that was wiped")
        if node not in self.distrusted and (forgotten := self._forgotten(hosting)) is not None:
            if node not in self._may_forget:
                raise Violation("P12", f"{node} takes part, but has forgotten {forgotten}")
            self.distrust(node)
        if node in self.distrusted:
            return
        self._may_forget.pop(node, None)
        self._writing[node] = deque()
        for number, group in hosting.groups.items():
            self.groups[number].agreement.promised(group.replica.id, group.replica.ballot)
            self._check_base(node, group)
            self._check_state(group, group.machine)
            self._follow(node, group)
        driver: Any = hosting.driver
        driver._post_to = partial(self._posted, driver._post_to)

    @property
    def doubtful(self) -> bool:
        """Whether some node's disk may have lost something that nobody has noticed."""
        return bool(self._may_forget)

    def may_forget(self, node: str) -> None:
        """Its disk may lose what it was to keep, unnoticed: it has to notice when it starts, or be told."""
        self._may_forget[node] = None

    def distrust(self, node: str, *, wiped: bool = False) -> None:
        """Its disk has forgotten something: the node is to be refused, or to refuse itself. Where it was `wiped` nobody
        needs to tell: it must not even begin."""
        self.distrusted[node] = None
        if wiped:
            self._wiped[node] = None
        self.forgets(node)

    def trust(self, node: str) -> None:
        """It was refused: its disk is put right."""
        self.distrusted.pop(node, None)
        self._wiped.pop(node, None)
        self._may_forget.pop(node, None)

    def store_struck(self, node: str, group: int) -> None:
        """Somebody has damaged a store: it may lack what the log does not hold any more."""
        self._struck[node, group] = None

    def synced(self, node: str) -> None:
        """All that it has appended is durable."""
        writing = self._writing.get(node, deque())
        while writing:
            written = writing.popleft()
            replica, watch = written.group.replica.id, self.groups[written.group.id]
            for entry in written.entries:  # a turn takes several steps: it may vote first and then promise more
                watch.agreement.voted(replica, entry.slot, entry.ballot, entry.payload)
            if written.promise is not None:
                watch.agreement.promised(replica, written.promise)
            for entry in written.learned:
                watch.execution.learned(replica, entry.slot, entry.payload)

    def forgets(self, node: str) -> None:
        """Its disk is about to be replaced: what was not synced is of no account."""
        self._writing.pop(node, None)

    # Following a process

    def _follow(self, node: str, group: Group) -> None:
        followed: Any = group
        followed.turn = partial(self._turned, group.turn, node, group)
        followed._apply = partial(self._applied, followed._apply, group)
        followed.install = partial(self._installed, group.install, node, group)

    def _turned(self, turn: Callable[[float], Ready], node: str, group: Group, now: float) -> Ready:
        ready = turn(now)
        entries, learned = tuple(ready.entries), tuple(ready.learned)
        if ready.promise is not None or entries or learned:
            self._writing[node].append(Written(group, ready.promise, entries, learned))
        self.groups[group.id].execution.believed(group.replica.id, group.replica.decided_through)
        return ready

    def _posted(self, post: Callable[..., None], group: Group, to: ReplicaId, message: ReplicaMessage) -> None:
        agreement, replica = self.groups[group.id].agreement, group.replica.id
        check_sent(agreement, replica, message)  # type: ignore[arg-type]  # of snapshots it says nothing
        if isinstance(message, Promise):
            agreement.told(replica, message.ballot)
        post(group, to, message)

    def _applied(self, apply: Callable[[Entry], None], group: Group, entry: Entry) -> None:
        agreement = self.groups[group.id].agreement
        if not agreement.is_chosen(entry.slot, entry.payload):
            chosen = agreement.chosen.get(entry.slot)
            raise Violation("P6", f"{group.replica.id} applies {entry} of group {group.id}; chosen is {chosen}")
        machine = group.machine
        apply(entry)
        self._check_state(group, machine)

    def _installed(
        self, install: Callable[[Machine, float], None], node: str, group: Group, machine: Machine, now: float
    ) -> None:
        self._trace.count("snapshot installed")
        self._struck.pop((node, group.id), None)
        install(machine, now)
        self._check_state(group, machine)

    def _forgotten(self, hosting: Hosting) -> str | None:
        """What of that which was durable is neither there nor named as damaged."""
        for number, group in hosting.groups.items():
            agreement, replica = self.groups[number].agreement, group.replica
            base = hosting.log.base(number)
            found = hosting.log.recovered.get(number)
            there = {each.slot for each in hosting.log.above(number, base)}
            there |= {each.slot for each in found.faulty} if found is not None else set()
            if agreement.has_promised(replica.id, replica.ballot) and not agreement.has_promised(
                replica.id, replica.ballot, at_least=False
            ):
                return f"its promise in group {number}: {replica.ballot}"
            for slot in agreement.slots_voted(replica.id):
                if slot > base and slot not in there:
                    return f"slot {slot} of group {number}"
        return None

    def _check_base(self, node: str, group: Group) -> None:
        """What the log has let go of, the store holds, whatever of it a power loss has left."""
        applied = group.machine.applied_slot
        if applied < group.base and (node, group.id) not in self._struck:
            raise Violation("P8", f"{node}, group {group.id}: no log through {group.base}, no store above {applied}")

    def _check_state(self, group: Group, machine: Machine) -> None:
        slot = machine.applied_slot
        first = self.groups[group.id].states.setdefault(slot, machine.digest)
        if machine.digest != first:
            raise Violation("P6", f"group {group.id} at slot {slot}: replica {group.replica.id} is in another state")

    def _found(self, hosting: Hosting, written: Written) -> None:
        """What of it has survived counts."""
        agreement, replica = self.groups[written.group.id].agreement, written.group.replica.id
        held = {(each.slot, each.ballot) for each in _entries(hosting, written)}
        for entry in written.entries:
            if (entry.slot, tuple(entry.ballot)) in held:
                agreement.voted(replica, entry.slot, entry.ballot, entry.payload)


def _entries(hosting: Hosting, written: Written) -> Iterable[Any]:
    group = written.group.id
    return hosting.log.above(group, hosting.log.base(group))
