"""Intervals and bounds of a group. All times in seconds."""

from __future__ import annotations

from dataclasses import dataclass

from ostraka_server.paxos.acceptor import AHEAD_BYTES_MAX, AHEAD_ENTRIES_MAX


@dataclass(frozen=True, slots=True)
class PaxosConfig:
    """The same on every replica of a group, or at least close: nothing unsafe follows from a difference."""

    heartbeat_s: float = 0.15
    """A leader lets itself be heard this often."""

    election_timeout_s: float = 0.7
    """A follower that heard nothing for between one and two of these asks to lead; a leader that a quorum left
    unanswered for one steps down; a voter that heard its leader within one supports nobody else."""

    window_entries: int = 64
    """Proposals that may be undecided at a time."""

    window_bytes: int = 8 << 20
    """Their payloads, in bytes. One entry is always admitted."""

    resend_bytes: int = 1 << 20
    """Payload bytes sent again to one silent follower per heartbeat. One entry is always sent."""

    election_lag_entries: int = 10_000
    """A voter supports nobody who is behind it by more decided entries: catch up first."""

    def __post_init__(self) -> None:
        if not 0 < 2 * self.heartbeat_s < self.election_timeout_s:
            raise ValueError(
                f"election_timeout_s ({self.election_timeout_s}) must be more than twice heartbeat_s "
                f"({self.heartbeat_s}): else one lost heartbeat deposes a leader"
            )
        if self.window_entries > AHEAD_ENTRIES_MAX // 2 or self.window_bytes > AHEAD_BYTES_MAX // 2:
            raise ValueError(
                f"window_entries ({self.window_entries}) and window_bytes ({self.window_bytes}) must be at most "
                f"{AHEAD_ENTRIES_MAX // 2} and {AHEAD_BYTES_MAX // 2}: replicas accept no more than twice that ahead"
            )
        if min(self.window_entries, self.window_bytes, self.resend_bytes, self.election_lag_entries) < 1:
            raise ValueError("windows and bounds must be at least 1")
