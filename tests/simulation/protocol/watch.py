"""All that watches a run: turns what replicas write and say into what the checkers judge and the trace counts."""

from __future__ import annotations

from collections.abc import Callable

from ostraka_server.paxos.messages import Accept, Decided, Nack, Promise, Send, TakeOver
from tests.simulation.agreement import Agreement
from tests.simulation.execution import Execution
from tests.simulation.history import History
from tests.simulation.protocol.claims import check_sent
from tests.simulation.protocol.disk import Accepted, Learned, Promised, Record
from tests.simulation.trace import Trace

COUNTED: dict[type, str] = {Nack: "nack", Decided: "catch-up", TakeOver: "take-over"}


class Watch:
    """One per run."""

    def __init__(self, trace: Trace, members: int) -> None:
        self.trace = trace
        self.agreement = Agreement(quorum=members // 2 + 1)
        self.execution = Execution(self.agreement)
        self.history = History(self.agreement)

    def durable(self, replica: int) -> Callable[[Record], None]:
        """What that replica's disk calls with each record that became durable."""

        def judge(record: Record) -> None:
            match record:
                case Promised(ballot):
                    self.agreement.promised(replica, ballot)
                case Accepted(entry):
                    self.agreement.voted(replica, entry.slot, entry.ballot, entry.payload)
                case Learned(entry):
                    self.execution.learned(replica, entry.slot, entry.payload)

        return judge

    def sent(self, replica: int, send: Send) -> None:
        """A message leaves `replica`."""
        message = send.message
        if isinstance(message, Accept):
            self._count_fills(message)
        check_sent(self.agreement, replica, message)
        if isinstance(message, Promise):
            self.agreement.told(replica, message.ballot)
        name = COUNTED.get(type(message))
        if name is not None:
            self.trace.count(name)

    def _count_fills(self, accept: Accept) -> None:
        """No-ops for holes. The last entry is no such: at the end of what a new leader adopts stands its barrier."""
        for entry in accept.entries[:-1]:
            if self.agreement.replaces_command(entry.slot, entry.ballot, entry.payload):
                self.trace.count("no-op fill")
