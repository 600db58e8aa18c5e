"""What a driver waits for while its log syncs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ostraka_server.paxos import Entry
from ostraka_server.paxos import messages as m
from ostraka_server.shard.group import Group
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
    attended = counting_attend(turner.group, at_most=20)
    await clock.sleep(turner.group.reads.deadline - clock.now() + 0.1)
    assert not turner.task.done(), "it turns without end"
    assert attended() > 0
    turner.runner.gate.set()
    await turns()
    assert turner.done.count("send AskReadPoint") == 2, "and is made again then"
    await turner.stop()


def counting_attend(group: Group, *, at_most: int) -> Callable[[], int]:
    """How often the group has been attended from now on; beyond `at_most` it fails."""
    attend, attended = group.attend, 0

    def counted(now: float) -> Sequence[m.Send]:
        nonlocal attended
        attended += 1
        assert attended <= at_most
        return attend(now)

    group.attend = counted  # type: ignore[method-assign]
    return lambda: attended
