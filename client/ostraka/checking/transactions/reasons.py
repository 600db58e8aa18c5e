"""Why each edge of a cycle is there, for people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from .cycles import Cycle, Edge
from .dependencies import UNREAD, Dependency, dependencies
from .graph import NAMES, PROCESS, REALTIME, RW, WR
from .transaction import Key
from .versions import Versions


class Reasons:
    """Finds again what the edges of these cycles came from: kept for every edge, it would take more than the graph."""

    def __init__(self, versions: Versions, cycles: Iterable[Cycle]) -> None:
        self._versions = versions
        sources = {edge.source for cycle in cycles for edge in cycle.edges}
        self._said: defaultdict[int, list[Dependency]] = defaultdict(list)
        for dependency in dependencies(versions) if sources else ():
            if dependency.source in sources:
                self._said[dependency.source].append(dependency)

    def of(self, cycle: Cycle) -> Iterator[str]:
        """A line for each edge. Its transactions are T1, T2, ... in order."""
        names = {edge.source: f"T{number}" for number, edge in enumerate(cycle.edges, start=1)}
        for edge in cycle.edges:
            source, target = names[edge.source], names[edge.target]
            yield f"{source} {NAMES[edge.kind]} {target}: {self._why(edge, source, target)}"

    def _why(self, edge: Edge, source: str, target: str) -> str:
        first, second = self._versions.transactions[edge.source], self._versions.transactions[edge.target]
        if edge.kind == REALTIME:
            return f"{source} returned at {first.returned}, {target} was called at {second.call}"
        if edge.kind == PROCESS:
            return f"process {first.process} began {target} after {source} had returned"
        said = next(each for each in self._said[edge.source] if self._leads(each, edge))
        version = self._version(said.key, said.position)
        if edge.kind == WR:
            return f"{target} read {version} of {said.key!r}, which {source} wrote"
        did = "read" if edge.kind == RW else "wrote"
        if said.target == UNREAD:
            return f"{source} {did} {version} of {said.key!r}; {target} wrote a later version, which nobody read"
        return f"{source} {did} {version} of {said.key!r}; {target} wrote the next version"

    def _leads(self, dependency: Dependency, edge: Edge) -> bool:
        if dependency.kind != edge.kind:
            return False
        if dependency.target == UNREAD:
            return edge.target in self._versions.unread[dependency.key]
        return dependency.target == edge.target

    def _version(self, key: Key, position: int) -> str:
        return repr(self._versions.orders[key][position - 1].value) if position else "the beginning"
