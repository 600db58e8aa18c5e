"""What all commands share: the global options, the client, and how errors become exit codes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ostraka.cli.exits import Exit

if TYPE_CHECKING:
    from ostraka.aio import Client

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., object])


class Failure(click.ClickException):
    """A message and the exit code that goes with it."""

    def __init__(self, message: str, code: Exit) -> None:
        super().__init__(message)
        self.code = code


def sdk_client(endpoints: list[str], timeout: float) -> Client:
    """The SDK's client. Imported here, since gRPC takes longer to import than most commands take to run."""
    from ostraka.aio import Client

    return Client(endpoints, timeout=timeout)


@dataclass
class Session:
    """The global options of one invocation, and how to reach the cluster."""

    endpoints: list[str] = field(default_factory=lambda: ["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"])
    timeout: float = 5.0
    json: bool = False
    connect: Callable[[list[str], float], Client] = sdk_client

    def run(self, work: Callable[[Client], Awaitable[T]]) -> T:
        """The result of `work` with a connected client. Raises Failure for what the SDK raises."""
        import asyncio

        from ostraka.errors import OstrakaError

        async def connected() -> T:
            try:
                client = self.connect(self.endpoints, self.timeout)
            except ValueError as error:
                raise click.UsageError(str(error)) from error
            async with client:
                return await work(client)

        try:
            return asyncio.run(connected())
        except OstrakaError as error:
            notes = getattr(error, "__notes__", [])
            raise Failure(": ".join([*notes, str(error)]), exit_code_of(error)) from error


def exit_code_of(error: Exception) -> Exit:
    """The exit code of an error of the SDK."""
    from ostraka.errors import AnswerLost, OutcomeUnknown, Retryable

    if isinstance(error, OutcomeUnknown | AnswerLost):
        return Exit.UNKNOWN
    return Exit.UNAVAILABLE if isinstance(error, Retryable) else Exit.REFUSED


def _remember(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value is not None and parameter.name is not None:
        setattr(context.ensure_object(Session), parameter.name, value)


def _addresses(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    addresses = [part.strip() for part in value.split(",")] if value is not None else None
    if addresses is not None and not all(addresses):
        raise click.BadParameter("write HOST:PORT, several with commas between them")
    _remember(context, parameter, addresses)


def global_options(command: Command, *, environment: bool = False) -> Command:
    """Adds the global options, which go into the Session.

    The group has them, and each command that talks to a cluster too, so that they may also stand behind its name.
    Only the group reads the environment: at the command it would override a flag given to the group.
    """
    command = click.option(
        "--json", is_flag=True, default=None, expose_value=False, callback=_remember, help="Print JSON, for programs."
    )(command)
    command = click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        metavar="SECONDS",
        envvar="OSTRAKA_TIMEOUT" if environment else None,
        expose_value=False,
        callback=_remember,
        help="Give up on a request after this long. [env: OSTRAKA_TIMEOUT; default: 5]",
    )(command)
    return click.option(
        "--endpoints",
        metavar="HOST:PORT,...",
        envvar="OSTRAKA_ENDPOINTS" if environment else None,
        expose_value=False,
        callback=_addresses,
        help="Nodes to ask; one is enough, it names the others. [env: OSTRAKA_ENDPOINTS; "
        "default: 127.0.0.1:7401 to 7403, where `ostraka dev` starts them]",
    )(command)
