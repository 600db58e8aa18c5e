"""The command line `ostraka`. It needs the extra `cli`; `serve` and `dev` need the extra `server` too."""

from __future__ import annotations

import sys

from ostraka.cli.exits import Exit
from ostraka.cli.extras import missing


def main() -> None:
    """Runs the command given on the command line and exits with its code (see `exits.py`)."""
    if problem := missing("cli"):
        print(f"Error: {problem}", file=sys.stderr)
        sys.exit(Exit.NOT_INSTALLED)
    from ostraka.cli.app import run

    sys.exit(run())
