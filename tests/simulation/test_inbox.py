"""What a paused process misses, it makes up for."""

from __future__ import annotations

from functools import partial
from random import Random

from tests.simulation.inbox import Inbox

SENT = [(connection, number) for number in range(5) for connection in ("a", "b", "c")]


def received(seed: int) -> list[tuple[str, int]]:
    """What a paused inbox lets through in the end, after having let nothing through before."""
    inbox, arrived = Inbox(Random(seed)), list[tuple[str, int]]()
    inbox.pause()
    for connection, number in SENT:
        inbox.put(connection, partial(arrived.append, (connection, number)))
    assert inbox.paused
    assert arrived == []
    inbox.resume()
    assert not inbox.paused
    return arrived


def test_an_open_inbox_passes_everything_on_at_once() -> None:
    inbox, arrived = Inbox(Random(0)), list[int]()
    inbox.put("a", lambda: arrived.append(1))
    inbox.resume()
    assert arrived == [1]


def test_after_a_pause_everything_comes_once_in_order_within_each_connection() -> None:
    for seed in range(20):
        arrived = received(seed)
        assert sorted(arrived) == sorted(SENT)
        for connection in "abc":
            assert [number for name, number in arrived if name == connection] == list(range(5))


def test_after_a_pause_connections_overtake_one_another() -> None:
    assert len({tuple(received(seed)) for seed in range(20)}) > 10
