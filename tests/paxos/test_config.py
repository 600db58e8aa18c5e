"""The bounds hold together, and the message says which do not."""

from __future__ import annotations

import pytest

from ostraka_server.paxos import PaxosConfig
from ostraka_server.paxos.acceptor import AHEAD_BYTES_MAX, AHEAD_ENTRIES_MAX


def test_the_defaults_hold_together() -> None:
    assert PaxosConfig().election_timeout_s > 2 * PaxosConfig().heartbeat_s


def test_the_widest_windows_are_half_of_what_replicas_accept_ahead() -> None:
    PaxosConfig(window_entries=AHEAD_ENTRIES_MAX // 2, window_bytes=AHEAD_BYTES_MAX // 2)


@pytest.mark.parametrize(
    ("bounds", "named"),
    [
        ({"election_timeout_s": 0.3}, "election_timeout_s"),
        ({"heartbeat_s": 0.0}, "heartbeat_s"),
        ({"window_entries": AHEAD_ENTRIES_MAX // 2 + 1}, "window_entries"),
        ({"window_bytes": AHEAD_BYTES_MAX // 2 + 1}, "window_bytes"),
        ({"window_entries": 0}, "at least 1"),
        ({"window_bytes": 0}, "at least 1"),
        ({"resend_bytes": 0}, "at least 1"),
        ({"election_lag_entries": 0}, "at least 1"),
    ],
)
def test_a_bound_that_cannot_work_is_refused(bounds: dict[str, int], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        PaxosConfig(**bounds)
