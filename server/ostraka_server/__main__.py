"""`python -m ostraka_server --config node.toml`: a node without the command line's extra."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

from ostraka_server import logs
from ostraka_server.config import Config, ConfigError
from ostraka_server.log import LogError
from ostraka_server.node import Node
from ostraka_server.paxos.formation import FormationError
from ostraka_server.ports import MachinePorts, this_machine
from ostraka_server.rpc.server import PortTaken
from ostraka_server.shard.directory import DirectoryRefused
from ostraka_server.store import StoreError

OK = 0
FAILED = 1
USAGE = 2
REFUSED = 4
"""The node must not run as it is: its configuration, ports or data directory have to be put right first."""


def run(config: Config) -> int:
    """Run a node until SIGTERM or SIGINT; the process's exit code."""
    logs.configure(config.logging.level, config.logging.format)
    try:
        import uvloop
    except ImportError:  # not on every platform
        runner = asyncio.Runner()
    else:
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    try:
        with runner:
            runner.run(_run(config))
    except (FormationError, DirectoryRefused, PortTaken, StoreError, LogError) as refusal:
        sys.stderr.write(f"ostraka: {refusal}\n")
        return REFUSED
    return OK


async def _run(config: Config) -> None:
    node = Node(config, this_machine(config))
    _spare_the_collector()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signal_number, node.stop)
    await node.run(MachinePorts(node))


def _spare_the_collector() -> None:
    """A node makes little garbage in cycles, but keeps very many rows: going through them all, again and again, was a
    fifth of its processor time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def main() -> int:
    """The command's entry."""
    parser = argparse.ArgumentParser(prog="python -m ostraka_server", description="Run one Ostraka node.")
    parser.add_argument("--config", type=Path, metavar="FILE", help="TOML file with the node's settings")
    arguments = parser.parse_args()
    try:
        config = Config.from_sources(arguments.config, os.environ, {})
    except ConfigError as error:
        sys.stderr.write(f"ostraka: {error}\n")
        return USAGE
    return run(config)


if __name__ == "__main__":
    sys.exit(main())
