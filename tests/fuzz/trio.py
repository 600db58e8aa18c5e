"""Three replicas with their logs, whose messages go through the codec and arrive in any order; and what each must keep
to whatever it is told."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from ostraka_server.log import AcceptorLog, LogConfig
from ostraka_server.log.memory import MemoryDirectory
from ostraka_server.paxos import NO_BALLOT, Ballot, Durable, Entry, PaxosConfig, Ready, Replica
from ostraka_server.paxos.acceptor import AHEAD_ENTRIES_MAX
from ostraka_server.paxos.messages import Accepted, Decided, HeartbeatAck, Message, Promise, Send
from ostraka_server.shard import codec
from ostraka_server.shard.read_points import ReadPointMessage
from ostraka_server.shard.snapshots import SnapshotMessage

GROUP = 1
EPOCH = 1
MEMBERS = (11, 22, 33)
CONFIG = PaxosConfig(window_entries=4, election_lag_entries=20)
PIECE_BYTES = 60
"""Of decided entries that one answer to a fetch holds: a few."""

LONG_WAIT = 0.02
"""How likely a step in time is one that makes replicas impatient."""

ELECTED_WITHIN = 5000
"""Things that happen."""

_CLAIMS = (Promise, Accepted)
"""Messages that say what is durable only now. A HeartbeatAck may speak of a promise that was durable before."""


class Seat:
    """A replica's lives over one log. `sent` is what the last turn sent, encoded, with its receiver."""

    def __init__(self, me: int, random: Random) -> None:
        self.me = me
        self.sent: list[tuple[int, bytes]] = []
        self.decided: dict[int, bytes] = {}
        """Payloads by slot, of this life."""
        self._random = random
        self._directory = MemoryDirectory()
        self._promised = self._promised_durably = NO_BALLOT
        self._begin(0.0, must_exist=False)

    def restart(self, now: float) -> None:
        """Lose power, and live on from what the log holds."""
        self._directory.crash(self._random)
        self._begin(now, must_exist=True)

    def _begin(self, now: float, *, must_exist: bool) -> None:
        self.sent = []
        self._log = AcceptorLog.open(self._directory, b"fuzz", LogConfig(segment_bytes=1 << 20), must_exist=must_exist)
        durable = Durable()
        if (found := self._log.recovered.get(GROUP)) is not None:
            entries = tuple(Entry(each.slot, Ballot(*each.ballot), each.payload) for each in found.entries)
            durable = Durable(Ballot(*found.promised), found.decided_through, entries)
        assert durable.promised >= self._promised, "P1: a promise was forgotten"
        self._promised_durably = durable.promised
        assert all(entry.ballot <= durable.promised for entry in durable.entries), "P2: accepted above the promise"
        self.decided = {each.slot: each.payload for each in self._read(1, durable.decided_through)}
        assert len(self.decided) == durable.decided_through, "a decided entry is not in the log"
        self.replica = Replica(
            replica=self.me, epoch=EPOCH, members=MEMBERS, config=CONFIG, random=self._random, durable=durable, now=now
        )

    def step(self, sender: int, message: Message, now: float) -> None:
        """Take a message, and do all that follows from it."""
        self.replica.step(sender, message, now)
        self.turn(now)

    def turn(self, now: float) -> None:
        """Obey the replica until it has nothing more to say; its messages to itself return at once."""
        while ready := self.replica.ready():
            self._check(ready)
            own = [send.message for send in ready.after_sync if send.to == self.me]
            self._post(ready.at_once)
            self._persist(ready)
            self._post(send for send in ready.after_sync if send.to != self.me)
            for entry in ready.decided:
                self.decided[entry.slot] = entry.payload
            for order in ready.serve:
                piece = tuple(self._read(order.first, order.through, PIECE_BYTES))
                self._post([Send(order.to, Decided(order.ballot, order.first, piece, order.through))])
            for message in own:
                self.replica.step(self.me, message, now)

    def _check(self, ready: Ready) -> None:
        replica, acceptor = self.replica, self.replica._acceptor
        assert replica.ballot >= self._promised, "P1: a promise fell"
        self._promised = replica.ballot
        held = (*ready.entries, *ready.learned, *acceptor.accepted.values())
        assert all(entry.ballot <= replica.ballot for entry in held), "P2: accepted above the promise"
        slots = [entry.slot for entry in ready.decided]
        assert slots == list(range(len(self.decided) + 1, len(self.decided) + 1 + len(slots))), "P6: a gap"
        assert replica.decided_through == len(self.decided) + len(slots), "P6: decided, and not handed out"
        assert len(acceptor.accepted) <= 2 * AHEAD_ENTRIES_MAX, "more is held than the bound admits"
        for send in ready.at_once:
            assert send.to != self.me and not isinstance(send.message, _CLAIMS), "it claims what is not durable yet"
            if isinstance(send.message, HeartbeatAck):
                assert send.message.ballot <= self._promised_durably, "an ack claims what is not durable yet"
        for order in ready.serve:
            assert 1 <= order.first <= order.through <= replica.decided_through, "it serves what is not decided"
        assert all(point <= replica.decided_through for _, point in ready.confirmed), "a read point ahead of itself"

    def _persist(self, ready: Ready) -> None:
        """As the driver does."""
        if ready.promise is not None:
            self._log.promise(GROUP, ready.promise)
        for entry in (*ready.entries, *ready.learned):
            self._log.accept(GROUP, entry.slot, entry.ballot, entry.payload)
        if ready.decided:
            self._log.decided(GROUP, ready.decided[-1].slot)
        if ready.must_sync():
            self._log.flush()
        if ready.promise is not None:
            self._promised_durably = ready.promise
            self.replica.synced(ready.promise)

    def _read(self, first: int, through: int, max_bytes: int = 1 << 30) -> list[Entry]:
        logged = self._log.read(GROUP, first, through, max_bytes)
        return [Entry(each.slot, Ballot(*each.ballot), each.payload) for each in logged]

    def _post(self, sends: Iterable[Send]) -> None:
        self.sent += [(send.to, codec.encode(GROUP, self.me, send.to, send.message)) for send in sends]


