"""How the first epoch begins, in every order of hearing, with crashes between; and who is refused."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka_server.paxos.formation import (
    Announcement,
    Formation,
    FormationError,
    Identity,
    Stage,
    Stranger,
    members_of,
)

NODES = ("a", "b", "c")
IDENTITIES = {node: Identity(node, ((1, 10 + place), (2, 20 + place))) for place, node in enumerate(NODES)}
MEMBERS = tuple(IDENTITIES[node] for node in NODES)


def announcement(node: str, stage: Stage, members: tuple[Identity, ...] = MEMBERS) -> Announcement:
    return Announcement(IDENTITIES[node], stage, members if stage > Stage.FORMATTED else ())


def formation(node: str, stage: Stage = Stage.FORMATTED) -> Formation:
    return Formation(announcement(node, stage), frozenset(NODES))


def emptied(node: str) -> Announcement:
    """What a node tells whose directory was replaced by an empty one."""
    return Announcement(Identity(node, ((1, 99), (2, 98))), Stage.FORMATTED)


class Cluster:
    """Three nodes; what each has recorded, and tells, is on its disk."""

    def __init__(self) -> None:
        self.disks = {node: announcement(node, Stage.FORMATTED) for node in NODES}
        self.nodes = {node: formation(node) for node in NODES}

    def hear(self, hearer: str, speaker: str, *, dies: bool = False) -> None:
        """One announcement arrives; whoever `dies` does so before it recorded what it made of it."""
        self.nodes[hearer].hear(self.disks[speaker])
        if dies:
            self.nodes[hearer] = Formation(self.disks[hearer], frozenset(NODES))
        self.disks[hearer] = self.nodes[hearer].announcement
        self.check()

    def restart(self, node: str) -> None:
        self.nodes[node] = Formation(self.disks[node], frozenset(NODES))
        self.disks[node] = self.nodes[node].announcement
        self.check()

    def check(self) -> None:
        """Rule 1: nobody has started before all have recorded the same members."""
        if any(told.stage is Stage.STARTED for told in self.disks.values()):
            assert {told.members for told in self.disks.values()} == {MEMBERS}


# Beginning


def test_a_formatted_node_waits_for_all_others() -> None:
    node = formation("a")
    assert node.missing == ["b", "c"] and not node.started
    assert not node.hear(announcement("b", Stage.FORMATTED))
    assert node.missing == ["c"]
    assert node.hear(announcement("c", Stage.FORMATTED))
    assert node.announcement == announcement("a", Stage.RECORDED)


def test_a_recorded_node_waits_until_all_others_have_recorded() -> None:
    node = formation("a", Stage.RECORDED)
    node.hear(announcement("b", Stage.FORMATTED))
    assert node.missing == ["b", "c"]
    assert not node.hear(announcement("b", Stage.RECORDED))
    assert not node.started and node.missing == ["c"]
    assert node.hear(announcement("c", Stage.RECORDED))
    assert node.announcement == announcement("a", Stage.STARTED) and not node.missing


def test_one_that_has_started_is_proof_enough() -> None:
    node = formation("a", Stage.RECORDED)
    assert node.hear(announcement("b", Stage.STARTED))
    assert node.started


def test_a_single_node_begins_alone() -> None:
    alone = Formation(Announcement(IDENTITIES["a"], Stage.FORMATTED), frozenset("a"))
    assert alone.announcement == Announcement(IDENTITIES["a"], Stage.STARTED, (IDENTITIES["a"],))


def test_hearing_the_same_again_changes_nothing() -> None:
    node = formation("a")
    for _ in range(3):
        assert not node.hear(announcement("b", Stage.FORMATTED))


def test_in_every_order_of_hearing_all_start_in_the_end() -> None:
    for order in permutations(permutations(NODES, 2)):
        cluster = Cluster()
        for hearer, speaker in order * 3:
            cluster.hear(hearer, speaker)
        assert all(node.started for node in cluster.nodes.values()), order


pairs = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES)).filter(lambda pair: pair[0] != pair[1])


@given(st.lists(st.tuples(pairs, st.sampled_from(["hears", "dies", "restarts"])), max_size=40))
def test_crashes_at_any_moment_lose_nothing(history: list[tuple[tuple[str, str], str]]) -> None:
    cluster = Cluster()
    for (hearer, speaker), what in history:
        if what == "restarts":
            cluster.restart(hearer)
        else:
            cluster.hear(hearer, speaker, dies=what == "dies")
    for _ in range(3):
        for hearer, speaker in permutations(NODES, 2):
            cluster.hear(hearer, speaker)
    assert all(node.started for node in cluster.nodes.values())


@pytest.mark.parametrize("stage", Stage)
def test_a_restarted_node_tells_what_it_had_told(stage: Stage) -> None:
    assert formation("b", stage).announcement == announcement("b", stage)


# Refusing


@pytest.mark.parametrize("stage", [Stage.RECORDED, Stage.STARTED])
def test_an_emptied_directory_is_refused_by_all_and_told_what_to_do(stage: Stage) -> None:
    member = formation("a", stage)
    with pytest.raises(Stranger, match=r"node 'b' shows a data directory that is not the recorded member's"):
        member.hear(emptied("b"))
    assert member.announcement == announcement("a", stage), "undisturbed"
    newcomer = Formation(emptied("b"), frozenset(NODES))
    with pytest.raises(FormationError, match=r"directory of node 'b' is new(.|\n)*`ostraka dump`"):
        newcomer.hear(announcement("a", stage))


def test_an_emptied_directory_before_anybody_recorded_it_just_joins() -> None:
    node = formation("a")
    node.hear(announcement("b", Stage.FORMATTED))
    node.hear(emptied("b"))
    node.hear(announcement("c", Stage.FORMATTED))
    assert emptied("b").identity in node.announcement.members


def test_members_recorded_differently_are_a_conflict_that_names_the_remedy() -> None:
    """b was emptied after a, and before c, had recorded the members."""
    others = (IDENTITIES["a"], emptied("b").identity, IDENTITIES["c"])
    with pytest.raises(FormationError, match="empty all data directories and start again"):
        formation("a", Stage.RECORDED).hear(announcement("c", Stage.RECORDED, others))


def test_members_recorded_differently_never_start() -> None:
    others = (IDENTITIES["a"], emptied("b").identity, IDENTITIES["c"])
    node = formation("a", Stage.RECORDED)
    node.hear(announcement("b", Stage.RECORDED))
    with pytest.raises(FormationError):
        node.hear(announcement("c", Stage.STARTED, others))
    assert not node.started


@pytest.mark.parametrize("stage", Stage)
def test_a_node_of_another_cluster_is_a_stranger(stage: Stage) -> None:
    node = formation("a", stage)
    with pytest.raises(Stranger, match=r"'z' is not among the other members"):
        node.hear(Announcement(Identity("z", ((1, 99),)), Stage.FORMATTED))
    assert node.announcement == announcement("a", stage)


@pytest.mark.parametrize("stage", [Stage.RECORDED, Stage.STARTED])
def test_a_node_of_another_cluster_that_bears_a_members_name_is_a_stranger(stage: Stage) -> None:
    theirs = Identity("b", ((1, 99),))
    with pytest.raises(Stranger):
        formation("a", stage).hear(Announcement(theirs, Stage.STARTED, (theirs,)))


def test_another_node_of_ones_own_name_is_a_stranger() -> None:
    with pytest.raises(Stranger):
        formation("a").hear(emptied("a"))


# After


def test_a_groups_members_are_its_replicas_and_their_nodes() -> None:
    assert members_of(MEMBERS, 1) == {10: "a", 11: "b", 12: "c"}
    assert members_of(MEMBERS, 2) == {20: "a", 21: "b", 22: "c"}


# Nonsense


@pytest.mark.parametrize(
    "replicas",
    [
        pytest.param((), id="none"),
        pytest.param(((1, 11),), id="not in every group"),
        pytest.param(((1, 11), (1, 12), (2, 21)), id="two in a group"),
        pytest.param(((1, 11), (2, 21), (3, 31)), id="in a group that is none"),
        pytest.param(((1, 10), (2, 21)), id="this node's"),
        pytest.param(((1, 12), (2, 21)), id="a third node's"),
        pytest.param(((1, 11), (2, 0)), id="no id at all"),
    ],
)
def test_replicas_that_make_no_cluster_are_refused_before_they_are_recorded(
    replicas: tuple[tuple[int, int], ...],
) -> None:
    node = formation("a")
    node.hear(announcement("c", Stage.FORMATTED))
    with pytest.raises(Stranger, match="node 'b'"):
        node.hear(Announcement(Identity("b", replicas), Stage.FORMATTED))
    assert node.missing == ["b"]
    node.hear(announcement("b", Stage.FORMATTED))
    assert node.announcement.members == MEMBERS


def test_a_node_that_has_started_is_not_stopped_by_whoever_names_other_members() -> None:
    others = (IDENTITIES["a"], emptied("b").identity, IDENTITIES["c"])
    node = formation("a", Stage.STARTED)
    with pytest.raises(Stranger, match="names other members"):
        node.hear(announcement("c", Stage.STARTED, others))
    assert node.announcement == announcement("a", Stage.STARTED)
