from __future__ import annotations

import pytest

from bench.figures import HEADER, Figures
from bench.histogram import ERROR, Histogram


def test_figures_of_a_thousand_answers() -> None:
    latencies = Histogram()
    for ms in range(1, 1001):
        latencies.record(ms / 1000)
    figures = Figures.of(latencies, errors=2, seconds=4.0)
    assert (figures.operations_per_s, figures.errors, figures.max_ms) == (250, 2, 1000)
    percentiles = (figures.p50_ms, figures.p99_ms, figures.p999_ms)
    assert percentiles == pytest.approx((500, 990, 999), rel=ERROR + 1e-9)


def test_without_an_answer_there_are_no_latencies() -> None:
    figures = Figures.of(Histogram(), errors=3, seconds=1.0)
    assert figures == Figures(0, 3, 0, 0, 0, 0)
    assert figures.cells().split() == ["0", "-", "-", "-", "-", "3"]


def test_cells_stand_below_their_header() -> None:
    cells = Figures(12345.6, 1234, 1.005, 22.5, 333.25, 4444.4).cells()
    assert cells.split() == ["12,346", "1.00", "22.50", "333.25", "4444.40", "1,234"]
    assert len(cells) == len(HEADER)
