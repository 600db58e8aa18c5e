from __future__ import annotations

import random

import pytest

from ostraka.checking.transactions import Order, Phenomenon, cycles
from ostraka.checking.transactions.cycles import find_cycles
from ostraka.checking.transactions.graph import ONWARD, REALTIME, RW, WR, WW, Graph
from ostraka.checking.transactions.knots import knots

EVERY = 63


def graph(nodes: int, *edges: tuple[int, int, int], transactions: int | None = None) -> Graph:
    """Edges are source, kind, target."""
    made = Graph(nodes if transactions is None else transactions)
    while len(made.out) < nodes:
        made.auxiliary()
    for source, kind, target in edges:
        made.add(source, target, kind)
    return made


def test_a_chain_of_any_length_has_no_knot() -> None:
    chain = graph(50_000, *((node, WW, node + 1) for node in range(49_999)))
    assert list(knots(chain, range(50_000), EVERY)) == []


def test_a_ring_of_any_length_is_one_knot() -> None:
    ring = graph(50_000, *((node, WW, (node + 1) % 50_000) for node in range(50_000)))
    assert [len(knot) for knot in knots(ring, range(50_000), EVERY)] == [50_000]


@pytest.mark.parametrize("seed", range(50))
def test_knots_are_what_can_be_reached_both_ways(seed: int) -> None:
    rng = random.Random(seed)
    made = graph(12, *((rng.randrange(12), rng.choice([WW, WR]), rng.randrange(12)) for _ in range(rng.randrange(30))))
    nodes = [node for node in range(12) if rng.random() < 0.9]

    def reached(start: int) -> set[int]:
        seen, left = {start}, [start]
        while left:
            for target, kind in made.out[left.pop()].items():
                if kind & WW and target in nodes and target not in seen:
                    seen.add(target)
                    left.append(target)
        return seen

    both_ways = {frozenset(b for b in nodes if b in reached(a) and a in reached(b)) for a in nodes}
    expected = {knot for knot in both_ways if len(knot) > 1}
    assert {frozenset(knot) for knot in knots(made, nodes, WW)} == expected


def test_the_shortest_cycle_is_given() -> None:
    long = [(node, WW, node + 1) for node in range(9)] + [(9, WW, 0)]
    (cycle,) = find_cycles(graph(10, *long, (6, WW, 4)), Order.DATA)
    assert sorted(edge.source for edge in cycle.edges) == [4, 5, 6]


def test_steps_over_auxiliary_nodes_count_nothing() -> None:
    over_auxiliaries = [(0, RW, 4), (4, ONWARD, 5), (5, ONWARD, 1), (1, WR, 0)]
    over_transactions = [(0, RW, 2), (2, WW, 1)]
    (cycle,) = find_cycles(graph(6, *over_auxiliaries, *over_transactions, transactions=4), Order.DATA)
    assert [edge[:3] for edge in cycle.edges] == [(0, RW, 1), (1, WR, 0)]


def test_a_cycle_is_named_by_the_least_that_it_needs() -> None:
    several_kinds = graph(2, (0, WW | RW, 1), (1, WR | REALTIME, 0))
    found = [(cycle.phenomenon, cycle.order) for cycle in find_cycles(several_kinds, Order.REALTIME)]
    assert found == [(Phenomenon.G1C, Order.DATA), (Phenomenon.G0, Order.REALTIME)]


def test_of_cycles_that_hang_together_the_worst_is_given() -> None:
    hang_together = graph(3, (0, RW, 1), (1, RW, 0), (1, RW, 2), (2, WR, 1))
    (cycle,) = find_cycles(hang_together, Order.DATA)
    assert cycle.phenomenon is Phenomenon.G_SINGLE
    apart = graph(4, (0, RW, 1), (1, RW, 0), (2, RW, 3), (3, WR, 2))
    assert [each.phenomenon for each in find_cycles(apart, Order.DATA)] == [Phenomenon.G2_ITEM, Phenomenon.G_SINGLE]


def test_without_budget_a_cycle_is_found_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cycles, "STATES_MAX", 1)
    long = [(node, RW, node + 1) for node in range(9)] + [(9, RW, 0)]
    (cycle,) = find_cycles(graph(10, *long), Order.DATA)
    assert cycle.phenomenon is Phenomenon.G2_ITEM
