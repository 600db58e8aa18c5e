"""How metrics are read and shown, whatever they are."""

from __future__ import annotations

from prometheus_client import REGISTRY
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from ostraka_server.distribution import Distribution
from ostraka_server.metrics import Labels, Metric, Metrics

LENGTH: Metric[str] = Metric(GaugeMetricFamily, "length", "Of the text.", len)
LETTERS: Metric[str] = Metric(
    CounterMetricFamily,
    "letters_total",
    "By letter.",
    lambda text: {(each,): text.count(each) for each in text},
    ("letter",),
)


def shown(metrics: Metrics) -> list[str]:
    """The samples, but for those of the process."""
    lines = metrics.exposition().decode().splitlines()
    return [line for line in lines if not line.startswith(("#", "process_", "python_"))]


def test_what_is_shown_is_read_each_time() -> None:
    metrics = Metrics()
    texts: dict[Labels, str] = {("a",): "xx"}
    metrics.show_each((LENGTH, LETTERS), ("name",), lambda: texts)
    assert shown(metrics) == ['length{name="a"} 2.0', 'letters_total{letter="x",name="a"} 2.0']
    texts["b",] = "y"
    assert shown(metrics)[:2] == ['length{name="a"} 2.0', 'length{name="b"} 1.0']


def test_a_single_source_needs_no_label_and_a_metric_without_samples_is_left_out() -> None:
    metrics = Metrics()
    metrics.show((LENGTH, LETTERS), "")
    assert shown(metrics) == ["length 0.0"]


def test_a_distribution_is_shown_cumulated() -> None:
    sizes = Distribution((1, 4))
    for size in (1, 3, 4, 9):
        sizes.observe(size)
    metrics = Metrics()
    metrics.show((Metric(HistogramMetricFamily, "size", "Of it.", lambda each: each),), sizes)
    assert shown(metrics) == [
        'size_bucket{le="1.0"} 1.0',
        'size_bucket{le="4.0"} 3.0',
        'size_bucket{le="+Inf"} 4.0',
        "size_count 4.0",
        "size_sum 17.0",
    ]


def test_nodes_in_one_process_do_not_mix() -> None:
    first, second = Metrics(), Metrics()
    first.show((LENGTH,), "x")
    assert shown(second) == []
    assert "length" not in {family.name for family in REGISTRY.collect()}
