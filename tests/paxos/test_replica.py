"""What a replica must never do, as scripts that would bring it about. The group itself checks that all decide alike."""

from __future__ import annotations

import pytest

from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, Faulty, PaxosConfig, Replica
from ostraka_server.paxos.acceptor import AHEAD_ENTRIES_MAX
from ostraka_server.paxos.core import ROUND_MAX
from ostraka_server.paxos.electing import PROMISE_BYTES_MAX
from ostraka_server.paxos.messages import (
    Accept,
    Decided,
    Fetch,
    Heartbeat,
    Nack,
    Prepare,
    PrePrepare,
    PrePromise,
    Promise,
    Send,
    TakeOver,
)
from tests.paxos.member import SteadyRandom
from tests.paxos.script import Script

EMPTY, DEFAULTS = Durable(), PaxosConfig()


def play(text: str) -> Script:
    """Run a script of one command a line, `#` begins a remark; the state it leaves."""
    script = Script()
    commands = (line.partition("#")[0].strip() for line in text.splitlines())
    play_on(script, *filter(None, commands))
    return script


def play_on(script: Script, *commands: str) -> None:
    for command in commands:
        script.run(command)


def replica(durable: Durable = EMPTY, config: PaxosConfig = DEFAULTS) -> Replica:
    """Replica 1 of three."""
    random = SteadyRandom(0.0)
    return Replica(replica=1, epoch=1, members=(1, 2, 3), config=config, random=random, durable=durable, now=0.0)


LEADER_OVERTAKEN = """
    group 5
    elapse 850 delivering

    # Leader 1 decides slot 2=a with 3 and 4; only 4 hears of it. 3=old is accepted by 5, and lost by 1.
    propose 1 a
    drop 1 -> 5
    deliver 1 -> 3
    deliver 1 -> 4
    deliver 3 -> 1
    deliver 4 -> 1
    read 1 7
    deliver 1 -> 4 Heartbeat
    hold 1
    propose 1 old
    deliver 1 -> 5 Accept
    crash 1
    restart 1
    drop

    # 2 leads by the promises of 3 and 5, and proposes 2=a 3=old: 5 accepts. 4 said that it knows more: 2 will ask it.
    timeout 2
    deliver PrePrepare
    deliver PrePromise
    deliver 2 -> 3 Prepare
    deliver 2 -> 5 Prepare
    deliver Promise
    deliver 2 -> 5
    drop 2 -> 1 Accept
    deliver 2 -> 1 Heartbeat
    timeout 2

    # 3 leads by the promises of 1 and 4, who know nothing of 3=old: slot 3 is its barrier, and decided. 4 hears of it.
    timeout 3
    drop 3 -> 2
    drop 3 -> 5
    deliver PrePrepare
    deliver PrePromise
    deliver 3 -> 1
    deliver 3 -> 4
    deliver Promise
    timeout 3
    deliver 3 -> 4 Fetch
    deliver 4 -> 3 Decided
    deliver 3 -> 1 Accept
    deliver 3 -> 4 Accept
    deliver 1 -> 3
    deliver 4 -> 3
    propose 3 new
    deliver 3 -> 1 Accept
    deliver 3 -> 4 Accept
    deliver 1 -> 3
    deliver 4 -> 3
    read 3 8
    deliver 3 -> 4 Heartbeat

    # Only now 4 answers what 2 had asked. Nothing has told 2 that it leads no more: late acks of 1 and 5 keep it going.
    deliver 2 -> 4 Fetch
    deliver 4 -> 2 Decided
    deliver HeartbeatAck
"""


def test_a_leader_says_decided_of_its_own_proposals_only() -> None:
    """Its followers believe "decided through" of what they accepted under its ballot, so it must mean those entries.

    Taking over what a later ballot decided, leader 2 would tell 5 that slot 3 is decided, where 5 holds 3=old.
    """
    play(
        LEADER_OVERTAKEN
        + """
        timeout 2
        deliver 2 -> 5 Heartbeat
        """
    )


def test_a_leader_serves_only_once_its_own_barrier_is_decided() -> None:
    leader = play(LEADER_OVERTAKEN).group.members[2].up
    assert not leader.serving


def test_what_a_leader_proposed_leaves_its_window_once_decided() -> None:
    """Replica 2 leads while a fetch is out for the slots that it proposes again."""
    script = play("""
        group 3
        elapse 850 delivering
        propose 1 a
        drop 1 -> 3
        deliver
        elapse 150
        deliver 1 -> 2
        drop
        crash 1
        restart 1
        timeout 3
        deliver 3 -> 1
        deliver 3 -> 2
        deliver 2 -> 3 PrePromise
        deliver 1 -> 3 PrePromise
        deliver 3 -> 1 Prepare
        deliver 1 -> 3 Promise
        timeout 3
        deliver Fetch
        deliver Decided
        deliver
        elapse 1000 delivering
    """)
    leader = script.group.members[3].up
    assert leader.serving and leader.pending == 0


