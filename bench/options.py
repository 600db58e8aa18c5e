"""The command line of the load generator."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import MISSING, fields
from pathlib import Path

from bench.workload import OPERATIONS, Operation, Workload
from ostraka.aio import Client

EXAMPLES = """\
examples:
  python -m bench.load                     puts, as fast as 100 callers can, to a cluster of its own
  python -m bench.load --mix put=50,get=40,delete=5,range=5 --zipfian 0.99
  python -m bench.load --endpoints 127.0.0.1:7401 --mix get --callers 500
  python -m bench.load --rate 2000 --callers 1000 --seconds 60 --plot build/load.png
  python -m bench.load --value-bytes 64-4096 --processes 2 --json
"""


def parse(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workload, argparse.Namespace]:
    """The load, and what to do besides. Ends the process, with usage, where the arguments make no sense."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.load",
        description=description,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_load(parser.add_argument_group("load"))
    _add_keys(parser.add_argument_group("keys and values"))
    _add_surroundings(parser.add_argument_group("cluster and output"))
    parser.set_defaults(mix={"put": 1.0})
    parser.set_defaults(**{each.name: each.default for each in fields(Workload) if each.default is not MISSING})
    parsed = parser.parse_args(arguments)
    if parsed.callers < parsed.processes:
        parser.error(f"{parsed.processes} processes need at least as many callers; there are {parsed.callers}")
    return Workload(**{each.name: getattr(parsed, each.name) for each in fields(Workload)}), parsed


def _add_load(group: argparse._ArgumentGroup) -> None:
    mix = group.add_mutually_exclusive_group()
    mix.add_argument("--mix", type=mix_of, metavar="OP[=WEIGHT],...", help=f"of {', '.join(OPERATIONS)}; default: put")
    mix.add_argument("--operation", dest="mix", type=mix_of, metavar="OP", help="the same, for a single one")
    add = group.add_argument
    add("--callers", type=count, metavar="N", help="calls in flight at most; default: %(default)s")
    add("--processes", type=count, metavar="N", help="that the callers are divided among; default: %(default)s")
    add("--rate", dest="rate_per_s", type=amount, metavar="CALLS/S", help="open loop; default: closed loop")
    add("--arrivals", choices=("poisson", "fixed"), help="of the open loop; default: %(default)s")
    add("--seconds", type=amount, metavar="S", help="measured time; default: %(default)g")
    add("--warm-up-seconds", type=amount_or_0, metavar="S", help="load before that; default: %(default)g")
    add("--timeout", dest="timeout_s", type=amount, metavar="S", help="of a call; default: %(default)g")
    add("--seed", type=int, metavar="N", help="same seed: same calls in the same order; default: %(default)s")


def _add_keys(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    add("--keys", type=count, metavar="N", help="how many there are; default: %(default)s")
    add("--zipfian", type=amount_or_0, metavar="THETA", help="skew of their popularity; default: 0, uniform")
    add("--value-bytes", type=sizes, metavar="N[-N]", help="of a put, or uniform between two; default: 128")
    add("--range-keys", type=count, metavar="N", help="that a range reads; default: %(default)s")
    add("--no-fill", action="store_true", help="do not put every key first where the mix reads")


def _add_surroundings(group: argparse._ArgumentGroup) -> None:
    add = group.add_argument
    own = "default: three nodes started for this run"
    add("--endpoints", type=addresses, metavar="HOST:PORT,...", help=own)
    add("--directory", type=Path, default=Path("build"), help="for the data of these nodes; default: %(default)s")
    add("--json", action="store_true", help="print one line of JSON instead of a table")
    add("--plot", type=Path, metavar="FILE.png", help="also draw throughput and latencies")


def mix_of(text: str) -> dict[Operation, float]:
    """`put` or `put=90,get=10`. ArgumentTypeError for anything else."""
    weights: dict[Operation, float] = {}
    for part in text.split(","):
        name, _, weight = part.partition("=")
        operation = next((each for each in OPERATIONS if each == name), None)
        if operation is None:
            raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(OPERATIONS)}")
        if operation in weights:
            raise argparse.ArgumentTypeError(f"{name} is given twice")
        weights[operation] = amount(weight or "1")
    return weights


def addresses(text: str) -> list[str]:
    """`db1:7401,db2:7401`. ArgumentTypeError for anything else."""
    endpoints = text.split(",")
    try:
        Client(endpoints)  # which connects with its first call
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return endpoints


def sizes(text: str) -> tuple[int, int]:
    """`128` or `64-4096`. ArgumentTypeError for anything else."""
    least, _, most = text.partition("-")
    both = count_or_0(least), count_or_0(most or least)
    if both[0] > both[1]:
        raise argparse.ArgumentTypeError(f"{text!r}: the smaller size comes first")
    return both


def count(text: str) -> int:
    """1 or more."""
    number = count_or_0(text)
    if not number:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return number


def count_or_0(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def amount(text: str) -> float:
    """Above 0 and finite."""
    number = amount_or_0(text)
    if not number:
        raise argparse.ArgumentTypeError(f"{text!r} is not above 0")
    return number


def amount_or_0(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return number
