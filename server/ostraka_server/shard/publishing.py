"""The system group's leader sees to it that a layout is published."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import PutRequest
from ostraka_server.shard.calls import Call
from ostraka_server.shard.group import Group
from ostraka_server.shard.layout import FIRST_LAYOUT, LAYOUT_KEY
from ostraka_server.store import DamagedStore


def publish_first_layout(system: Group, wake: Callable[[], None]) -> None:
    """From now on, whenever this node leads the system group and finds no layout there, it proposes the first one."""
    system.listeners.append(partial(_publish, system, wake))


def _publish(system: Group, wake: Callable[[], None]) -> None:
    try:
        if not system.replica.serving or system.lost or system.get(LAYOUT_KEY) is not None:
            return
    except DamagedStore:  # the group knows: another replica will lead
        return
    command = Command(put=PutRequest(key=LAYOUT_KEY, value=FIRST_LAYOUT.encode()))
    # Nobody waits for the answer: whoever leads next looks again. Passed on like a client's call it would go by its
    # key, to a shard; so it counts as passed on already.
    call = Call(command.SerializeToString(), command, float("inf"), lambda reply: None, forwarded=True)
    system.submit(call)
    wake()
