"""The shortest cycle of each kind, and which phenomenon it is by what it is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from typing import NamedTuple

from .anomaly import Order, Phenomenon
from .graph import DATA, ONWARD, PROCESS, REALTIME, RW, WR, WW, Graph
from .knots import knots

STATES_MAX = 300_000
"""When so many nodes of a knot were visited for one pattern, what was found so far has to do: bounds time. A cycle is
then perhaps not the shortest, or is told by another pattern."""


class Edge(NamedTuple):
    """One step of a cycle. Source and target are transactions."""

    source: int
    kind: int
    target: int


class Cycle(NamedTuple):
    """Edges that lead from a transaction back to itself."""

    phenomenon: Phenomenon
    order: Order
    edges: tuple[Edge, ...]


class _Pattern(NamedTuple):
    """A cycle begins with an edge of one kind and leads back by edges of others."""

    begins: int
    back: int
    rw_apart: bool = False
    """Whether no rw may follow another."""


_PATTERNS = {
    Phenomenon.G0: _Pattern(WW, WW),
    Phenomenon.G1C: _Pattern(WR, WW | WR),
    Phenomenon.G_SINGLE: _Pattern(RW, WW | WR),
    Phenomenon.G_NONADJACENT: _Pattern(RW, WW | WR | RW, rw_apart=True),
    Phenomenon.G2_ITEM: _Pattern(RW, WW | WR | RW),
}
_EXTRA = {Order.DATA: 0, Order.PROCESS: PROCESS, Order.REALTIME: PROCESS | REALTIME}


def find_cycles(graph: Graph, order: Order) -> list[Cycle]:
    """Of each phenomenon the shortest cycle found, preferring those that need no order beside the data's.

    None is found only if there is no cycle.
    """
    orders = list(Order)
    everything = range(len(graph.out))
    knotted = [node for knot in knots(graph, everything, _followed(order)) for node in knot]
    best: dict[Phenomenon, Cycle] = {}
    for wanted in orders[: orders.index(order) + 1]:
        found: dict[Phenomenon, Cycle] = {}
        for knot in knots(graph, knotted, _followed(wanted)):
            for cycle in _cycles(graph, knot, wanted, known=best.keys()):
                if len(cycle.edges) < len(found.setdefault(cycle.phenomenon, cycle).edges):
                    found[cycle.phenomenon] = cycle
        best = found | best
    return list(best.values())


def _followed(order: Order) -> int:
    """The kinds of edges of all cycles that contradict the order."""
    return DATA | ONWARD | _EXTRA[order]


def _cycles(graph: Graph, knot: list[int], order: Order, known: Collection[Phenomenon]) -> Iterator[Cycle]:
    """The shortest cycle of each pattern, but for known phenomena, in each part that its edges hold together."""
    for phenomenon, pattern in _PATTERNS.items():
        if phenomenon in known:
            continue
        back = pattern.back | _EXTRA[order]
        for part in knots(graph, knot, pattern.begins | back | ONWARD):
            edges = _Search(graph, part, pattern, back).shortest()
            if edges:
                yield _named(edges)


def _named(edges: tuple[Edge, ...]) -> Cycle:
    """The cycle by what it is made of."""
    kinds = [edge.kind for edge in edges]
    order = Order.REALTIME if REALTIME in kinds else Order.PROCESS if PROCESS in kinds else Order.DATA
    rw_after_rw = any(kinds[at - 1] == kinds[at] == RW for at in range(len(kinds)))
    if kinds.count(RW) > 1:
        phenomenon = Phenomenon.G2_ITEM if rw_after_rw else Phenomenon.G_NONADJACENT
    elif RW in kinds:
        phenomenon = Phenomenon.G_SINGLE
    else:
        phenomenon = Phenomenon.G1C if WR in kinds else Phenomenon.G0
    return Cycle(phenomenon, order, edges)


class _State(NamedTuple):
    """Where a way has come."""

    node: int
    after_rw: bool
    """Whether its last edge was a rw that no other may follow."""


class _Search:
    """Looks in one knot for cycles of one pattern."""

    def __init__(self, graph: Graph, knot: list[int], pattern: _Pattern, back: int) -> None:
        self._graph = graph
        self._knot = set(knot)
        self._pattern = pattern
        self._back = back
        self._left = STATES_MAX

    def shortest(self) -> tuple[Edge, ...]:
        """The cycle of the fewest transactions; empty if there is none."""
        best: tuple[Edge, ...] = ()
        begins = self._pattern.begins
        for source in sorted(self._knot):
            for target, kinds in self._graph.out[source].items():
                if kinds & begins and target in self._knot and self._left > 0:
                    longest = len(best) - 1 if best else len(self._knot)
                    best = self._through(Edge(source, begins, target), longest) or best
                    if len(best) == 2:
                        return best
        return best

    def _through(self, first: Edge, longest: int) -> tuple[Edge, ...]:
        """The shortest cycle that begins with this edge; empty if there is none of at most `longest` edges.

        Breadth first. Steps to auxiliary nodes count nothing.
        """
        begin = _State(first.target, self._pattern.rw_apart)
        goal = _State(first.source, False)
        queue = deque([(self._cost(first.target), begin, first, begin)])
        came_by: dict[_State, tuple[Edge, _State]] = {}
        while queue:
            length, state, edge, before = queue.popleft()
            if state in came_by or length > longest:
                continue
            came_by[state] = edge, before
            if state == goal:
                return self._collapsed(came_by, state, begin)
            self._left -= 1
            for onward, after in self._steps(state):
                cost = self._cost(after.node)
                (queue.append if cost else queue.appendleft)((length + cost, after, onward, state))
        return ()

    def _steps(self, state: _State) -> Iterator[tuple[Edge, _State]]:
        allowed = self._back | ONWARD
        if state.after_rw:
            allowed &= ~RW
        for target, kinds in self._graph.out[state.node].items():
            kind = kinds & allowed
            if kind and target in self._knot:
                kind &= -kind  # the simplest to explain
                after_rw = state.after_rw if kind == ONWARD else self._pattern.rw_apart and kind == RW
                yield Edge(state.node, kind, target), _State(target, after_rw)

    def _cost(self, node: int) -> int:
        return 1 if node < self._graph.transactions else 0

    def _collapsed(self, came_by: dict[_State, tuple[Edge, _State]], state: _State, begin: _State) -> tuple[Edge, ...]:
        """The edges that led here, those over auxiliary nodes as one each. Empty if a transaction comes twice."""
        way = [came_by[state][0]]
        while state != begin:
            state = came_by[state][1]
            way.append(came_by[state][0])
        edges: list[Edge] = []
        source, kind = 0, 0
        for edge in reversed(way):
            if self._cost(edge.source):
                source, kind = edge.source, edge.kind
            if self._cost(edge.target):
                edges.append(Edge(source, kind, edge.target))
        return tuple(edges) if len({edge.source for edge in edges}) == len(edges) else ()
