"""How a new cluster's first epoch begins, and how a directory that was swapped is told from a member's.

FORMATTED  this directory minted its own replica ids, and learns those of all other initial members.
RECORDED   the ids of all initial members are durable here.
STARTED    every initial member was seen to have recorded the same ids: the first epoch has begun.

Rule 1: nobody takes part in consensus before every member has recorded all ids; so from then on a member's ids are
known to all, and an empty directory in its place is recognised by each of them.
Rule 2: recorded ids never change. Whoever shows others is refused, and told why.
Rule 3: each step is durable before it is told to anyone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from ostraka_server.paxos.values import ReplicaId


class Stage(IntEnum):
    FORMATTED = 0
    RECORDED = 1
    STARTED = 2


@dataclass(frozen=True, slots=True)
class Identity:
    """A node's name and the replica ids minted in its directory, one per group."""

    node: str
    replicas: tuple[tuple[int, ReplicaId], ...]


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a node tells the others about itself and the formation."""

    identity: Identity
    stage: Stage
    members: tuple[Identity, ...] = ()
    """All initial members, sorted by node, from RECORDED on."""


class FormationError(Exception):
    """This node must not go on: the message says why and what to do."""


class Stranger(Exception):
    """The announcing node is refused; this node goes on undisturbed."""


class Formation:
    """One node's part in it. The caller makes each new `announcement` durable before it sends it (rule 3)."""

    def __init__(self, own: Announcement, expected: frozenset[str]) -> None:
        assert own.identity.node in expected
        self._own = own
        self._expected = expected
        self._heard: dict[str, Announcement] = {}
        self._advance()

    @property
    def announcement(self) -> Announcement:
        """What to record, then to tell."""
        return self._own

    @property
    def started(self) -> bool:
        """Whether the first epoch has begun."""
        return self._own.stage is Stage.STARTED

    @property
    def missing(self) -> list[str]:
        """The nodes that the next stage waits for."""
        need = Stage.FORMATTED if self._own.stage is Stage.FORMATTED else Stage.RECORDED
        others = self._expected - {self._own.identity.node}
        return sorted(n for n in others if n not in self._heard or self._heard[n].stage < need)

    def hear(self, theirs: Announcement) -> bool:
        """Take an announcement in; whether `announcement` changed.

        Raises Stranger where the sender is none of the members, FormationError where this node is not.
        """
        node = theirs.identity.node
        if node not in self._expected or node == self._own.identity.node:
            raise Stranger(f"node {node!r} is not among the other members {sorted(self._expected)}")
        if self._own.stage is Stage.FORMATTED:
            self._check_own_place(theirs)
        else:
            self._check_members(theirs)
        self._heard[node] = theirs
        return self._advance()

    def _check_own_place(self, theirs: Announcement) -> None:
        if theirs.members and self._own.identity not in theirs.members:
            name = self._own.identity.node
            raise FormationError(
                f"the data directory of node {name!r} is new, but node {theirs.identity.node!r} has recorded another "
                f"directory for {name!r}. A member's directory cannot be replaced by an empty one: it held votes. Put "
                f"the old directory back; or, if it is lost, run `ostraka dump` against the remaining majority and "
                f"`ostraka load` into a new cluster"
            )
        self._check_replicas(theirs.identity)

    def _check_replicas(self, theirs: Identity) -> None:
        """A replica of its own in every group, or the members that will be recorded for good make no cluster."""
        groups = [group for group, _ in self._own.identity.replicas]
        if [group for group, _ in theirs.replicas] != groups:
            raise Stranger(f"node {theirs.node!r} does not show one replica in each of the groups {groups}")
        others = [each.identity for node, each in self._heard.items() if node != theirs.node]
        taken = {replica for each in (self._own.identity, *others) for replica in each.replicas}
        if any(replica in taken or replica[1] == 0 for replica in theirs.replicas):
            raise Stranger(f"node {theirs.node!r} shows a replica id that is another node's, or none")

    def _check_members(self, theirs: Announcement) -> None:
        if theirs.identity not in self._own.members:
            raise Stranger(
                f"node {theirs.identity.node!r} shows a data directory that is not the recorded member's: it was "
                f"replaced, or belongs to another cluster"
            )
        if theirs.members and theirs.members != self._own.members:
            if self.started:
                raise Stranger(f"node {theirs.identity.node!r} names other members than all had recorded at the start")
            raise FormationError(
                f"node {theirs.identity.node!r} has recorded other members than this node: a directory was emptied "
                f"while the cluster was being formed. Nothing is stored yet: empty all data directories and start again"
            )

    def _advance(self) -> bool:
        before = self._own
        own, others = self._own.identity, self._expected - {self._own.identity.node}
        if self._own.stage is Stage.FORMATTED and self._heard.keys() == others:
            identities = [own, *(each.identity for each in self._heard.values())]
            members = tuple(sorted(identities, key=lambda identity: identity.node))
            self._own = Announcement(own, Stage.RECORDED, members)
        if self._own.stage is Stage.RECORDED and self._all_recorded(others):
            self._own = Announcement(own, Stage.STARTED, self._own.members)
        return self._own != before

    def _all_recorded(self, others: frozenset[str]) -> bool:
        heard = {node: each for node, each in self._heard.items() if each.members == self._own.members}
        return any(each.stage is Stage.STARTED for each in heard.values()) or heard.keys() == others


def members_of(members: tuple[Identity, ...], group: int) -> Mapping[ReplicaId, str]:
    """The replicas of a group and the nodes that hold them."""
    return {dict(identity.replicas)[group]: identity.node for identity in members}
