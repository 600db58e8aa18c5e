"""What a node says of itself: whether calls would have to wait."""

from __future__ import annotations

from ostraka_server.shard.readiness import missing, reaches_quorum
from tests.machine.commands import entry
from tests.shard.asking import put
from tests.shard.script import Script, new_group


def test_without_a_leader_it_is_not_ready() -> None:
    script = Script()
    assert not reaches_quorum(script.group)
    assert missing(script.group) == "no leader is known here"


def test_a_leader_is_ready_with_its_barrier() -> None:
    script = Script()
    script.elect()
    assert reaches_quorum(script.group)
    assert "not decided yet" in (missing(script.group) or "")
    script.accept()
    assert missing(script.group) is None


def test_a_follower_is_ready_when_it_hears_a_leader() -> None:
    script = Script()
    script.led_by_2(b"")
    assert missing(script.group) is None


def test_a_replica_far_behind_with_applying_is_not_ready() -> None:
    script = Script(new_group(unflushed_max=1))
    count = script.group.replica.config.window_entries + 2
    script.led_by_2(*[entry(put())] * count)
    assert "not applied yet" in (missing(script.group) or "")
