"""Handing leadership over before a node stops, so that nobody waits for an election timeout."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from ostraka.clock import Clock
from ostraka_server.shard.group import Group


async def hand_over(group: Group, clock: Clock, wake: Callable[[], None]) -> None:
    """Return once this replica does not lead. Tries the other members in turn, as long as it takes."""
    changed = asyncio.Event()
    group.listeners.append(changed.set)
    try:
        while group.leads:
            for target in group.replica.others:
                changed.clear()
                if not group.replica.transfer(target, clock.now()):
                    continue
                wake()
                await within(clock, clock.now() + 2 * group.replica.config.election_timeout_s, changed.wait())
                if not group.leads:
                    return
            if not group.replica.others:
                return
            await clock.sleep(group.replica.config.heartbeat_s)
    finally:
        group.listeners.remove(changed.set)


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
