"""`dev`: a cluster on this machine, as child processes of this one."""

from __future__ import annotations

import fcntl
import os
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import click

from ostraka.cli.dev_plan import Node, node_toml, nodes_in, plan, settings, write_cluster_json
from ostraka.cli.dev_processes import Processes
from ostraka.cli.exits import Exit
from ostraka.cli.extras import FOR_NODES, missing
from ostraka.cli.session import Failure, Session
from ostraka.clock import BootClock
from ostraka_server.settings import variable_of

CLUSTER = "dev"


@click.command()
@click.option("--nodes", type=click.IntRange(1, 9), default=3, show_default=True, help="How many nodes.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default="data",
    show_default=True,
    help="Directory of the cluster; made where absent, gone on with where it holds one.",
)
@click.option(
    "--base-port",
    type=click.IntRange(0, 63_000),
    default=7400,
    show_default=True,
    help="Node i listens on this + i for clients, + 100 + i for replicas, + 2000 + i for HTTP. 0: on free ports.",
)
def dev(nodes: int, data_dir: Path, base_port: int) -> int:
    """Run a cluster on this machine, until Ctrl-C or SIGTERM.

    The nodes n1, n2, ... are child processes. One that dies is started again within a second; all end with this
    command. Each has a directory in the data directory, with its node.toml and node.log; cluster.json tells
    addresses and process ids. Environment variables such as OSTRAKA_LOGGING_LEVEL reach the nodes.

    \b
    Examples:
      ostraka dev
      ostraka dev --nodes 5 --data-dir /tmp/five --base-port 9000
      ostraka dev --base-port 0
    """
    if problem := missing(FOR_NODES):
        raise Failure(problem, Exit.NOT_INSTALLED)
    data_dir = data_dir.absolute()
    with _owned(data_dir):
        try:
            before = nodes_in(data_dir / "cluster.json")
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        if before not in (None, nodes):
            raise click.UsageError(
                f"{data_dir} holds a cluster of {before} nodes: --nodes {before}, or another --data-dir"
            )
        return run_cluster(plan(nodes, data_dir, base_port), data_dir, _node_command)


def run_cluster(nodes: Sequence[Node], data_dir: Path, command: Callable[[Node], Sequence[str]]) -> int:
    """Writes the configurations, runs `command` for each node until told to stop, and returns the exit code."""
    for node in nodes:
        node.directory.mkdir(parents=True, exist_ok=True)
        node.config_file.write_text(node_toml(node, nodes, CLUSTER), "utf-8")

    def changed(pids: Mapping[str, int | None]) -> None:
        write_cluster_json(data_dir / "cluster.json", nodes, pids, os.getpid())

    def ready() -> None:
        click.echo(banner([node.endpoint for node in nodes], data_dir))

    processes = Processes(
        nodes,
        command,
        environment(os.environ, nodes),
        say=click.echo,
        changed=changed,
        ready=ready,
        clock=BootClock(),
    )
    click.echo(f"starting {len(nodes)} nodes in {data_dir}")
    return processes.run()


def environment(environ: Mapping[str, str], nodes: Sequence[Node]) -> dict[str, str]:
    """The environment of the nodes: ours, without the variables that would override what each node.toml says."""
    written = {variable_of(key) for key in ("members", *settings(nodes[0], CLUSTER))}
    return {name: text for name, text in environ.items() if name not in written}


def banner(endpoints: Sequence[str], data_dir: Path) -> str:
    """What to do with the cluster that is ready now."""
    program = _program()
    if list(endpoints) != Session().endpoints:
        program += f" --endpoints {endpoints[0]}"
    return "\n".join(
        (
            f"ready: {', '.join(endpoints)}",
            "try, in another terminal:",
            f"  {program} put greeting hello",
            f"  {program} get greeting",
            f"  {program} status",
            "Ctrl-C stops the cluster; what it holds stays in " + str(data_dir),
        )
    )


def _program() -> str:
    """How this command was called, so that the examples work as they stand."""
    called = Path(sys.argv[0])
    if called.name != "ostraka":
        return f"{shlex.quote(sys.executable)} -m ostraka.cli"
    found = shutil.which("ostraka")
    same = found is not None and called.exists() and Path(found).samefile(called)
    return "ostraka" if same else shlex.quote(str(called))


def _node_command(node: Node) -> list[str]:
    return [sys.executable, "-m", "ostraka_server", "--config", str(node.config_file)]


@contextmanager
def _owned(data_dir: Path) -> Iterator[None]:
    """Holds the directory against a second `ostraka dev`, which would write over node.toml and cluster.json."""
    data_dir.mkdir(parents=True, exist_ok=True)
    directory = os.open(data_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise click.UsageError(f"another `ostraka dev` runs in {data_dir}") from error
        yield
    finally:
        os.close(directory)
