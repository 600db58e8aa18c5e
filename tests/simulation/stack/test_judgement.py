"""A run's calls are judged by the decided order, and by a search that knows nothing of it."""

from __future__ import annotations

import pytest

from ostraka.checking import Outcome
from ostraka.checking.witness import Changed, Get, Put, Row
from tests.simulation.stack import judgement
from tests.simulation.stack.judgement import Seen
from tests.simulation.violation import Violation

KEY = b"key"


def put(value: bytes, call: float, revision: int) -> Seen:
    return Seen(1, call, call + 1, Outcome.OK, Put(KEY, value), Changed(revision))


def get(value: bytes, call: float, revision: int) -> Seen:
    return Seen(2, call, call + 1, Outcome.OK, Get(KEY), Row(KEY, value, 2, revision, revision - 1))


def test_what_the_order_explains_the_search_explains() -> None:
    seen = [put(b"1", 0, 2), put(b"2", 2, 3), get(b"2", 4, 3)]
    judgement.explain(seen, [Put(KEY, b"1"), Put(KEY, b"2")])
    assert judgement.search(seen)


def test_a_stale_answer_is_told_by_both() -> None:
    seen = [put(b"1", 0, 2), put(b"2", 2, 3), get(b"1", 4, 2)]
    with pytest.raises(Violation, match="cannot have been answered"):
        judgement.explain(seen, [Put(KEY, b"1"), Put(KEY, b"2")])
    with pytest.raises(Violation, match="not linearizable"):
        judgement.search(seen)


def test_the_search_tells_a_write_that_nobody_asked_for() -> None:
    seen = [put(b"1", 0, 2), get(b"forged", 4, 3)]
    judgement.explain(seen, [Put(KEY, b"1"), Put(KEY, b"forged")])
    with pytest.raises(Violation, match="the search says: not linearizable"):
        judgement.search(seen)


def test_what_the_search_cannot_decide_is_no_success(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "STEPS_MAX", 1)
    with pytest.raises(Violation, match="undecided"):
        judgement.search([put(b"1", 0, 2), put(b"2", 2, 3), get(b"2", 4, 3)])


def test_too_many_writes_of_unknown_outcome_are_not_searched() -> None:
    seen = [Seen(1, 0, None, Outcome.UNKNOWN, Put(KEY, b"%d" % number)) for number in range(judgement.UNKNOWN_MAX)]
    assert judgement.search(seen)
    assert not judgement.search([*seen, Seen(1, 0, None, Outcome.UNKNOWN, Put(KEY, b"one more"))])
