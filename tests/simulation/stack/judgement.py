"""What there is to say to the calls of a run: whether the order that was decided explains every answer, and on a sample
whether a search that does not know this order agrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from ostraka.checking import Outcome, check_linearizable
from ostraka.checking.witness import (
    Answer,
    Decided,
    Keyspace,
    Observation,
    Request,
    check_witness,
    single_key_operations,
)
from tests.simulation.violation import Violation

SEARCHED_EVERY = 10
"""Of so many seeds one is searched, too."""

UNKNOWN_MAX = 20
"""Writes of unknown outcome on one key. A history with more is not searched: each may have happened at any time."""

STEPS_MAX = 500_000
"""Of a search; what is undecided by then counts as broken."""

Seen = Observation[Request, Answer]


def explain(seen: Sequence[Seen], decided: Iterable[Request]) -> None:
    """Raise Violation unless the decided commands, in their order, explain every answer. Nobody asks for a write twice:
    one that takes effect twice was done so."""
    asked = {each.request: number for number, each in enumerate(seen) if not Keyspace().is_read(each.request)}
    order = [Decided(request, asked.get(request)) for request in decided]
    violation = check_witness(Keyspace(), seen, order)
    if violation is not None:
        invariant = "P13" if violation.rule == 1 else "P10"
        raise Violation(invariant, str(violation), violation.culprit.returned)


def search(seen: Iterable[Seen]) -> bool:
    """Raise Violation unless each key's calls have some order that explains every answer; whether that was looked for.

    It shares neither the model nor the order with `explain`, so a wrong witness cannot hide here."""
    operations = single_key_operations(seen)
    unknown = Counter(each.key for each in operations if each.outcome is Outcome.UNKNOWN)
    if max(unknown.values(), default=0) > UNKNOWN_MAX:
        return False
    result = check_linearizable(operations, max_steps=STEPS_MAX)
    if not result.ok:
        raise Violation("P10", f"the decided order explains every answer, yet the search says: {result}")
    return True