def test_a_message_to_oneself_waits_for_the_sync() -> None:
    """A candidate whose own Prepare is overtaken by another's higher one; the member asserts it."""
    play("""
        group 3
        hold 1
        elapse 700
        deliver
        forge 2 -> 1 Prepare 1.9.2 1
        sync 1
    """)


def test_a_candidate_gives_up_when_refused_and_goes_above_what_was_promised() -> None:
    script = play("""
        group 3
        elapse 700
        deliver PrePrepare
        deliver PrePromise
    """)
    candidate = script.group.members[1]
    assert candidate.up.role == "candidate"
    candidate.step(2, Nack(candidate.up.ballot, Ballot(1, 7, 3)), script.group.now)
    assert candidate.up.role == "follower"
    play_on(script, "drop", "timeout 1", "deliver PrePrepare", "deliver PrePromise")
    assert candidate.up.ballot.round > 7


@pytest.mark.parametrize(("lag", "granted"), [(10, True), (11, False)])
def test_nobody_supports_a_candidate_that_is_far_behind(lag: int, granted: bool) -> None:
    voter = replica(Durable(decided_through=100), PaxosConfig(election_lag_entries=10))
    voter.step(2, PrePrepare(Ballot(1, 1, 2), 100 - lag), now=0.1)
    [send] = voter.ready().at_once
    assert send.message == PrePromise(Ballot(1, 1, 2), granted, NO_BALLOT, 100)


def test_accepts_that_no_leader_sends_change_nothing() -> None:
    ballot, other = Ballot(1, 1, 2), Ballot(1, 9, 2)
    foreign = Accept(ballot, (Entry(1, other, b"x"),), 0)
    torn = Accept(ballot, (Entry(1, ballot, b"one"), Entry(1, ballot, b"other")), 0)
    below = Accept(ballot, (Entry(0, ballot, b"x"),), 0)
    for message in (foreign, torn, below):
        follower = replica()
        follower.step(2, message, now=0.1)
        ready = follower.ready()
        assert not ready.entries and not ready.after_sync and follower.ignored.total() == 1, message


def test_a_fetch_of_slots_that_never_were_is_ignored() -> None:
    source = replica(Durable(Ballot(1, 1, 2), decided_through=2))
    source.step(3, Fetch(Ballot(1, 1, 2), 0), now=0.1)
    assert not source.ready().serve and source.ignored.total() == 1


def test_a_group_that_lost_its_marks_elects_a_leader_again() -> None:
    """The mark is written lazily: after a restart everything above the last one is merely accepted, on all of them."""
    ballot = Ballot(1, 2, 1)
    script = play("group 3")
    for member in script.group.members.values():
        slots = range(1, AHEAD_ENTRIES_MAX + 2)
        member.disk.promised = ballot
        member.disk.records = {slot: Entry(slot, ballot, b"x") for slot in slots}
        member.start(now=0.0)
    script.run("elapse 5000 delivering")
    assert any(member.up.serving for member in script.group.members.values())


def test_an_installed_snapshot_is_gone_on_from() -> None:
    """Slots through 5 are had; 4 was accepted here and 7 too, 6 is faulty."""
    ballot = Ballot(1, 1, 2)
    accepted = (Entry(4, ballot, b"d"), Entry(7, ballot, b"g"))
    member = replica(Durable(ballot, 3, accepted, (Faulty(5, ballot), Faulty(6, ballot))))
    member.install(5, 0.0)
    assert (member.decided_through, member.ballot) == (5, ballot)
    member.step(2, Prepare(Ballot(1, 2, 2), 1), 0.0)
    (send,) = member.ready().after_sync
    assert send.message == Promise(Ballot(1, 2, 2), (Entry(7, ballot, b"g"),), 5, (Faulty(6, ballot),))
    member.step(2, Accept(Ballot(1, 2, 2), (Entry(6, Ballot(1, 2, 2), b"f"),), 6), 0.0)
    assert [entry.slot for entry in member.ready().decided] == [6]


