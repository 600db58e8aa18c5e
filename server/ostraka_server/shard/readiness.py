"""What keeps a replica from serving, as far as this node knows."""

from __future__ import annotations

from ostraka_server.shard.group import Group


def reaches_quorum(group: Group) -> bool:
    """Whether the replica leads a quorum, or heard a leader lately.

    The replica itself forgets a leader that it has not heard for an election timeout, at most two; a leader steps down
    when no quorum has answered it for one.
    """
    return group.replica.leader is not None


def missing(group: Group) -> str | None:
    """Why calls would have to wait here; None where they need not."""
    replica, lag = group.replica, group.replica.decided_through - group.machine.applied_slot
    if group.lost:
        return "its store is lost or being replaced: it waits for a snapshot of another replica"
    if not reaches_quorum(group):
        return "no leader is known here"
    if replica.leads and not replica.serving:
        return "it leads, but the first entry of its own ballot is not decided yet"
    # What a leader may have under way can be decided at any moment, and is applied right after.
    if lag > replica.config.window_entries:
        return f"{lag} decided entries are not applied yet"
    return None
