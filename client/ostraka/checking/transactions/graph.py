"""Who depends on whom: a graph of transactions, and of auxiliary nodes that stand for many edges at once."""

from __future__ import annotations

from typing import Final

# What an edge says, one bit each; where several say the same, the first is the simplest to explain.
WW: Final = 1
"""The target wrote the version after the source's."""
WR: Final = 2
"""The target read what the source wrote."""
PROCESS: Final = 4
"""The same process began the target after the source had returned."""
REALTIME: Final = 8
"""The source had returned before the target was called."""
RW: Final = 16
"""The target wrote a version after the one that the source read."""
ONWARD: Final = 32
"""From an auxiliary node: the edge that leads to the node goes on to the target."""

DATA: Final = WW | WR | RW
NAMES: Final = {WW: "ww", WR: "wr", RW: "rw", PROCESS: "process", REALTIME: "realtime"}


class Graph:
    """Transactions are the nodes from 0 on; auxiliary nodes come after them."""

    def __init__(self, transactions: int) -> None:
        self.transactions = transactions
        self.out: list[dict[int, int]] = [{} for _ in range(transactions)]
        """Of each node: where its edges lead, with their kinds."""

    def add(self, source: int, target: int, kind: int) -> None:
        """An edge; none from a node to itself."""
        if source != target:
            edges = self.out[source]
            edges[target] = edges.get(target, 0) | kind

    def auxiliary(self) -> int:
        """A new node that is no transaction."""
        self.out.append({})
        return len(self.out) - 1
