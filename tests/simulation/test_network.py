"""What happens to messages, one fault at a time."""

from __future__ import annotations

from random import Random

import pytest

from tests.simulation.network import Conditions, Network
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace

MESSAGES = 200
CALM = Conditions()


class Sender:
    """Sends numbers from 1 to 2 and notes what arrives."""

    def __init__(self, conditions: Conditions = CALM, seed: int = 0) -> None:
        self.timeline = Timeline()
        self.trace = Trace(self.timeline)
        self.arrived: list[int] = []
        self.network: Network[int] = Network(self.timeline, Random(seed), self.trace, conditions, self._deliver)

    def send(self, count: int = MESSAGES) -> None:
        for number in range(count):
            self.network.send(1, 2, number)
            self.timeline.run_until(self.timeline.now + 0.001)

    def settle(self) -> list[int]:
        self.timeline.run_until(self.timeline.now + 60)
        return self.arrived

    def _deliver(self, source: int, target: int, message: int) -> None:
        assert (source, target) == (1, 2)
        self.arrived.append(message)


def test_a_calm_network_delivers_everything_in_order() -> None:
    sender = Sender()
    sender.send()
    assert sender.settle() == list(range(MESSAGES))


def test_late_messages_stay_in_order() -> None:
    sender = Sender(Conditions(delay_s=(0.0, 1.0)))
    sender.send()
    assert sender.settle() == list(range(MESSAGES))


def test_lost_messages_do_not_arrive_and_are_counted() -> None:
    sender = Sender(Conditions(loss=0.3))
    sender.send()
    assert 0 < len(sender.settle()) < MESSAGES
    assert len(sender.arrived) + sender.trace.counts["loss"] == MESSAGES


def test_a_flickering_link_loses_most_but_not_all_until_it_is_over() -> None:
    sender = Sender()
    sender.network.flicker([(1, 2)], until=0.1)
    sender.send()
    lost = sender.trace.counts["flicker"]
    assert 50 < lost < 70, "of the first hundred"
    assert len(sender.settle()) == MESSAGES - lost
    assert set(range(100, MESSAGES)) < set(sender.arrived)


def test_duplicates_arrive_twice() -> None:
    sender = Sender(Conditions(duplicate=0.3))
    sender.send()
    assert len(sender.settle()) == MESSAGES + sender.trace.counts["duplicate"] > MESSAGES
    assert set(sender.arrived) == set(range(MESSAGES))


def test_stragglers_are_overtaken() -> None:
    sender = Sender(Conditions(straggle=0.3))
    sender.send()
    assert sorted(sender.settle()) == list(range(MESSAGES)) != sender.arrived


def test_a_blocked_link_loses_messages_in_one_direction_until_every_block_is_gone() -> None:
    sender = Sender()
    for _ in range(2):
        sender.network.block([(1, 2)])
    sender.network.unblock([(1, 2)])
    sender.send(3)
    assert sender.settle() == []
    sender.network.unblock([(1, 2)])
    sender.send(3)
    assert sender.settle() == [0, 1, 2]


def test_a_block_of_the_other_direction_does_no_harm() -> None:
    sender = Sender()
    sender.network.block([(2, 1)])
    sender.send(3)
    assert sender.settle() == [0, 1, 2]


def test_a_clogged_link_delivers_all_at_once_when_it_clears() -> None:
    sender = Sender()
    sender.network.clog([(1, 2)], until=5.0)
    sender.send(3)
    sender.timeline.run_until(4.999)
    assert sender.arrived == []
    sender.timeline.run_until(5.0)
    assert sender.arrived == [0, 1, 2]


def test_old_messages_come_back() -> None:
    sender = Sender()
    sender.send(10)
    sender.settle()
    sender.network.replay(4)
    assert len(sender.settle()) == 14
    assert sender.trace.counts["replay"] == 4


def test_calm_ends_every_fault() -> None:
    sender = Sender(Conditions(loss=0.9, duplicate=0.9, straggle=0.9))
    sender.network.block([(1, 2)])
    sender.network.clog([(1, 2)], until=1000.0)
    sender.network.flicker([(1, 2)], until=1000.0)
    sender.network.calm()
    sender.send()
    assert sender.settle() == list(range(MESSAGES))


def test_after_calm_nothing_waits_behind_what_was_held_back() -> None:
    sender = Sender()
    sender.network.clog([(1, 2)], until=5.0)
    sender.network.send(1, 2, 0)
    sender.network.calm()
    sender.network.send(1, 2, 1)
    assert sender.settle() == [1, 0]


@pytest.mark.parametrize(("seed", "same"), [(7, True), (8, False)])
def test_the_seed_alone_decides(seed: int, same: bool) -> None:
    rough = Conditions(loss=0.2, duplicate=0.2, straggle=0.2)
    one, other = Sender(rough, seed=7), Sender(rough, seed=seed)
    for sender in (one, other):
        sender.send()
        sender.settle()
    assert (one.arrived == other.arrived) is same
