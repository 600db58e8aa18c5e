"""One life of a replica, from its start to its crash: obeys `Ready` in the order that it demands.

Turns overlap: the replica is stepped while a sync is under way, and later turns queue behind it. A message to oneself
and the end of a sync are events like any other, so that a crash can fall between any two of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import Enum
from functools import partial
from math import inf
from random import Random
from typing import TypeVarTuple

from ostraka_server.paxos import Entry, Ready, Replica, ServeDecided
from ostraka_server.paxos.messages import Decided, Message, Send
from tests.simulation.clock import NANOSECOND, Clock
from tests.simulation.execution import EMPTY_DIGEST, next_digest
from tests.simulation.faults import Fault
from tests.simulation.inbox import Inbox
from tests.simulation.protocol.claims import check_at_once
from tests.simulation.protocol.disk import Accepted, Disk, Learned, Mark, Promised, Record
from tests.simulation.protocol.words import text
from tests.simulation.protocol.world import World
from tests.simulation.recorder import State
from tests.simulation.violation import Violation

Ts = TypeVarTuple("Ts")


class Boundary(Enum):
    """Where a crash can cut a turn short."""

    BEFORE_APPEND = "crash before append"
    BEFORE_SYNC = "crash between append and sync"
    BEFORE_SEND = "crash between sync and send"
    BEFORE_APPLY = "crash between send and apply"


class Life:
    """Starts from the disk alone. `over` once it ended; what it still had scheduled then never happens."""

    def __init__(
        self, me: int, world: World, disk: Disk, clock: Clock, random: Random, die: Callable[[], None]
    ) -> None:
        """`die` is called when the life reaches the boundary at which it is `doomed`."""
        self.me = me
        self.over = False
        self.doomed: Boundary | None = None
        self.sync_delay_s = 0.0
        """Added to every sync that begins."""
        self._world = world
        self._trace = world.watch.trace
        self._execution = world.watch.execution
        self._disk = disk
        self._clock = clock
        self._random = random
        self._die = die
        self._turns: deque[tuple[int, Ready]] = deque()
        self._needed = disk.end
        self._syncing = False
        self._inbox = Inbox(random)
        self._writes: dict[int, bytes] = {}
        self._reads: dict[int, int] = {}
        self._reads_begun = 0
        self._led = False
        durable = disk.recover()
        self._applied = self._marked = durable.decided_through
        self._digest = EMPTY_DIGEST
        for entry in disk.entries(1, self._applied):
            self._digest = next_digest(self._digest, entry.payload)
        self._execution.restarted(me, self._applied, self._digest)
        self._alarm_at = self._alarm_for = inf
        self.replica = Replica(
            replica=me,
            epoch=1,
            members=range(1, world.plan.members + 1),
            config=world.plan.config,
            random=random,
            durable=durable,
            now=clock.now(),
        )
        self.set_alarm()

    # Input

    def receive(self, sender: int, message: Message) -> None:
        """A message arrives."""
        self._happen(sender, self._step, sender, message)

    def write(self, payload: bytes) -> None:
        """A client wants `payload` in the log."""
        self._happen("clients", self._write, payload)

    def read(self) -> None:
        """A client wants to read."""
        self._happen("clients", self._read, self._world.watch.history.floor)

    def transfer(self, target: int) -> None:
        """An operator wants `target` to lead."""
        self._happen("clients", self._transfer, target)

    def pause(self) -> None:
        """Until `resume`, nothing happens here. A sync under way goes on."""
        self._inbox.pause()
        self._trace.state(self.me, State.PAUSED, True)

    def resume(self) -> None:
        """Wake up: first to all that came in meanwhile, then to the time."""
        self._trace.state(self.me, State.PAUSED, False)
        self._inbox.resume()
        self.set_alarm()

    def _happen(self, connection: int | str, act: Callable[[*Ts], None], *args: *Ts) -> None:
        """Something reaches this life from a replica or elsewhere, unless it is over by then."""
        if self._inbox.paused:
            self._inbox.put(connection, partial(self._unless_over, partial(act, *args)))
        elif not self.over:
            act(*args)

    def _unless_over(self, call: Callable[[], None]) -> None:
        if not self.over:
            call()

    def _step(self, sender: int, message: Message) -> None:
        self._trace.note(f"{self.me} from {sender}: {text(message)}")
        self.replica.step(sender, message, self._clock.now())
        self._turn()

    def _write(self, payload: bytes) -> None:
        slot = self.replica.propose(payload, self._clock.now())
        self._note(f"proposes {payload!r} at {slot}")
        if slot is not None:
            self._writes[slot] = payload
        self._turn()

    def _read(self, floor: int) -> None:
        self._reads_begun += 1
        self._reads[self._reads_begun] = floor
        self._note(f"begins read {self._reads_begun} at or above {floor}")
        self.replica.read(self._reads_begun, self._clock.now())
        self._turn()

    def _transfer(self, target: int) -> None:
        if self.replica.transfer(target, self._clock.now()):
            self._trace.count(Fault.TRANSFER)
            self._note(f"hands over to {target}")
        self._turn()

    # Time

    def set_alarm(self) -> None:
        """Tick when the replica wants it. To be called also when the clock was changed."""
        if not self.over:
            deadline = self.replica.deadline
            when = self._clock.true_time(deadline)
            self._alarm_for = deadline
            if when < self._alarm_at - NANOSECOND:  # by more than rounding
                self._alarm_at = when
                self._world.timeline.at(when, partial(self._ring, when))

    def _ring(self, alarm_at: float) -> None:
        if alarm_at == self._alarm_at:
            self._alarm_at = self._alarm_for = inf
            if not self.over and not self._inbox.paused:
                self._tick()

    def _tick(self) -> None:
        now = self._clock.now()
        if self.replica.deadline <= now:
            self.replica.tick(now)
            if self.replica.deadline <= now:
                raise Violation("Ready", f"replica {self.me}: tick leaves its deadline in the past")
            self._turn()
        self.set_alarm()

    # A turn: send, append, sync, send, apply, answer

    def _turn(self) -> None:
        replica = self.replica
        ready = replica.ready()
        self._execution.believed(self.me, replica.decided_through)
        if replica.leads != self._led:
            self._notice_role()
        if ready:
            self._begin(ready)
        if replica.deadline < self._alarm_for:  # else the alarm that is set comes early enough
            self.set_alarm()

    def _notice_role(self) -> None:
        self._led = self.replica.leads
        self._note(f"{'leads' if self._led else 'no longer leads'}, promised {self.replica.ballot}")
        self._trace.state(self.me, State.LEADS, self._led)
        if self._led:
            self._trace.count("election")

    def _begin(self, ready: Ready) -> None:
        for send in ready.at_once:
            check_at_once(self.me, send)
            self._send(send)
        if self.doomed is Boundary.BEFORE_APPEND:
            return self._end()
        if ready.must_sync():
            self._disk.append(_records(ready))
            self._needed = self._disk.end
        if self.doomed is Boundary.BEFORE_SYNC:
            return self._end()
        self._turns.append((self._needed, ready))
        self._advance()

    def _advance(self) -> None:
        """Finish the turns whose records are durable; sync for the others."""
        while not self.over and self._turns and self._turns[0][0] <= self._disk.synced:
            self._finish(self._turns.popleft()[1])
        if not self.over and self._turns and not self._syncing:
            self._syncing = True
            took = self._random.uniform(*self._world.plan.sync_s) + self.sync_delay_s
            self._world.timeline.after(took, partial(self._synced, self._disk.end))

    def _synced(self, end: int) -> None:
        if not self.over:
            self._disk.sync(end)
            self._happen("disk", self._after_sync)

    def _after_sync(self) -> None:
        self._syncing = False
        self._note(f"synced {self._disk.synced} records")
        if self.doomed is Boundary.BEFORE_SEND:
            return self._end()
        self._advance()

    def _finish(self, ready: Ready) -> None:
        if ready.promise is not None:
            self.replica.synced(ready.promise)
        for send in ready.after_sync:
            self._send(send)
        if self.doomed is Boundary.BEFORE_APPLY:
            return self._end()
        for entry in ready.decided:
            self._apply(entry)
        for serve in ready.serve:
            self._serve(serve)
        for read, read_point in ready.confirmed:
            self._note(f"answers read {read} at {read_point}")
            self._world.watch.history.answered(self._reads.pop(read), read_point, self._applied)
        for read in ready.failed_reads:
            del self._reads[read]
        if self._applied >= self._marked + self._world.plan.mark_entries:
            self._marked = self._applied
            self._disk.append([Mark(self._marked)])

    def _end(self) -> None:
        assert self.doomed is not None
        self._trace.count(self.doomed.value)
        self._die()

    def _send(self, send: Send) -> None:
        self._world.watch.sent(self.me, send)
        if send.to == self.me:
            self._world.timeline.after(0.0, partial(self.receive, self.me, send.message))
        else:
            self._world.transmit(self.me, send.to, send.message)

    def _apply(self, entry: Entry) -> None:
        self._digest = next_digest(self._digest, entry.payload)
        self._applied = entry.slot
        self._note(f"applied slot {entry.slot}: {entry.payload!r}")
        self._execution.applied(self.me, entry.slot, self._digest)
        if self._writes.pop(entry.slot, None) == entry.payload:
            self._world.watch.history.wrote(entry.slot, entry.payload)

    def _serve(self, serve: ServeDecided) -> None:
        last = min(serve.through, serve.first + self._world.plan.decided_entries_max - 1)
        entries = self._disk.entries(serve.first, last)
        self._send(Send(serve.to, Decided(serve.ballot, serve.first, entries, serve.through)))

    def _note(self, what: str) -> None:
        self._trace.note(f"{self.me} {what}")


def _records(ready: Ready) -> list[Record]:
    """What a turn appends: the promise first, since votes rely on it."""
    promise: list[Record] = [] if ready.promise is None else [Promised(ready.promise)]
    return [*promise, *map(Accepted, ready.entries), *map(Learned, ready.learned)]
