"""`serve`: one node in this process. Its options are the settings that `ostraka_server.config` declares."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ostraka.cli.exits import Exit
from ostraka.cli.extras import FOR_NODES, missing
from ostraka.cli.session import Failure
from ostraka_server.config import Config, ConfigError
from ostraka_server.settings import Setting


def _option(setting: Setting) -> click.Option:
    # The texts go to the configuration as they are: one place checks them, whichever source they come from.
    notes = f"[default: {setting.default_text}]" if not setting.required else "[required]"
    kind = "|".join(setting.choices) or setting.unit.upper() or "TEXT"
    return click.Option([setting.flag], metavar=kind, help=f"{setting.about.meaning} {notes}")


def _serve(config: Path | None, **flags: str | None) -> int:
    if problem := missing(FOR_NODES):
        raise Failure(problem, Exit.NOT_INSTALLED)
    texts = {setting.key: flags[setting.key.replace(".", "_")] for setting in Config.describe()}
    given = {key: text for key, text in texts.items() if text is not None}
    try:
        node = Config.from_sources(config, os.environ, given)
    except ConfigError as error:
        raise click.UsageError(str(error)) from error
    from ostraka_server.__main__ import run

    return run(node)


serve = click.Command(
    "serve",
    callback=_serve,
    params=[
        click.Option(
            ["--config"],
            type=click.Path(path_type=Path),
            envvar="OSTRAKA_CONFIG",
            help="TOML file with settings. [env: OSTRAKA_CONFIG]",
        ),
        *(_option(setting) for setting in Config.describe()),
    ],
    help="""Run one node.

    SIGTERM or Ctrl-C stops it gracefully.

    Every setting can be given as an option, as an environment variable (OSTRAKA_ and the option's name, such as
    OSTRAKA_DATA_DIR), or in the TOML file: an option goes before a variable, a variable before the file. In the
    file, options such as --paxos-heartbeat-ms are keys of a section: heartbeat_ms in [paxos].

    \b
    Examples:
      ostraka serve --config /etc/ostraka/node.toml
      OSTRAKA_LOGGING_LEVEL=debug ostraka serve --config node.toml --listen-http 127.0.0.1:0
      ostraka serve --cluster solo --node n1 --data-dir ./n1 \\
        --members n1=127.0.0.1:7501/127.0.0.1:7401
    """,
)
