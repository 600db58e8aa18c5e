"""What a driver waits for while its log syncs."""

from __future__ import annotations

from unittest.mock import patch

from ostraka_server.paxos import Entry
from ostraka_server.paxos import messages as m
from tests.client.virtual_time import VirtualClock, turns, virtual_time
from tests.shard.asking import Asked, bounded_get
from tests.shard.turner import LEADER, Turner


@virtual_time
async def test_a_request_for_a_read_point_that_is_overdue_waits_for_the_sync(clock: VirtualClock) -> None:
    turner = Turner(clock)
    await turner.follow(b"")
    turner.group.submit(Asked(bounded_get(0), deadline=1e9))
    turner.driver.wake()
    await turns()
    assert turner.done[-1] == "send AskReadPoint"
    turner.runner.gate.clear()
    await turner.hear(2, m.Accept(LEADER, (Entry(2, LEADER, b""),), 0))
    with patch.object(turner.group, "attend", wraps=turner.group.attend) as attend:
        await clock.sleep(turner.group.reads.deadline - clock.now() + 0.1)
    assert not turner.task.done()
    assert 0 < attend.call_count <= 20
    turner.runner.gate.set()
    await turns()
    assert turner.done.count("send AskReadPoint") == 2, "and is made again then"
    await turner.stop()
