"""Handing leadership over before a node stops, so that nobody waits for an election timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ostraka.clock import Clock
from ostraka_server.paxos import ReplicaId
from ostraka_server.shard.group import Group


async def transfer(
    group: Group, target: ReplicaId, clock: Clock, deadline: float, wake: Callable[[], None]
) -> str | None:
    """Hand leadership to `target`. None once it leads, as far as this replica knows; else why it does not."""
    changed = asyncio.Event()
    group.listeners.append(changed.set)
    try:
        if group.replica.leader == target:
            return None
        if not group.replica.transfer(target, clock.now()):
            return "the leader is not serving yet, or hands over already: try again"
        wake()
        while group.replica.leader != target:
            changed.clear()
            if not await within(clock, deadline, changed.wait()):
                return "it did not take over in time; is it running, and caught up?"
        return None
    finally:
        group.listeners.remove(changed.set)


async def hand_over(group: Group, clock: Clock, wake: Callable[[], None]) -> None:
    """Return once this replica does not lead. Tries the other members in turn, as long as it takes."""
    while group.leads and group.replica.others:
        for target in group.replica.others:
            await transfer(group, target, clock, clock.now() + 2 * group.replica.config.election_timeout_s, wake)
            if not group.leads:
                return
        await clock.sleep(group.replica.config.heartbeat_s)


async def within(clock: Clock, deadline: float, work: Coroutine[Any, Any, object]) -> bool:
    """Await `work` until `deadline` on the clock; whether it finished. What has not is cancelled."""
    task = asyncio.create_task(work)
    timer = clock.call_at(deadline, task.cancel)
    try:
        await asyncio.wait((task,))
    finally:
        timer.cancel()
        if not task.done():
            task.cancel()
    if task.cancelled():
        return False
    task.result()
    return True