class Trio:
    """The seats, the messages under way between them, and their common time."""

    def __init__(self, random: Random) -> None:
        self.now = 0.0
        self.seats = {me: Seat(me, random) for me in MEMBERS}
        self.under_way: list[tuple[int, bytes]] = []
        """Receiver and message."""
        self._random = random
        self._reads = 0

    def elect(self) -> None:
        """Live until somebody serves."""
        for _ in range(ELECTED_WITHIN):
            if any(seat.replica.serving for seat in self.seats.values()):
                return
            self.live()
        raise AssertionError("nobody is elected")

    def live(self) -> None:
        """One thing happens: a message arrives or is lost, time passes, or a client asks."""
        choice = self._random.random()
        if self.under_way and choice < 0.75:
            receiver, data = self.under_way.pop(self._random.randrange(min(4, len(self.under_way))))
            if choice > 0.01:
                self.deliver(receiver, data)
        elif choice < 0.9:
            self.now += 0.7 if self._random.random() < LONG_WAIT else self._random.choice((0.001, 0.02, 0.1))
            for seat in self.seats.values():
                seat.replica.tick(self.now)
        else:
            for seat in self.seats.values():
                self._reads += 1
                seat.replica.propose(b"command %d" % self._reads, self.now)
                seat.replica.read(self._reads, self.now)
        self.settle()

    def deliver(self, receiver: int, data: bytes) -> None:
        """Bytes arrive at a node. As `Driver.receive`, which has seen to it that the sender is who it says."""
        group, sender, addressed, message = codec.decode(data)
        if (group, addressed) == (GROUP, receiver) and not isinstance(message, SnapshotMessage | ReadPointMessage):
            self.seats[receiver].step(sender, message, self.now)
            self.settle()

    def settle(self) -> None:
        """All turns that are due."""
        for seat in self.seats.values():
            seat.turn(self.now)
            self.under_way += seat.sent
            seat.sent.clear()

    def check_agreement(self) -> None:
        """P4, P5: nobody decided otherwise than another."""
        for seat in self.seats.values():
            for other in self.seats.values():
                common = seat.decided.keys() & other.decided.keys()
                assert all(seat.decided[slot] == other.decided[slot] for slot in common), "two decided differently"
