"""The command line `ostraka`. It needs the extra `cli`; `serve` and `dev` need the extra `server` too."""

from __future__ import annotations

import sys

from ostraka.cli.exits import Exit
from ostraka.cli.extras import FOR_CLIENTS, FOR_NODES, missing


def main() -> None:
    """Runs the command given on the command line and exits with its code (see `exits.py`)."""
    if missing(FOR_CLIENTS):
        # Whoever wants a node is told at once of all that it needs.
        needed = FOR_NODES if sys.argv[1:2] in (["serve"], ["dev"]) else FOR_CLIENTS
        print(f"Error: {missing(needed)}", file=sys.stderr)
        sys.exit(Exit.NOT_INSTALLED)
    from ostraka.cli.app import run

    sys.exit(run())
