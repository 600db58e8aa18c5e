"""Where things are: hosts side by side, time downwards, stretched where much happens and shrunk where nothing does."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from math import log10

TOP = 0.0


class Axis:
    """Of time: from each of the moments to the next it is further the longer it is, but ever less so."""

    def __init__(self, moments: Iterable[float]) -> None:
        self.moments = sorted(set(moments))
        self.heights = [TOP]
        for before, after in zip(self.moments, self.moments[1:], strict=False):
            self.heights.append(self.heights[-1] + _step(after - before))

    @property
    def end(self) -> float:
        """The height of the last moment."""
        return self.heights[-1]

    def height(self, moment: float) -> float:
        """How far down a moment is; those before the first and after the last are there with these."""
        place = bisect_right(self.moments, moment)
        if place == 0:
            return TOP
        if place == len(self.moments):
            return self.end
        before, after = self.moments[place - 1], self.moments[place]
        share = (moment - before) / (after - before)
        return self.heights[place - 1] + share * (self.heights[place] - self.heights[place - 1])

    def ticks(self, apart: float) -> list[tuple[float, float]]:
        """(moment, height) of moments at least so far from one another."""
        chosen = list[tuple[float, float]]()
        for moment, height in zip(self.moments, self.heights, strict=True):
            if not chosen or height >= chosen[-1][1] + apart:
                chosen.append((moment, height))
        return chosen


def _step(seconds: float) -> float:
    """In pixels: a tenth of a millisecond is 2, a millisecond 10, a second 50."""
    return 14 * log10(1 + 4000 * seconds)


class Lanes:
    """One for each host, by number."""

    def __init__(self, hosts: Iterable[int], left: float, apart: float) -> None:
        self.hosts = sorted(hosts)
        self.left = left
        self.right = left + apart * max(len(self.hosts) - 1, 0)
        self._x = {host: left + apart * place for place, host in enumerate(self.hosts)}

    def x(self, host: int) -> float:
        """Of a host's line."""
        return self._x[host]
