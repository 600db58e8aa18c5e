"""The command line of `python -m tests.simulation`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from tests.simulation.excerpt import Excerpt, parse_keep, parse_without
from tests.simulation.mutants.registry import MUTANTS
from tests.simulation.swarm import Size, Unit
from tests.simulation.tiers import DEFAULT_TIER, TIERS

ALL = "all"
OF_ONE_SEED = ("trace", "diagram", "keep", "without", "seconds", "members", "load")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Exits where they make no sense. `tiers` and `size` of the result say what to run."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument(
        "--tier", choices=(*TIERS, ALL), default=DEFAULT_TIER, help="what to run (default: %(default)s)"
    )
    parser.add_argument(
        "--mutant", choices=MUTANTS, metavar="NAME", help="put in a bug, by its name (mutants/registry.py)"
    )
    parser.add_argument("--processes", type=int, help="how many work at a time (default: one a core)")
    parser.add_argument(
        "--diagrams",
        type=Path,
        default=Path("build/simulation"),
        help="where diagrams of failing runs go (default: %(default)s)",
    )
    _add_campaign(parser.add_argument_group("many seeds"))
    _add_single(parser.add_argument_group("one seed"))
    options = parser.parse_args(arguments)
    given = [name for name in OF_ONE_SEED if getattr(options, name) != parser.get_default(name)]
    if given and options.seed is None:
        parser.error(f"--{given[0]} needs --seed")
    options.tiers = tuple(TIERS) if options.tier == ALL else (options.tier,)
    if options.seed is not None and options.tier == ALL:
        parser.error("--seed needs one tier")
    if options.publish and options.mutant:
        parser.error("--publish of a bug")
    options.size = _size(options)
    options.excerpt = Excerpt(options.keep, options.without, options.seconds, options.members, options.load)
    return options


def _add_campaign(group: argparse._ArgumentGroup) -> None:
    size = group.add_mutually_exclusive_group()
    size.add_argument("--seeds", type=int, default=300, help="so many of each tier (default: %(default)s)")
    size.add_argument("--hours", type=float, help="as many as make so many cluster-hours")
    size.add_argument("--cpu-minutes", type=float, help="as many as fit in so much processor time")
    group.add_argument("--first", type=int, default=0, help="the first of them (default: %(default)s)")
    group.add_argument("--publish", action="store_true", help="write what fired into the README")
    group.add_argument("--json", action="store_true", help="end with a line of JSON: passed, figures")


def _add_single(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--seed", type=int, help="run this one only")
    group.add_argument("--trace", action="store_true", help="print every event")
    group.add_argument("--diagram", action="store_true", help="draw it, whether or not it fails")
    group.add_argument("--keep", type=parse_keep, metavar="N,...", help="only these strikes, or `none`")
    group.add_argument(
        "--without", type=parse_without, metavar="FAULT,...", default=frozenset(), help="without these conditions"
    )
    group.add_argument("--seconds", type=float, help="heal so early")
    group.add_argument("--members", type=int, help="so few members")
    group.add_argument("--load", type=float, help="this share of the load")


def _size(options: argparse.Namespace) -> Size:
    if options.cpu_minutes:
        return Size(options.cpu_minutes, Unit.CPU_MINUTES)
    if options.hours:
        return Size(options.hours, Unit.HOURS)
    return Size(options.seeds, Unit.SEEDS)
