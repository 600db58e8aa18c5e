"""Blocked links in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tests.simulation.recorder import Link


def describe(links: Iterable[Link], members: Iterable[int]) -> str:
    """`1 | 2 3` for sides that hear nothing of each other, not even through others; else who cannot hear whom."""
    blocked = set(links)
    sources, targets = {source for source, _ in blocked}, {target for _, target in blocked}
    if len(sources) == 1:
        return f"{sources.pop()} unheard"
    if len(targets) == 1:
        return f"{targets.pop()} deaf"
    sides = _sides(blocked, sorted({*members, *sources, *targets}))
    if len(sides) > 1:
        return " | ".join(" ".join(map(str, side)) for side in sides)
    return ", ".join(f"{source}-{target}" for source, target in sorted(blocked) if source < target)


def _sides(blocked: set[Link], hosts: Sequence[int]) -> list[list[int]]:
    """Those that still hear each other, directly or through others, each ascending."""
    sides = list[list[int]]()
    remaining = list(hosts)
    while remaining:
        side = [remaining.pop(0)]
        for host in side:
            near = [other for other in remaining if not {(host, other), (other, host)} & blocked]
            side += near
            remaining = [other for other in remaining if other not in near]
        sides.append(sorted(side))
    return sides
