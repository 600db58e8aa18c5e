"""The edges: what the data says of who comes before whom, what processes say, and what real time says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from .anomaly import Order
from .graph import ONWARD, PROCESS, REALTIME, RW, WR, WW, Graph
from .transaction import Key
from .versions import NOBODY, Versions

UNREAD = -2
"""Stands for all the writers whose versions of a key nobody read: they come after what was read."""


class Dependency(NamedTuple):
    """What one key says of two transactions."""

    source: int
    target: int
    """A transaction, or UNREAD."""
    kind: int
    key: Key
    position: int
    """Of the version that the source wrote or read."""


def dependencies(versions: Versions) -> Iterator[Dependency]:
    """What all keys say, of transactions that took effect."""
    following = {key: _following(versions, key) for key in versions.orders.keys() | versions.unread.keys()}
    for key, order in versions.orders.items():
        placed = [(at, each.writer) for at, each in enumerate(order, start=1) if _took_effect(versions, each.writer)]
        for (at, writer), (_, next_writer) in pairwise(placed):
            yield Dependency(writer, next_writer, WW, key, at)
        if placed and key in versions.unread:
            at, writer = placed[-1]
            yield Dependency(writer, UNREAD, WW, key, at)
    for reader, key, position in versions.reads:
        if position:
            writer = versions.orders[key][position - 1].writer
            if _took_effect(versions, writer):
                yield Dependency(writer, reader, WR, key, position)
        if key in following:
            next_writer = following[key][position]
            if next_writer != NOBODY:
                yield Dependency(reader, next_writer, RW, key, position)


def dependency_graph(versions: Versions, order: Order) -> Graph:
    """The graph of what the data says and of what `order` adds."""
    graph = Graph(len(versions.transactions))
    unread = {key: graph.auxiliary() for key in versions.unread}
    for key, writers in versions.unread.items():
        for writer in writers:
            graph.add(unread[key], writer, ONWARD)
    for source, target, kind, key, _ in dependencies(versions):
        if target != UNREAD:
            graph.add(source, target, kind)
        elif source not in versions.unread[key]:
            graph.add(source, unread[key], kind)
        else:  # through the auxiliary node it would lead back to itself
            for writer in versions.unread[key]:
                graph.add(source, writer, kind)
    happened = [number for number, did in enumerate(versions.happened) if did]
    if order is not Order.DATA:
        by_process: defaultdict[int, list[int]] = defaultdict(list)
        for number in happened:
            by_process[versions.transactions[number].process].append(number)
        for numbers in by_process.values():
            _add_returns(graph, versions, numbers, PROCESS)
    if order is Order.REALTIME:
        _add_returns(graph, versions, happened, REALTIME)
    return graph


def _following(versions: Versions, key: Key) -> list[int]:
    """Of each position: who wrote the next version that took effect; UNREAD, NOBODY if none is known."""
    after = UNREAD if key in versions.unread else NOBODY
    following = [after]
    for version in reversed(versions.orders.get(key, [])):
        if _took_effect(versions, version.writer):
            after = version.writer
        following.append(after)
    following.reverse()
    return following


def _took_effect(versions: Versions, writer: int) -> bool:
    return writer != NOBODY and versions.happened[writer]


def _add_returns(graph: Graph, versions: Versions, numbers: Iterable[int], kind: int) -> None:
    """From each of these transactions to all of them that were called after its return, in O(n) edges.

    Each return has an auxiliary node, which leads to the next return's and to what is called in between.
    """
    events = []
    for number in numbers:
        transaction = versions.transactions[number]
        events.append((transaction.call, False, number))  # at equal times calls come first: they overlap
        if transaction.returned is not None:
            events.append((transaction.returned, True, number))
    returned: int | None = None
    for _, is_return, number in sorted(events):
        if is_return:
            node = graph.auxiliary()
            graph.add(number, node, kind)
            if returned is not None:
                graph.add(returned, node, kind)
            returned = node
        elif returned is not None:
            graph.add(returned, number, kind)
