"""A load as a picture: throughput and latency over time, and latency by percentile."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from bench.report import Report

SHARES: Final = (0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999)
LABELLED_SHARES: Final = {0.5: "50 %", 0.9: "90 %", 0.99: "99 %", 0.999: "99.9 %", 0.9999: "99.99 %"}
BLUE, ORANGE, GREY, RED = "#4477aa", "#dd7733", "#999999", "#cc3311"


def write(report: Report, path: Path) -> None:
    """In the format that the name of the file ends in; PNG where it has no ending."""
    figure = Figure(figsize=(13, 7), dpi=110, layout="constrained")
    figure.suptitle(f"{report.workload.describe()}\n{report.machine}", fontsize=10)
    axes = figure.subplot_mosaic([["throughput", "shares"], ["latency", "shares"]], width_ratios=[3, 2])
    axes["latency"].sharex(axes["throughput"])
    _throughput(axes["throughput"], report)
    _latency(axes["latency"], report)
    _shares(axes["shares"], report)
    for each in axes.values():
        each.grid(alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _throughput(axes: Axes, report: Report) -> None:
    seconds = range(1, len(report.timeline) + 1)
    axes.plot(seconds, [figures.operations_per_s for figures in report.timeline], color=BLUE, label="succeeded")
    if report.workload.rate_per_s:
        axes.axhline(report.workload.rate_per_s, color=GREY, linestyle="--", label="offered")
    if report.errors:
        axes.bar(seconds, [figures.errors for figures in report.timeline], color=RED, label="failed")
    axes.set(title="Throughput", ylabel="calls per second", ylim=(0, None))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.legend()


def _latency(axes: Axes, report: Report) -> None:
    """With a gap where a second brought no answer."""
    seconds = range(1, len(report.timeline) + 1)
    for label, colour in (("max", GREY), ("p99", ORANGE), ("p50", BLUE)):
        latencies_ms = [getattr(figures, f"{label}_ms") or math.nan for figures in report.timeline]
        axes.plot(seconds, latencies_ms, color=colour, label=label, marker="o", markersize=3)
    axes.set(title="Latency", xlabel="seconds of measured time")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    _show_milliseconds(axes)


def _shares(axes: Axes, report: Report) -> None:
    """On an axis of nines: every labelled step is ten times rarer."""
    for operation in report.workload.mix:
        latencies = report.total.latencies[operation]
        known = [share for share in SHARES if latencies.count * (1 - share) >= 1]
        nines = [1 / (1 - share) for share in known]
        axes.plot(nines, [latencies.at(share) * 1000 for share in known], marker="o", markersize=4, label=operation)
    axes.set(title="Latency by percentile", xlabel="share of calls that took no longer", xscale="log")
    axes.set_xticks([1 / (1 - share) for share in LABELLED_SHARES], list(LABELLED_SHARES.values()))
    axes.set_xticks([], minor=True)
    _show_milliseconds(axes)


def _show_milliseconds(axes: Axes) -> None:
    """Logarithmic, over whole decades: a part of one could be left without a labelled tick."""
    axes.set(ylabel="milliseconds")
    axes.legend()
    least, most = axes.dataLim.intervaly
    if least > most:
        return  # nothing succeeded
    lowest = math.floor(math.log10(least))
    axes.set(yscale="log", ylim=(10.0**lowest, 10.0 ** max(lowest + 1, math.ceil(math.log10(most)))))
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:,g}")
    axes.yaxis.set_minor_formatter(NullFormatter())
