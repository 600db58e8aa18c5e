"""How a node's metrics are read and shown: from plain counters, when somebody asks. `catalog` says what there is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from ostraka_server.distribution import Distribution

S = TypeVar("S")
Family = CounterMetricFamily | GaugeMetricFamily | HistogramMetricFamily
Labels = tuple[str, ...]
"""Names of labels, or their values."""
Value = float | Distribution
Labelled = Mapping[Labels, Value]
"""Values by the values of a metric's own labels."""


@dataclass(frozen=True, slots=True)
class Metric(Generic[S]):
    """Something that is read from each S. `labels` are its own, beside those that tell one S from another."""

    family: type[Family]
    name: str
    help: str
    read: Callable[[S], Value | Labelled]
    labels: Labels = ()


class Metrics(Collector):
    """One node's, in a registry of their own: several nodes may share a process."""

    def __init__(self) -> None:
        self._shown: list[Callable[[], Iterator[Family]]] = []
        self._registry = CollectorRegistry()
        self._registry.register(self)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        GCCollector(registry=self._registry)

    def show(self, metrics: Iterable[Metric[S]], source: S) -> None:
        """Read these from `source` from now on."""
        self.show_each(metrics, (), lambda: {(): source})

    def show_each(self, metrics: Iterable[Metric[S]], labels: Labels, of: Callable[[], Mapping[Labels, S]]) -> None:
        """Read these from each of what `of` gives at the time, by the values of `labels`."""
        self._shown += [partial(_families, metric, labels, of) for metric in metrics]

    def exposition(self) -> bytes:
        """All of them now, in Prometheus's text format 0.0.4."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Family]:
        """See `Collector`."""
        for families in self._shown:
            yield from families()


def _families(metric: Metric[S], labels: Labels, of: Callable[[], Mapping[Labels, S]]) -> Iterator[Family]:
    """The metric's family; none while it has no samples."""
    family = metric.family(metric.name, metric.help, labels=(*labels, *metric.labels))
    for values, source in of().items():
        read = metric.read(source)
        for own, value in (read if isinstance(read, Mapping) else {(): read}).items():
            _add(family, (*values, *own), value)
    if family.samples:
        yield family


def _add(family: Family, labels: Labels, value: Value) -> None:
    if isinstance(family, HistogramMetricFamily):
        assert isinstance(value, Distribution)
        bounds = (*map(floatToGoString, value.bounds), "+Inf")
        family.add_metric(labels, tuple(zip(bounds, accumulate(value.counts), strict=True)), value.total)
    else:
        assert not isinstance(value, Distribution)
        family.add_metric(labels, value)
