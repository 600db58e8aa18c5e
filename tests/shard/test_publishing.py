"""The first layout is published by whoever leads the system group, there and nowhere else."""

from __future__ import annotations

from ostraka_server.shard.layout import FIRST_LAYOUT, LAYOUT_KEY
from ostraka_server.shard.publishing import publish_first_layout
from tests.client.virtual_time import VirtualClock, virtual_time
from tests.shard.script import Script, new_group
from tests.shard.test_gateway import Entrance


def publishing() -> tuple[Script, list[str]]:
    script, wakes = Script(new_group(number=0)), list[str]()
    publish_first_layout(script.group, lambda: wakes.append("wake"))
    return script, wakes


def test_a_leader_that_finds_none_proposes_the_first_layout() -> None:
    script, wakes = publishing()
    script.lead()
    assert wakes == ["wake"]
    script.accept()
    row = script.group.machine.get(LAYOUT_KEY)
    assert row is not None
    assert row.value == FIRST_LAYOUT.encode()


def test_it_is_published_once() -> None:
    script, _ = publishing()
    script.lead()
    script.accept()
    script.deposed()
    script.lead()
    script.accept()
    assert script.group.stats.proposals == 1


def test_a_follower_publishes_nothing() -> None:
    script, wakes = publishing()
    script.led_by_2(b"")
    assert wakes == []
    assert not script.group.waiting


@virtual_time
async def test_a_layout_that_was_not_proposed_reaches_no_other_node_as_a_clients_put(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    system = Script(entrance.system)
    entrance.gateway.open(entrance.gateway.router, entrance.gateway.wake)  # type: ignore[arg-type]  # it is open
    publish_first_layout(system.group, lambda: None)
    system.lead()
    assert system.group.waiting, "queued, but the next turn"
    system.deposed()
    system.led_by_2(b"")
    await clock.sleep(10.0)
    assert not entrance.forwarder.forwarded
    assert not system.group.waiting


@virtual_time
async def test_a_layout_that_lost_its_slot_reaches_no_other_node_either(clock: VirtualClock) -> None:
    entrance = Entrance(clock)
    system = Script(entrance.system)
    entrance.gateway.open(entrance.gateway.router, entrance.gateway.wake)  # type: ignore[arg-type]
    publish_first_layout(system.group, lambda: None)
    system.lead()
    system.turn()
    system.deposed()
    system.led_by_2(b"")
    await clock.sleep(10.0)
    assert not entrance.forwarder.forwarded
