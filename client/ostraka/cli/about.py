"""`version` and `completion`: the command itself."""

from __future__ import annotations

import click

from ostraka.cli.output import write, write_json
from ostraka.cli.session import Session, global_options


@click.command()
@global_options
@click.pass_obj
def version(session: Session) -> None:
    """Print the version of this command.

    `ostraka status` shows the version of each node.

    \b
    Example:
      ostraka version
    """
    import ostraka

    if session.json:
        write_json({"version": ostraka.__version__})
    else:
        write(f"ostraka {ostraka.__version__}\n".encode())


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that completes commands in SHELL.

    \b
    Examples:
      eval "$(ostraka completion bash)"              # in ~/.bashrc
      eval "$(ostraka completion zsh)"               # in ~/.zshrc
      ostraka completion fish > ~/.config/fish/completions/ostraka.fish
    """
    from click.shell_completion import get_completion_class

    root = click.get_current_context().find_root()
    script = get_completion_class(shell)
    assert script is not None
    write(script(root.command, {}, "ostraka", "_OSTRAKA_COMPLETE").source().encode() + b"\n")
