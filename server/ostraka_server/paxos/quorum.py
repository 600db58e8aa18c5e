"""Majorities. Any two of the same members intersect, which is all that agreement rests on."""

from __future__ import annotations


def majority(members: int) -> int:
    """The smallest number of members of which any two such sets share one: 2 of 3, 3 of 4, 3 of 5."""
    assert members > 0
    return members // 2 + 1
