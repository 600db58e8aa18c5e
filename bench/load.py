"""Load on an Ostraka cluster through the SDK: throughput, latencies and errors.

A closed loop (without --rate) keeps --callers calls in flight, each caller asking again once it has its answer: it
finds out how much the cluster can do. An open loop (--rate) makes calls fall due at their own pace, whatever becomes
of the earlier ones, and counts a call's latency from when it was due: it finds out what callers see at that rate,
also while the cluster stalls. --callers limits the calls in flight there; give it several times rate x latency.

What falls due in the measured time counts, whenever it is answered. Percentiles are within 1 % of the exact ones.
Where the mix reads, every key is put once before the load.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import clusters, machine, options, processes
from bench.report import Report, progress


def main() -> None:
    workload, asked = options.parse(__doc__)
    write_plot = _plotter() if asked.plot else None
    report = Report(workload, machine.describe())
    try:
        with _cluster(asked.endpoints, asked.directory) as endpoints:
            measure(endpoints, report, filling=workload.reads and not asked.no_fill)
    except (processes.LoadFailed, clusters.NotStarted) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    print(json.dumps(report.as_json()) if asked.json else report.as_text())
    if write_plot:
        write_plot(report, asked.plot)
    if not report.all.operations_per_s:
        sys.exit("no operation succeeded")


def measure(endpoints: list[str], report: Report, *, filling: bool) -> None:
    """Run the load of the report and put into it what comes of it; a line a second on a terminal."""
    for interval in processes.run(endpoints, report.workload, filling=filling):
        before = len(report.timeline)
        report.add(interval)
        if sys.stderr.isatty() and len(report.timeline) > before:
            print(progress(len(report.timeline), report.timeline[-1]), file=sys.stderr)


@contextmanager
def _cluster(endpoints: list[str] | None, directory: Path) -> Iterator[list[str]]:
    """The one that is given, else one of our own, with its data below `directory`."""
    if endpoints:
        yield endpoints
        return
    directory.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=directory, prefix="ostraka-load-") as data,
        clusters.running(clusters.ostraka(), Path(data) / "ostraka") as cluster,
    ):
        yield cluster.endpoints.split(",")


def _plotter() -> Callable[[Report, Path], None]:
    """Looked for before the load, which would be lost where matplotlib is missing."""
    try:
        from bench.plot import write
    except ModuleNotFoundError as error:
        sys.exit(f"--plot needs {error.name}, which `make venv` installs")
    return write


if __name__ == "__main__":
    main()
