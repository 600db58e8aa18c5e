"""The shortest cycle of each kind, and which phenomenon it is by what it is made of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from .anomaly import Order, Phenomenon
from .graph import DATA, ONWARD, PROCESS, REALTIME, RW, WR, WW, Graph
from .knots import components, knots

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


_PATTERNS = (
    _Pattern(WW, WW),
    _Pattern(WR, WW | WR),
    _Pattern(RW, WW | WR),
    _Pattern(RW, WW | WR | RW, rw_apart=True),
    _Pattern(RW, WW | WR | RW),
)
"""Of G0, G1c, G-single, G-nonadjacent and G2-item: the worst first."""
_EXTRA = {Order.DATA: 0, Order.PROCESS: PROCESS, Order.REALTIME: PROCESS | REALTIME}


def find_cycles(graph: Graph, order: Order) -> list[Cycle]:
    """Of each phenomenon one cycle, the shortest found, preferring those that need no order beside the data's.

    Of cycles that hang together only the worst phenomenon counts: the others often come of it. None is found only if
    there is no cycle.
    """
    orders = list(Order)
    everything = range(len(graph.out))
    knotted = [node for knot in knots(graph, everything, _followed(order)) for node in knot]
    best: dict[Phenomenon, Cycle] = {}
    for wanted in orders[: orders.index(order) + 1]:
        found: dict[Phenomenon, Cycle] = {}
        for knot in knots(graph, knotted, _followed(wanted)):
            cycle = _worst(graph, knot, wanted)
            if len(cycle.edges) < len(found.setdefault(cycle.phenomenon, cycle).edges):
                found[cycle.phenomenon] = cycle
        best |= {phenomenon: cycle for phenomenon, cycle in found.items() if phenomenon not in best}
    return list(best.values())


def _followed(order: Order) -> int:
    """The kinds of edges of all cycles that contradict the order."""
    return DATA | ONWARD | _EXTRA[order]


def _worst(graph: Graph, knot: list[int], order: Order) -> Cycle:
    """The shortest cycle of the first pattern that there is."""
    for pattern in _PATTERNS:
        edges = _Search(graph, knot, pattern, pattern.back | _EXTRA[order]).shortest()
        if edges:
            return _named(edges)
    raise AssertionError("a knot without a cycle")


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
        self._pattern = pattern
        self._back = back
        self._rank = {
            node: rank for rank, component in enumerate(components(graph, knot, back | ONWARD)) for node in component
        }
        """Of the nodes of the knot. No edge that leads back leads to a higher rank."""
        self._left = STATES_MAX

    def shortest(self) -> tuple[Edge, ...]:
        """The cycle of the fewest transactions; empty if there is none."""
        best: tuple[Edge, ...] = ()
        for first in self._firsts():
            if len(best) == 2 or self._left <= 0:
                break
            best = self._through(first, longest=len(best) - 1 if best else len(self._rank)) or best
        return best

    def _firsts(self) -> Iterator[Edge]:
        """The edges that a cycle may begin with: those from whose target the source can perhaps be reached."""
        begins = self._pattern.begins
        for source in sorted(self._rank):
            for target, kinds in self._graph.out[source].items():
                if kinds & begins and self._rank.get(target, -1) >= self._rank[source]:
                    yield Edge(source, begins, target)

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
            for onward, after in self._steps(state, self._rank[first.source]):
                cost = self._cost(after.node)
                (queue.append if cost else queue.appendleft)((length + cost, after, onward, state))
        return ()

    def _steps(self, state: _State, lowest: int) -> Iterator[tuple[Edge, _State]]:
        """Where to go on, to nodes of no lower rank than that."""
        allowed = self._back | ONWARD
        if state.after_rw:
            allowed &= ~RW
        for target, kinds in self._graph.out[state.node].items():
            kind = kinds & allowed
            if kind and self._rank.get(target, -1) >= lowest:
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
