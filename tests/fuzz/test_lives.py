"""The lives notice what they are there to notice: each bug put into the replicas is found, and told by few messages."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest

from ostraka_server.paxos import Replica
from ostraka_server.paxos.acceptor import Acceptor
from ostraka_server.paxos.messages import Message
from tests.fuzz.campaign import endure
from tests.fuzz.lives import TOLD, Kind, Life, kind_of

_step = Replica.step


def _heeds_strangers(replica: Replica, sender: int, message: Message, now: float) -> None:
    _step(replica, sender if sender in replica.members else replica.others[0], message, now)


BUGS: dict[Kind, tuple[type, str, Callable[..., object]]] = {
    Kind.STRANGERS: (Replica, "step", _heeds_strangers),
    Kind.REPLAYS: (Replica, "_refuse_lower", lambda *_: False),
    Kind.LIES: (Acceptor, "contradicts", lambda *_: False),
}


def test_a_life_follows_from_its_seed_and_number() -> None:
    lives = [Life(1, 4), Life(1, 4), Life(2, 4)]
    for life in lives:
        life.run()
    assert lives[0].told == lives[1].told != lives[2].told


@pytest.mark.parametrize("kind", Kind)
def test_a_bug_is_found_and_told_by_few_messages(kind: Kind) -> None:
    of_kind = [number for number in range(60) if kind_of(number) is kind]
    with patch.object(*BUGS[kind]):
        (failure,) = endure(1, of_kind).failures.values()
    assert failure.startswith(f"step: {kind.value}: AssertionError(")
    assert len(failure.partition("  # told: ")[2].split()) < TOLD // 3
