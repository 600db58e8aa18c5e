"""The group `ostraka`: its commands, imported when they are named, and its exit code."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from difflib import get_close_matches

import click

from ostraka.cli.exits import MEANINGS, Exit
from ostraka.cli.session import Failure, Session, global_options

# Where each command stands, in the order of --help. A module is imported when its command is named.
COMMANDS = {
    "serve": "ostraka.cli.serve:serve",
    "dev": "ostraka.cli.dev:dev",
    "put": "ostraka.cli.keys:put",
    "get": "ostraka.cli.get:get",
    "del": "ostraka.cli.keys:delete",
    "range": "ostraka.cli.range:range_",
    "txn": "ostraka.cli.txn:txn",
    "compact": "ostraka.cli.compact:compact",
    "status": "ostraka.cli.cluster:status",
    "members": "ostraka.cli.cluster:members",
    "shards": "ostraka.cli.cluster:shards",
    "transfer-leader": "ostraka.cli.cluster:transfer_leader",
    "load": "ostraka.cli.load:load",
    "dump": "ostraka.cli.dump:dump",
    "version": "ostraka.cli.about:version",
    "completion": "ostraka.cli.about:completion",
}

EPILOG = "\b\nExit codes:\n" + "\n".join(f"  {code:>3}  {meaning}" for code, meaning in MEANINGS.items())


class Commands(click.Group):
    """A group that knows its commands by name only."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        known = args[0] in COMMANDS or ctx.resilient_parsing
        if not known and (near := get_close_matches(args[0], COMMANDS, n=1)):
            ctx.fail(f"No such command {args[0]!r}. Did you mean {near[0]!r}?")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> int:
        try:
            code = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # The interpreter flushes once more at exit, which must not fail loudly again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return Exit.BROKEN_PIPE
        return code if isinstance(code, int) else Exit.OK


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ostraka", message="%(package)s %(version)s")
@functools.partial(global_options, environment=True)
def ostraka() -> None:
    """Ostraka, a strongly consistent, replicated key-value store.

    \b
    A cluster of three nodes on this machine, and a first key:
      ostraka dev
      ostraka put greeting hello
      ostraka get greeting
    \b
    Another cluster, and output for programs:
      ostraka --endpoints db1:7401,db2:7401 status
      ostraka range --prefix user/ --json | jq .value

    Keys and values are bytes: arguments are taken as they come, and JSON shows what is not UTF-8 in base64. Every
    command explains itself: ostraka COMMAND --help.
    """


def run(arguments: Sequence[str] | None = None, session: Session | None = None) -> int:
    """Runs a command (by default the process's own arguments) and returns the exit code. Never raises."""
    try:
        # Not standalone: click would use 1 for Ctrl-C and others, and 1 says here that a key is absent.
        code = ostraka.main(arguments, prog_name="ostraka", standalone_mode=False, obj=session or Session())
        return int(code)
    except click.ClickException as error:
        error.show()
        return error.code if isinstance(error, Failure) else Exit.USAGE
    except click.Abort:
        return Exit.INTERRUPTED
    except OSError as error:  # of a file: the SDK turns those of the network into its own
        click.echo(f"Error: {error}", err=True)
        return Exit.USAGE
    except Exception:
        traceback.print_exc()
        return Exit.FAULT
