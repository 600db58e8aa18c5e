"""Where every call enters a node: checked, bounded, routed; carried out here or passed on to whoever leads.

Any node answers any request. A call whose group has no known leader waits here for one, until its deadline; so does a
call that came back because its leader had just changed. Nothing waits longer than its deadline, and a read that any
node may answer, not even so long: another node may hear from the leader.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Protocol

from google.protobuf.message import DecodeError

from ostraka.clock import Clock
from ostraka.v1.exchange_pb2 import Command, Reply
from ostraka_server.machine import validate
from ostraka_server.shard import failures
from ostraka_server.shard.admission import Admission, AdmissionLimits
from ostraka_server.shard.answers import refused
from ostraka_server.shard.calls import TO_A_SHARD, Call
from ostraka_server.shard.forwarding import Forwarder
from ostraka_server.shard.group import Group
from ostraka_server.shard.router import Router
from ostraka_server.shard.tally import Tally

PARKED_RETRY_S = 0.05
"""Calls that wait for a leader look again this often, and whenever the leader known here changes."""


class CallLimits(AdmissionLimits, Protocol):
    """What a node accepts."""

    @property
    def key_bytes_max(self) -> int: ...
    @property
    def value_bytes_max(self) -> int: ...
    @property
    def txn_operations_max(self) -> int: ...
    @property
    def read_point_wait_ms(self) -> int: ...
    @property
    def default_timeout_ms(self) -> int: ...
    @property
    def timeout_ms_max(self) -> int: ...


class Gateway:
    """One node's. Refuses everything until `open`, and from `close` on."""

    def __init__(self, *, node: str, limits: CallLimits, forwarder: Forwarder, clock: Clock) -> None:
        self._node = node
        self._limits = limits
        self._forwarder = forwarder
        self._clock = clock
        self._router: Router | None = None
        self.wake: Callable[[], None] = lambda: None
        """Has the driver turn the groups."""
        self.write_refusal: Callable[[], Reply | None] = lambda: None
        """The answer to writes that would be carried out here, while there is no room for them."""
        self.refusal: Reply | None = failures.not_ready("the other nodes")
        """The answer to everything, while this node takes nothing."""
        self._parked: defaultdict[int, list[Call]] = defaultdict(list)
        self._retry_armed = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._admission = Admission(limits, clock.now())
        self.tally = Tally()

    @property
    def router(self) -> Router | None:
        """From keys to groups, once the cluster is formed."""
        return self._router

    @property
    def in_flight(self) -> int:
        """Calls taken and not answered yet."""
        return self._admission.in_flight

    @property
    def in_flight_bytes(self) -> int:
        """Of their commands."""
        return self._admission.in_flight_bytes

    @property
    def parked(self) -> int:
        """Those of them that wait for a leader."""
        return sum(map(len, self._parked.values()))

    def waits_for(self, nodes: list[str]) -> None:
        """The cluster is being formed and these nodes are missing."""
        self.refusal = failures.not_ready(", ".join(nodes) or "the first epoch")

    def open(self, router: Router, wake: Callable[[], None]) -> None:
        """The groups are there; `wake` has the driver turn them."""
        self._router = router
        self.wake = wake
        self.refusal = None
        for group in router.groups.values():
            group.reroute = partial(self._park, group)
            group.listeners.append(partial(self._look_again, group))

    async def close(self) -> None:
        """Take nothing new; returns once every call has been answered (each has a deadline)."""
        self.refusal = failures.shutting_down(self._node)
        await self._idle.wait()

    def submit(
        self, command: bytes, timeout_ms: int, answer: Callable[[Reply], None], *, forwarded: bool = False
    ) -> Call | None:
        """Take a serialised Command; `answer` gets its reply, now or later, exactly once. None where it was refused."""
        refusal = self.refuse(1, len(command))
        if refusal is not None:
            answer(refusal)
            return None
        try:
            parsed = Command.FromString(command)
        except DecodeError:
            self._tell("malformed", answer, failures.invalid("the command is not an ostraka.v1.Command"))
            return None
        timeout_ms = min(timeout_ms or self._limits.default_timeout_ms, self._limits.timeout_ms_max)
        now = self._clock.now()
        deadline = now + timeout_ms / 1000
        call = Call(command, parsed, deadline, answer, taken_at=now, forwarded=forwarded, ended=self._ended)
        if call.is_local_read:
            call.waits_until = min(call.deadline, now + self._limits.read_point_wait_ms / 1000)
        problem = validate(call.request, self._limits)
        if problem is not None:
            self._tell(call.kind or "none", answer, refused(problem))
            return None
        self._admission.take(len(command))
        self._idle.clear()
        group = self._group_of(call)
        if group is not None:
            self._route(group, call)
        return call

    def refuse(self, calls: int, first_bytes: int) -> Reply | None:
        """The one answer to so many calls where not even the first of them, of so many bytes, can be taken now. None
        where it may be submitted. Costs nearly nothing for each: under overload most calls end here, unread."""
        refusal = self.refusal
        if refusal is None:
            full = self._admission.full(first_bytes, self._clock.now())
            if full is None:
                return None
            refusal = failures.overloaded(f"node {self._node}'s {full}")
        self.tally.count("unread", refusal, calls)
        return refusal

    def withdraw(self, call: Call) -> None:
        """The caller does not want the answer any more. A write that is not proposed yet is dropped."""
        call.answer(failures.withdrawn())

    def _group_of(self, call: Call) -> Group | None:
        """The group that is asked; None where there is no such, which the caller is told."""
        assert self._router is not None
        if call.kind not in TO_A_SHARD:
            return self._router.group_of(call.key)
        shard: int = call.request.shard
        group = self._router.data_group(shard)
        if group is None and shard == 0:
            call.answer(failures.invalid("the request names no shard, and there are several: name one"))
        elif group is None:
            call.answer(failures.no_such_shard(shard))
        return group

    def _ended(self, call: Call, reply: Reply) -> None:
        admission = self._admission
        admission.end(len(call.command))
        if admission.in_flight == 0:
            self._idle.set()
        assert call.kind is not None, "admitted, hence of a known kind"
        self.tally.count(call.kind, reply)
        self.tally.seconds[call.kind].observe(self._clock.now() - call.taken_at)

    def _tell(self, operation: str, answer: Callable[[Reply], None], reply: Reply) -> None:
        self.tally.count(operation, reply)
        answer(reply)

    def _route(self, group: Group, call: Call) -> None:
        local = call.is_local_read and not group.lost
        if local and group.may_answer(call):
            group.read_locally(call)
        elif group.leads or (local and group.leader_node is not None):
            self._carry_out(group, call)
        elif (leader := group.leader_node) is None:
            self._park(group, call)
        elif call.forwarded:
            call.answer(failures.not_leader(group.shard, leader, self._forwarder.address(leader)))
        else:
            self._forwarder.forward(call, leader, partial(self._park, group))

    def _carry_out(self, group: Group, call: Call) -> None:
        refusal = None if call.is_read else self.write_refusal()
        if refusal is not None:
            call.answer(refusal)
        else:
            group.submit(call)
            self.wake()

    def _park(self, group: Group, call: Call) -> None:
        """Wait for a leader, or for the known one to settle."""
        call.expire(self._clock.now())
        if call.is_answered:
            return
        if call.forwarded and group.leader_node is None:
            call.answer(failures.no_leader(group.shard))
        else:
            self._parked[group.id].append(call)
            self._arm_retry()

    def _arm_retry(self) -> None:
        if not self._retry_armed:
            self._retry_armed = True
            self._clock.call_at(self._clock.now() + PARKED_RETRY_S, self._retry_parked)

    def _retry_parked(self) -> None:
        self._retry_armed = False
        assert self._router is not None
        for group in self._router.groups.values():
            self._look_again(group)

    def _look_again(self, group: Group) -> None:
        parked = self._parked.pop(group.id, [])
        for call in parked:
            if group.leader_node is None:
                self._park(group, call)
            elif not call.is_answered:
                self._route(group, call)
