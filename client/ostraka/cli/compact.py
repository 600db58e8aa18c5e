"""`compact`: gives up old history."""

from __future__ import annotations

import click

from ostraka.cli.output import write, write_json
from ostraka.cli.reading import REVISION
from ostraka.cli.session import Session, global_options


@click.command()
@click.argument("revision", type=REVISION)
@global_options
@click.pass_obj
def compact(session: Session, revision: int) -> None:
    """Give up the history before REVISION.

    REVISION itself and what came later can still be read with --revision; keys as they are now are never touched.
    Servers do this by themselves, for what is older than they are told to keep: by hand it frees space sooner. It is
    refused (exit code 4) for a revision that was given up already or was not made yet.

    \b
    Examples:
      ostraka compact 1000
      ostraka get greeting --json | jq .mod_revision | xargs ostraka compact
    """
    session.run(lambda client: client.compact(revision))
    if session.json:
        write_json({"compact_revision": revision})
    else:
        write(b"compacted: the oldest revision that can be read is %d\n" % revision)
