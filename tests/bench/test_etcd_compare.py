from __future__ import annotations

from bench.etcd_compare import Round, report
from bench.figures import Figures


def _round(etcd_per_s: float, ostraka_per_s: float) -> Round:
    return Round(Figures(etcd_per_s, 0, 20.0, 40.0, 45.0, 50.0), Figures(ostraka_per_s, 0, 5.0, 10.0, 10.5, 11.0))


def test_the_ratio_is_taken_within_a_round() -> None:
    assert _round(4000, 9000).ratio == 2.25


def test_the_report_takes_the_median_of_the_ratios_not_the_ratio_of_the_medians() -> None:
    rounds = [_round(1000, 5000), _round(4000, 8000), _round(5000, 6000)]
    answer = report(rounds, passed=True)
    assert answer["passed"] is True
    figures = answer["figures"]
    assert isinstance(figures, dict)
    assert figures["median ratio"] == 2.0
    assert figures["ratios"] == [5.0, 2.0, 1.2]
    assert figures["etcd/s"] == 4000
    assert figures["ostraka p99 ms"] == 10.0