def test_a_replica_with_more_to_report_than_a_promise_holds_gives_none() -> None:
    """Its slot 1 is faulty, so that all above it counts as merely accepted."""
    ballot, half = Ballot(1, 1, 2), bytes(PROMISE_BYTES_MAX // 2)
    accepted = tuple(Entry(slot, ballot, half) for slot in (2, 3, 4))
    member = replica(Durable(ballot, 0, accepted, (Faulty(1, ballot),)))
    member.step(2, Prepare(Ballot(1, 2, 2), 4), 0.0)
    (send,) = member.ready().after_sync
    assert send.message == Promise(Ballot(1, 2, 2), accepted[2:], 0, ())
    member.step(3, Prepare(Ballot(1, 2, 3), 1), 0.0)
    ready = member.ready()
    assert not ready.after_sync and ready.promise == Ballot(1, 2, 3)
    assert member.ignored["more to report than a promise holds"] == 1


def test_a_snapshot_that_is_not_ahead_changes_nothing() -> None:
    member = replica(Durable(decided_through=7))
    member.install(7, 0.0)
    assert member.decided_through == 7
    leader = play("group 3\n elapse 850 delivering").group.members[1].up
    leader.install(50, 1.0)
    assert leader.decided_through == 1
    assert leader.ignored["a snapshot that is not ahead"] == 1


def test_a_candidate_that_waits_for_decided_slots_leads_once_a_snapshot_has_them() -> None:
    member = replica()
    member.step(2, PrePromise(_asks(member), True, NO_BALLOT, 0), 2.0)
    ballot = member.ballot
    for sender, decided in ((1, 0), (2, 9)):
        member.step(sender, Promise(ballot, (), decided), 2.0)
    assert member.role == "candidate"
    member.install(9, 2.0)
    assert member.leads and member.decided_through == 9


def test_a_replica_that_may_not_lead_asks_nobody_and_takes_over_from_nobody() -> None:
    member = replica()
    member.may_lead = False
    member.tick(5.0)
    ballot = Ballot(1, 1, 2)
    member.step(2, Heartbeat(ballot, 1, 0), 5.0)
    member.step(2, TakeOver(ballot), 5.0)
    assert member.role == "follower" and not member.ready().at_once


def test_a_leader_that_resigns_fails_its_reads_and_does_not_run_again() -> None:
    member = replica()
    member.step(2, PrePromise(_asks(member), True, NO_BALLOT, 0), 2.0)
    for sender in (1, 2):
        member.step(sender, Promise(member.ballot, (), 0), 2.0)
    assert member.leads
    member.read(7, 2.0)
    member.resign(2.0)
    assert (member.role, member.ready().failed_reads) == ("follower", [7])
    member.tick(9.0)
    assert member.role == "follower" and not member.ready().at_once


def test_a_candidate_that_resigns_takes_no_promises() -> None:
    member = replica()
    member.step(2, PrePromise(_asks(member), True, NO_BALLOT, 0), 2.0)
    member.resign(2.0)
    for sender in (1, 2):
        member.step(sender, Promise(member.ballot, (), 0), 2.0)
    assert member.role == "follower"


def _asks(member: Replica) -> Ballot:
    member.tick(2.0)
    (message,) = {send.message for send in member.ready().at_once}
    return message.ballot


def learning(*entries: Entry) -> Replica:
    """Replica 1, which promised round 5, was told of decided entries, asked 2 for them, and got these."""
    behind = replica(Durable(promised=Ballot(1, 5, 3)))
    behind.step(2, PrePromise(Ballot(1, 5, 1), False, Ballot(1, 9, 2), len(entries)), now=0.1)
    behind.tick(now=0.5)
    assert Send(2, Fetch(Ballot(1, 5, 3), 1)) in behind.ready().at_once
    behind.step(2, Decided(Ballot(1, 5, 3), 1, entries, len(entries)), now=0.6)
    return behind


def test_what_is_learned_is_accepted_and_so_promised() -> None:
    """The log takes it for accepted. Else a late message of a round between would find a promise in the log that the
    replica does not know, and break it."""
    behind = learning(Entry(1, Ballot(1, 9, 2), b"a"), Entry(2, Ballot(1, 4, 2), b"b"))
    ready = behind.ready()
    assert ready.promise == Ballot(1, 9, 2)
    assert [entry.slot for entry in ready.decided] == [1, 2]
    behind.step(3, Prepare(Ballot(1, 7, 3), 1), now=0.7)
    assert behind.ready().at_once == [Send(3, Nack(Ballot(1, 7, 3), Ballot(1, 9, 2)))]


def test_a_candidate_that_learns_of_a_higher_ballot_gives_up_and_asks_above_it() -> None:
    behind = replica()
    behind.tick(now=2.0)
    own = Ballot(1, 1, 1)
    behind.step(2, PrePromise(own, True, NO_BALLOT, 1), now=2.0)
    assert behind.role == "candidate"
    behind.tick(now=2.2)
    behind.step(2, Decided(own, 1, (Entry(1, Ballot(1, 9, 3), b"a"),), 1), now=2.3)
    assert (behind.role, behind.ballot, behind.decided_through) == ("follower", Ballot(1, 9, 3), 1)
    behind.ready()
    behind.tick(now=5.0)
    assert Send(2, PrePrepare(Ballot(1, 10, 1), 1)) in behind.ready().at_once


@pytest.mark.parametrize("ballot", [Ballot(1, ROUND_MAX + 1, 2), Ballot(2, 1, 2)])
def test_decided_entries_of_a_ballot_that_cannot_be_are_ignored(ballot: Ballot) -> None:
    behind = learning(Entry(1, ballot, b"a"))
    assert behind.decided_through == 0 and behind.ballot == Ballot(1, 5, 3)
    assert behind.ignored["decided entries of an absurd ballot"] == 1
