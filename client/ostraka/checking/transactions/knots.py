"""Where the cycles are: strongly connected components, by Tarjan's algorithm (1972) without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from .graph import Graph


def knots(graph: Graph, nodes: Iterable[int], kinds: int) -> Iterator[list[int]]:
    """The components that hold cycles: those of two or more nodes."""
    return (component for component in components(graph, nodes, kinds) if len(component) > 1)


def components(graph: Graph, nodes: Iterable[int], kinds: int) -> Iterator[list[int]]:
    """All components by edges of these kinds among these nodes. O(nodes + edges).

    Edges between components lead to earlier ones.
    """
    nodes = list(nodes)
    tarjan = _Tarjan(graph, nodes, kinds)
    for node in nodes:
        yield from tarjan.from_root(node)


_DONE: Final = 1 << 62
"""Beyond every number of a node; also stands for nodes that are not asked about."""


class _Tarjan:
    def __init__(self, graph: Graph, nodes: list[int], kinds: int) -> None:
        self._out = graph.out
        self._kinds = kinds
        self._found = 0
        self._order = dict.fromkeys(nodes, 0)
        """When each node was found, from 1 on; _DONE once its component is complete."""
        self._lowest: dict[int, int] = {}
        """When the first was found, of those not complete, that each node is known to lead to."""
        self._stack: list[int] = []

    def from_root(self, root: int) -> Iterator[list[int]]:
        """The components that can be reached from here and were not yet given."""
        order, lowest, kinds = self._order, self._lowest, self._kinds
        if order[root]:
            return
        path = [(root, self._enter(root))]
        while path:
            node, edges = path[-1]
            for target, kind in edges:
                if not kind & kinds:
                    continue
                found = order.get(target, _DONE)
                if not found:
                    path.append((target, self._enter(target)))
                    break
                if found < lowest[node]:
                    lowest[node] = found
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == order[node]:
                    yield self._complete(node)

    def _enter(self, node: int) -> Iterator[tuple[int, int]]:
        self._found += 1
        self._order[node] = self._lowest[node] = self._found
        self._stack.append(node)
        return iter(self._out[node].items())

    def _complete(self, first: int) -> list[int]:
        component: list[int] = []
        while not component or component[-1] != first:
            node = self._stack.pop()
            self._order[node] = _DONE
            component.append(node)
        return component
