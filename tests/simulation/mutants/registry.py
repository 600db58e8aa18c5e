"""The bugs that there are, by name, and those that are still to come.

Each is one that real systems had. Where the code asserts against it the assertion goes too, so that it is the checker,
which watches from outside, that has to notice.
"""

from __future__ import annotations

from collections.abc import Callable

from ostraka_server.paxos.messages import Accepted, Prepare, Promise
from tests.simulation.faults import Fault
from tests.simulation.mutants import agreeing, durability, retrying, serving, surroundings
from tests.simulation.mutants.mutant import Mutant, Patches


def _mutant(number: int | None, invariants: str, faults: set[Fault], *bugs: Callable[[], Patches]) -> Mutant:
    return Mutant(
        frozenset(invariants.split()), lambda: [each for bug in bugs for each in bug()], frozenset(faults), number
    )


def _around(
    number: int | None, invariants: str, faults: set[Fault], bug: Callable[[], Patches], *unit_tests: str
) -> Mutant:
    """A bug outside `paxos`, which takes the whole stack to be seen."""
    return Mutant(frozenset(invariants.split()), bug, frozenset(faults), number, "stack", unit_tests)


def _unwatched(*kinds: type) -> Callable[[], Patches]:
    """Sent before the sync, and no rule of Ready to tell."""
    return lambda: [*durability.sent_before_sync(*kinds), *durability.claims_unchecked()]


MUTANTS: dict[str, Mutant] = {
    "promise before sync": _mutant(
        1, "P1 P2 P4 P5", {Fault.TRANSFER, Fault.CRASH_AT_BOUNDARY, Fault.POWER_LOSS}, _unwatched(Promise)
    ),
    "accepted before sync": _mutant(2, "P4 P8", {Fault.POWER_LOSS, Fault.CRASH_AT_BOUNDARY}, _unwatched(Accepted)),
    "accepts below promise": _mutant(3, "P2", set(), agreeing.accepts_below_promise),
    "adopts lowest ballot": _mutant(4, "P4 P5", {Fault.PARTITION}, agreeing.adopts_lowest_ballot),
    "promise omits decided": _mutant(5, "P4 P5", set(), agreeing.promise_omits_decided),
    "quorum of half": _mutant(6, "P4 P5 P8", {Fault.PARTITION}, agreeing.quorum_of_half),
    "duplicate acks counted": _mutant(6, "P8", {Fault.DUPLICATE}, agreeing.duplicate_acks_counted),
    "prepare before sync": _mutant(7, "Ready", set(), lambda: durability.sent_before_sync(Prepare)),
    "decided for older ballot": _mutant(8, "P6", {Fault.PARTITION}, agreeing.decided_for_older_ballot),
    "hole not filled": _mutant(9, "P14", {Fault.FLICKER, Fault.PAUSE}, agreeing.hole_not_filled),
    "reads before barrier": _mutant(10, "P10", {Fault.TRANSFER}, serving.reads_before_barrier),
    "nonce constant": _mutant(11, "P10", {Fault.PAUSE}, serving.nonce_constant),
    "promise told before sync": _mutant(None, "Ready", set(), lambda: durability.sent_before_sync(Promise)),
    "accept told before sync": _mutant(None, "Ready", set(), lambda: durability.sent_before_sync(Accepted)),
    "promise not durable": _mutant(None, "Ready", set(), durability.promise_not_durable),
    "promise not durable, claims unchecked": _mutant(
        None,
        "P1 P2",
        {Fault.FLICKER, Fault.CRASH_ALL},
        durability.promise_not_durable,
        durability.claims_unchecked,
    ),
    "own vote before sync": _mutant(None, "P8", set(), durability.own_vote_before_sync),
    "promise omits accepted": _mutant(None, "P4 P5", set(), agreeing.promise_omits_accepted),
    "nothing adopted": _mutant(None, "P4 P5", set(), agreeing.nothing_adopted),
    "faulty is empty": _mutant(
        None, "P4 P5", {Fault.DECAY, Fault.CRASH_ALL, Fault.PARTITION}, agreeing.faulty_is_empty
    ),
    "reads unconfirmed": _mutant(None, "P10", {Fault.PAUSE}, serving.reads_unconfirmed),
    "snapshot resets the promise": _around(
        14,
        "P1 P2 P12",
        {Fault.LOST_STORE, Fault.SHORT_LOG, Fault.CRASH_AT_BOUNDARY},
        surroundings.snapshot_resets_the_promise,
        "tests/log",
        "tests/shard",
    ),
    "log cut too early": _around(
        14,
        "P8",
        {Fault.SHORT_LOG, Fault.POWER_LOSS, Fault.CRASH},
        surroundings.log_cut_too_early,
        "tests/store",
        "tests/shard",
    ),
    "forgets a flush": _around(
        15, "P6 P10 P13", {Fault.CRASH}, surroundings.forgets_a_flush, "tests/store", "tests/shard"
    ),
    "damage is a torn tail": _around(
        16, "P12", {Fault.DECAY, Fault.TRUNCATION, Fault.CRASH}, surroundings.damage_is_a_torn_tail, "tests/log"
    ),
    "wiped disks welcome": _around(
        17,
        "P12",
        {Fault.WIPED_DISK},
        surroundings.wiped_disks_welcome,
        "tests/test_hosting.py",
        "tests/shard",
        "tests/log",
    ),
    "sessions not stored": _around(
        19, "P6 P13", {Fault.CRASH, Fault.CRASH_ALL}, retrying.sessions_not_stored, "tests/machine"
    ),
    "doubt under a new number": _around(
        24, "P13", {Fault.CRASH, Fault.PARTITION}, retrying.doubt_under_a_new_number, "tests/client"
    ),
    "unknown is failure": _around(
        24, "P13", {Fault.CRASH, Fault.PARTITION}, retrying.unknown_is_failure, "tests/client"
    ),
    "executed again": _around(
        None, "P13 P10", {Fault.CRASH, Fault.PARTITION}, retrying.sessions_forget_numbers, "tests/machine"
    ),
    "reads without asking": _around(
        None, "P10", {Fault.PARTITION, Fault.PAUSE}, surroundings.reads_without_asking, "tests/shard"
    ),
    "old directories welcome": _around(
        None, "P14", {Fault.STALE_DISK}, surroundings.old_directories_welcome, "tests/shard", "tests/log"
    ),
}
"""Of each tier, first those of the table of goals, by its numbers."""

PENDING: dict[int, str] = {
    12: "leader leases are not built",
    13: "leader leases are not built",
    18: "membership does not change yet",
    20: "transactions are not built",
    21: "transactions are not built",
    22: "transactions are not built",
    23: "locks are not built",
}
"""Of the table of goals, and why not yet."""
