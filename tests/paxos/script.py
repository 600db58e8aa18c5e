"""The transcripts' language: a file of blocks, each some remarks, one command, `----`, and what it brought about.

    # Remarks say why.
    propose 1 a b
    ----
      1 -> 2 3: Accept 1.1: 2=a 3=b, decided through 1

Times are milliseconds, replicas are numbers. A command that ends in `quietly` shows outcomes only, no messages.
transcripts/README.md lists the commands.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ostraka_server.paxos import Ballot, PaxosConfig
from ostraka_server.paxos.messages import Heartbeat, HeartbeatAck, Message, Prepare, TakeOver
from tests.paxos import wording
from tests.paxos.group import Flight, Group

RULE = "----"
NOTHING = "(nothing)"
OUTCOMES = ("decides", "confirms", "fails", "loses", "serves as", "leads", "follows")


@dataclass
class Block:
    """A command, the remarks above it, and the output below it."""

    remarks: list[str]
    command: str
    output: list[str]

    def __str__(self) -> str:
        return "\n".join([*self.remarks, self.command, RULE, *self.output])


def parse(text: str) -> list[Block]:
    """The blocks of a transcript, which empty lines part. Raises ValueError where one has no command."""
    return [_parse_block(block.splitlines()) for block in text.strip("\n").split("\n\n")]


def _parse_block(lines: list[str]) -> Block:
    remarks = [line for line in lines if line.startswith("#")]
    command, *rest = lines[len(remarks) :] or [""]
    if not command or rest[:1] not in ([], [RULE]):
        raise ValueError(f"not remarks, one command and {RULE}: {lines}")
    return Block(remarks, command, rest[1:])


def render(blocks: list[Block]) -> str:
    """The text of a transcript."""
    return "\n\n".join(map(str, blocks)) + "\n"


class Script:
    """Runs commands on one group."""

    def __init__(self) -> None:
        self._group: Group | None = None

    @property
    def group(self) -> Group:
        assert self._group is not None, "the first command is `group`"
        return self._group

    def run(self, command: str) -> list[str]:
        """Run a command; the lines that it brings about, NOTHING if none."""
        name, *words = command.split()
        quietly = words[-1:] == ["quietly"]
        shown: list[str] = _COMMANDS[name](self, words[:-1] if quietly else words) or []
        lines, self.group.out[:] = [*self.group.out, *shown], []
        if quietly:
            lines = [line.strip() for line in lines if line.split(maxsplit=1)[1].startswith(OUTCOMES)]
        return lines or [NOTHING]

    def create(self, words: list[str]) -> None:
        size, *bounds = words
        self._group = Group(int(size), PaxosConfig(**{key: int(value) for key, value in map(_pair, bounds)}))

    # Time

    def elapse(self, words: list[str]) -> None:
        self.group.elapse(int(words[0]) / 1000, delivering=words[1:] == ["delivering"])

    def time_out(self, words: list[str]) -> None:
        self.group.time_out(self.group.members[int(words[0])])

    # Clients

    def propose(self, words: list[str]) -> list[str]:
        return self._propose(int(words[0]), words[1:])

    def fill(self, words: list[str]) -> list[str]:
        """Propose many payloads, as many at a time as the window takes, and deliver everything in between."""
        number, count = map(int, words)
        payloads = [f"p{i}" for i in range(1, count + 1)]
        while payloads:
            payloads = payloads[self._propose_while_room(number, payloads) :]
            self.group.deliver_all()
        return []

    def _propose_while_room(self, number: int, payloads: list[str]) -> int:
        member = self.group.members[number]
        assert member.up.has_room
        taken = 0
        while taken < len(payloads) and member.up.propose(payloads[taken].encode(), self.group.now):
            taken += 1
        member.turn(self.group.now)
        return taken

    def _propose(self, number: int, payloads: list[str]) -> list[str]:
        taken = 0
        if self.group.members[number].up.has_room:
            taken = self._propose_while_room(number, payloads)
        return [f"  {number} refuses {payload}" for payload in payloads[taken:]]

    def read(self, words: list[str]) -> None:
        number, *reads = map(int, words)
        member = self.group.members[number]
        for read in reads:
            member.up.read(read, self.group.now)
        member.turn(self.group.now)

    def transfer(self, words: list[str]) -> list[str]:
        member, target = self.group.members[int(words[0])], int(words[2])
        begun = member.up.transfer(target, self.group.now)
        member.turn(self.group.now)
        return [] if begun else [f"  {words[0]} refuses"]

    # The network

    def deliver(self, words: list[str]) -> None:
        if not words:
            return self.group.deliver_all()
        if words[0] == "latest":
            return self.group.deliver(self.group.take_latest(_wanted(words[1:])))
        for flight in self.group.take(_wanted(words)):
            self.group.deliver(flight)

    def drop(self, words: list[str]) -> list[str]:
        return [f"  drops {_flight(flight)}" for flight in self.group.take(_wanted(words))]

    def duplicate(self, words: list[str]) -> list[str]:
        copies = [flight for flight in self.group.in_flight if _wanted(words)(flight)]
        self.group.in_flight.extend(copies)
        return [f"  doubles {_flight(flight)}" for flight in copies]

    def network(self, words: list[str]) -> list[str]:
        return [f"  {_flight(flight)}" for flight in self.group.in_flight]

    def cut(self, words: list[str]) -> None:
        self.group.sides = [frozenset(map(int, side.split())) for side in " ".join(words).split("|")]

    def heal(self, words: list[str]) -> None:
        self.group.sides = []

    def forge(self, words: list[str]) -> None:
        """Bring a message that nobody sent: `9 -> 1 Prepare 1.7.9 0`, the ballot with its epoch."""
        sender, _, receiver, kind, ballot, *numbers = words
        epoch, round_, replica = map(int, ballot.split("."))
        forged = _FORGED[kind](Ballot(epoch, round_, replica), *map(int, numbers))
        self.group.deliver((int(sender), int(receiver), forged))

    # Faults

    def crash(self, words: list[str]) -> None:
        for number in words:
            self.group.members[int(number)].crash()

    def restart(self, words: list[str]) -> list[str]:
        for number in words:
            self.group.members[int(number)].start(self.group.now)
        return self.show(words)

    def damage(self, words: list[str]) -> None:
        number, *slots = map(int, words)
        for slot in slots:
            self.group.members[number].disk.damage(slot)

    def hold(self, words: list[str]) -> None:
        self.group.members[int(words[0])].held = True

    def sync(self, words: list[str]) -> None:
        member = self.group.members[int(words[0])]
        member.held = False
        member.sync(self.group.now)

    def show(self, words: list[str]) -> list[str]:
        return [self._show(int(number)) for number in words or self.group.members]

    def _show(self, number: int) -> str:
        member = self.group.members[number]
        durable = member.disk.durable()
        disk = f"promise {wording.ballot(durable.promised)}, mark {durable.decided_through}, "
        disk += f"above it {wording.entries(durable.entries)}"
        disk += wording.faulty(durable.faulty)
        if member.replica is None:
            return f"  {number} is down; on disk: {disk}"
        return f"  {number} {member.standing()}, decided through {member.up.decided_through}; on disk: {disk}"


_COMMANDS: dict[str, Callable[[Script, list[str]], list[str] | None]] = {
    "group": Script.create,
    "elapse": Script.elapse,
    "timeout": Script.time_out,
    "propose": Script.propose,
    "fill": Script.fill,
    "read": Script.read,
    "transfer": Script.transfer,
    "deliver": Script.deliver,
    "drop": Script.drop,
    "duplicate": Script.duplicate,
    "network": Script.network,
    "cut": Script.cut,
    "heal": Script.heal,
    "forge": Script.forge,
    "crash": Script.crash,
    "restart": Script.restart,
    "damage": Script.damage,
    "hold": Script.hold,
    "sync": Script.sync,
    "show": Script.show,
}

_FORGED: dict[str, Callable[..., Message]] = {
    "Prepare": Prepare,
    "Heartbeat": Heartbeat,
    "HeartbeatAck": HeartbeatAck,
    "TakeOver": TakeOver,
}


def _pair(bound: str) -> tuple[str, str]:
    key, value = bound.split("=")
    return key, value


def _wanted(words: list[str]) -> Callable[[Flight], bool]:
    """`1 -> 2`, `Accept`, or both; everything without words."""
    link = (int(words[0]), int(words[2])) if "->" in words else None
    kinds = words[3:] if link else words

    def wanted(flight: Flight) -> bool:
        sender, receiver, message = flight
        return link in (None, (sender, receiver)) and (not kinds or type(message).__name__ in kinds)

    return wanted


def _flight(flight: Flight) -> str:
    sender, receiver, message = flight
    return f"{sender} -> {receiver}: {wording.message(message)}"
