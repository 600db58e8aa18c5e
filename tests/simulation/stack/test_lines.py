"""Bytes between simulated hosts: in order, as fast as the line is, and no slower once it is fast again."""

from __future__ import annotations

from random import Random

from tests.simulation.stack.lines import Line, Lines
from tests.simulation.timeline import Timeline
from tests.simulation.trace import Trace


class Wire:
    """One line, of which the arrivals are kept."""

    def __init__(self) -> None:
        self.timeline = Timeline()
        self.arrived: list[tuple[float, bytes]] = []
        self.lines = Lines(self.timeline, Random(0), Trace(self.timeline))
        self.line = Line(self.lines, (1, 2), lambda: None, patience_s=3.0)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.line.send("piece", piece, lambda data: self.arrived.append((self.timeline.now, data)))

    @property
    def pieces(self) -> list[bytes]:
        return [piece for _, piece in self.arrived]


def test_a_narrow_line_takes_its_time() -> None:
    wire = Wire()
    wire.lines.bandwidth = 1000
    wire.send(bytes(500), bytes(1500))
    wire.timeline.run_until(60)
    first, second = (when for when, _ in wire.arrived)
    assert 0.5 <= first <= 0.6
    assert 2.0 <= second <= 2.1
    assert wire.line.unsent == 0


def test_what_waits_for_a_narrow_line_arrives_once_and_soon_after_it_is_wide_again() -> None:
    wire, pieces = Wire(), [bytes((number,)) * 1000 for number in range(100)]
    wire.lines.bandwidth = 1000
    wire.send(*pieces[:99])
    wire.timeline.run_until(5.5)
    assert wire.pieces == pieces[:5]
    wire.lines.calm()
    wire.send(pieces[99])
    wire.timeline.run_until(6)
    assert wire.pieces == pieces
    wire.timeline.run_until(200)
    assert wire.pieces == pieces


def test_what_a_cut_held_back_and_a_narrow_line_too_arrives_in_order() -> None:
    wire = Wire()
    wire.lines.bandwidth = 1000
    wire.send(b"a" * 9000)
    wire.lines.block([(1, 2)])
    wire.send(b"b")
    wire.timeline.run_until(1)
    wire.lines.calm()
    wire.timeline.run_until(2)
    assert wire.pieces == [b"a" * 9000, b"b"]
