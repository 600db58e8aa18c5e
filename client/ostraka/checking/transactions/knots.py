"""Where the cycles are: strongly connected components, by Tarjan's algorithm (1972) without recursion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .graph import Graph


def knots(graph: Graph, nodes: Iterable[int], kinds: int) -> Iterator[list[int]]:
    """The components of two or more nodes, by edges of these kinds among these nodes. O(all nodes + edges followed)."""
    nodes = list(nodes)
    tarjan = _Tarjan(graph, nodes, kinds)
    for node in nodes:
        yield from tarjan.from_root(node)


class _Tarjan:
    def __init__(self, graph: Graph, nodes: list[int], kinds: int) -> None:
        self._out = graph.out
        self._kinds = kinds
        self._found = 0
        # When each node was found. Beyond every number: not among the nodes, or its component is complete.
        self._order = [_DONE] * len(graph.out)
        for node in nodes:
            self._order[node] = 0
        self._lowest = [0] * len(graph.out)
        """The first found, of those not complete, that each node is known to lead to."""
        self._stack: list[int] = []

    def from_root(self, root: int) -> Iterator[list[int]]:
        """The components of two or more nodes that can be reached from here and were not yet given."""
        order, lowest, out, kinds = self._order, self._lowest, self._out, self._kinds
        if order[root]:
            return
        path = [(root, self._enter(root))]
        while path:
            node, edges = path[-1]
            for target in edges:
                if not out[node][target] & kinds:
                    continue
                if not order[target]:
                    path.append((target, self._enter(target)))
                    break
                if order[target] < lowest[node]:
                    lowest[node] = order[target]
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    lowest[parent] = min(lowest[parent], lowest[node])
                if lowest[node] == order[node]:
                    component = self._complete(node)
                    if len(component) > 1:
                        yield component

    def _enter(self, node: int) -> Iterator[int]:
        self._found += 1
        self._order[node] = self._lowest[node] = self._found
        self._stack.append(node)
        return iter(self._out[node])

    def _complete(self, first: int) -> list[int]:
        component: list[int] = []
        while not component or component[-1] != first:
            node = self._stack.pop()
            self._order[node] = _DONE
            component.append(node)
        return component


_DONE = 1 << 62
