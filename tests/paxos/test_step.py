"""`step` takes whatever well-typed messages arrive, from anybody: it ignores, or acts, and keeps its promises.

Between them come fitting answers to what the replica sent, so that runs get deep into campaigns and leaderships.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, PaxosConfig, Ready, Replica
from ostraka_server.paxos.messages import (
    Accept,
    Accepted,
    Decided,
    Fetch,
    Heartbeat,
    HeartbeatAck,
    Message,
    Nack,
    Prepare,
    PrePrepare,
    PrePromise,
    Promise,
    Send,
    TakeOver,
)
from tests.paxos.member import SteadyRandom

ME = 1
MEMBERS = (1, 2, 3)
ABSURD = (-(1 << 70), -1, 1 << 31, 1 << 62, (1 << 64) - 1, 1 << 70)

numbers = st.integers(0, 6) | st.sampled_from(ABSURD)
ballots = st.builds(Ballot, st.sampled_from((1, 1, 1, 1, 0, 2)), numbers, st.sampled_from((1, 2, 3, 9)))
payloads = st.sampled_from((b"", b"a", b"b"))
entries = st.lists(st.builds(Entry, numbers, ballots, payloads), max_size=4).map(tuple)
runs = st.builds(
    lambda first, ballot, of: tuple(Entry(first + place, ballot, payload) for place, payload in enumerate(of)),
    st.integers(1, 4),
    ballots,
    st.lists(payloads, min_size=1, max_size=4),
)
"""Entries without a gap, as honest replicas send them."""

messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(PrePrepare, ballots, numbers),
    st.builds(PrePromise, ballots, st.booleans(), ballots, numbers),
    st.builds(Prepare, ballots, numbers),
    st.builds(Promise, ballots, entries | runs, numbers),
    st.builds(Accept, ballots, entries, numbers),
    st.builds(lambda run, through: Accept(run[0].ballot, run, through), runs, numbers),
    st.builds(Accepted, ballots, st.lists(numbers, max_size=4).map(tuple)),
    st.builds(Nack, ballots, ballots),
    st.builds(Heartbeat, ballots, numbers, numbers),
    st.builds(HeartbeatAck, ballots, numbers, numbers),
    st.builds(Fetch, ballots, numbers),
    st.builds(Decided, ballots, numbers, entries, numbers),
    st.builds(lambda run, through: Decided(run[0].ballot, run[0].slot, run, through), runs, numbers),
    st.builds(TakeOver, ballots),
)
arrivals = st.tuples(st.sampled_from((0.0, 0.1, 0.2, 1.5)), st.sampled_from((2, 3, 9)), st.booleans(), messages)
"""Seconds that pass before, a sender, whether it gives fitting answers to what it was sent last, else its message."""


def fitting_answer(message: Message) -> Message | None:
    """What an honest follower that knows nothing would say."""
    ballot = message.ballot
    match message:
        case PrePrepare():
            return PrePromise(ballot, True, NO_BALLOT, 0)
        case Prepare():
            return Promise(ballot, (), 0)
        case Accept():
            return Accepted(ballot, tuple(entry.slot for entry in message.entries))
        case Heartbeat():
            return HeartbeatAck(ballot, message.nonce, message.decided_through)
        case Fetch():
            return Decided(ballot, message.first, (Entry(message.first, ballot, b"a"),), message.first)
    return None


@dataclass
class Watched:
    """A replica that is watched for what it must never do, and whose messages to itself return."""

    replica: Replica
    now: float = 0.0
    promised: Ballot = NO_BALLOT
    applied: int = 0
    sent: list[Send] = field(default_factory=list)
    """In the last turn that sent anything to others."""

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.replica.tick(self.now)
        self.obey()

    def step(self, sender: int, message: Message) -> None:
        self.replica.step(sender, message, self.now)
        self.obey()

    def answer(self, sender: int) -> None:
        for send in self.sent:
            answer = fitting_answer(send.message)
            if send.to == sender and answer is not None:
                self.step(sender, answer)

    def use(self) -> None:
        """What clients do."""
        self.replica.propose(b"mine", self.now)
        self.replica.read(7, self.now)
        self.obey()

    def obey(self) -> None:
        ready = self.replica.ready()
        self._watch(ready)
        sends = ready.at_once + ready.after_sync
        self.sent = [send for send in sends if send.to != ME] or self.sent
        for send in ready.after_sync:
            if send.to == ME:
                self.step(ME, send.message)

    def _watch(self, ready: Ready) -> None:
        assert self.replica.ballot >= self.promised, "P1: a promise fell"
        assert all(entry.ballot <= self.replica.ballot for entry in ready.entries), "P2: accepted above the promise"
        slots = [entry.slot for entry in ready.decided]
        assert slots == list(range(self.applied + 1, self.applied + 1 + len(slots))), "P6: a gap"
        assert all(send.to != ME for send in ready.at_once), "a message to itself before the sync"
        self.promised = self.replica.ballot
        self.applied += len(slots)


def watched() -> Watched:
    config, random = PaxosConfig(window_entries=2), SteadyRandom(0.0)
    return Watched(
        Replica(replica=ME, epoch=1, members=MEMBERS, config=config, random=random, durable=Durable(), now=0.0)
    )


@settings(max_examples=300)
@given(st.lists(arrivals, max_size=40))
def test_nothing_that_arrives_breaks_a_replica(arriving: list[tuple[float, int, bool, Message]]) -> None:
    replica = watched()
    for seconds, sender, fitting, message in arriving:
        replica.pass_time(seconds)
        if fitting:
            replica.answer(sender)
        else:
            replica.step(sender, message)
        replica.use()


@given(st.sampled_from((2, 3)), messages)
def test_messages_of_another_epoch_change_nothing(sender: int, message: Message) -> None:
    replica = watched().replica
    other = replace(message, ballot=Ballot(2, 5, sender))
    replica.step(sender, other, now=0.1)
    assert not replica.ready() and replica.ignored == {"other epoch": 1}


@given(messages)
def test_messages_of_a_stranger_change_nothing(message: Message) -> None:
    replica = watched().replica
    replica.step(9, message, now=0.1)
    assert not replica.ready() and replica.ignored == {"unlisted sender": 1}
