"""Global options, exit codes, and that every command explains itself."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

import ostraka as sdk
from ostraka.cli import extras
from ostraka.cli.app import COMMANDS
from ostraka.cli.app import ostraka as group
from ostraka.cli.exits import MEANINGS, Exit
from ostraka.errors import ConnectionLost, InvalidRequest, OstrakaError, OutcomeUnknown
from tests.cli.fakes import FakeClient, Runner

ALL = {name: command for name in COMMANDS if (command := group.get_command(click.Context(group), name))}


@pytest.mark.parametrize("name", ALL)
def test_every_command_option_and_example_is_documented(name: str) -> None:
    command = ALL[name]
    assert command.help
    assert "\b\n" in command.help and f"ostraka {name}" in command.help, "shows no example"
    assert not command.get_short_help_str(limit=57).endswith("..."), "the first sentence is too long for the list"
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
        else:
            assert parameter.human_readable_name in command.help, parameter.name


def test_help_lists_commands_and_exit_codes(ostraka: Runner) -> None:
    outcome = ostraka("--help")
    assert outcome.code == 0
    text = outcome.out.decode()
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", text, re.MULTILINE)
    for code, meaning in MEANINGS.items():
        assert f"{code:>3}  {meaning}" in text
    assert set(MEANINGS) == set(Exit)


def test_endpoints_and_timeout_come_from_flags_on_either_side_of_the_command_or_the_environment(
    ostraka: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    ostraka("get", "k")
    ostraka("--endpoints", "a:1, b:2", "--timeout", "2", "get", "k")
    ostraka("get", "k", "--endpoints", "c:3")
    monkeypatch.setenv("OSTRAKA_ENDPOINTS", "d:4")
    monkeypatch.setenv("OSTRAKA_TIMEOUT", "9")
    ostraka("get", "k")
    ostraka("--endpoints", "e:5", "get", "k")
    ostraka("--endpoints", "e:5", "get", "k", "--endpoints", "f:6")
    assert ostraka.connected_to == [
        (["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"], 5.0),
        (["a:1", "b:2"], 2.0),
        (["c:3"], 5.0),
        (["d:4"], 9.0),
        (["e:5"], 9.0),
        (["f:6"], 9.0),
    ]


def test_json_may_stand_on_either_side(ostraka: Runner) -> None:
    assert ostraka("--json", "put", "k", "v").out == b'{"revision":2}\n'
    assert ostraka("put", "k", "v", "--json").out == b'{"revision":3}\n'


@pytest.mark.parametrize(
    "arguments",
    [
        ("frob",),
        ("get",),
        ("get", "k", "--frob"),
        ("get", "k", "--timeout", "0"),
        ("get", "k", "--endpoints", ","),
        ("completion", "tcsh"),
    ],
)
def test_wrong_use_exits_2(ostraka: Runner, client: FakeClient, arguments: tuple[str, ...]) -> None:
    outcome = ostraka(*arguments)
    assert outcome.code == 2
    assert outcome.out == b"" and b"Error: " in outcome.err
    assert client.calls == []


def test_an_endpoint_that_the_sdk_refuses_is_wrong_use(capfd: pytest.CaptureFixture[str]) -> None:
    from ostraka.cli.app import run

    assert run(["get", "k", "--endpoints", "nowhere"]) == 2
    assert "nowhere" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [(ConnectionLost("x"), 3), (InvalidRequest("x"), 4), (OutcomeUnknown("x"), 5)],
)
def test_errors_of_the_sdk_have_their_exit_codes(
    ostraka: Runner, client: FakeClient, error: OstrakaError, code: int
) -> None:
    client.failures = [error]
    outcome = ostraka("put", "k", "v")
    assert outcome.code == code
    assert outcome.err == f"Error: {error}\n".encode()
    assert client.calls[-1] == ("close",)


def test_a_crash_never_looks_like_an_absent_key(ostraka: Runner, client: FakeClient) -> None:
    client.failures = [KeyError("a bug")]  # type: ignore[list-item]
    outcome = ostraka("get", "k")
    assert outcome.code == 70
    assert b"Traceback" in outcome.err


def test_interruption(ostraka: Runner, client: FakeClient) -> None:
    client.failures = [KeyboardInterrupt()]  # type: ignore[list-item]
    assert ostraka("get", "k").code == 130


def test_a_reader_that_goes_away_ends_the_output_quietly() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as out:
        command = [sys.executable, "-m", "ostraka.cli", "completion", "fish"]
        done = subprocess.run(command, stdout=out, stderr=subprocess.PIPE)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("asked", ["version", "--version"])
def test_version(ostraka: Runner, asked: str) -> None:
    outcome = ostraka(asked)
    assert (outcome.code, outcome.out) == (0, f"ostraka {sdk.__version__}\n".encode())


@pytest.mark.parametrize(("typed", "meant"), [("delete", "del"), ("ranges", "range"), ("transfer", "transfer-leader")])
def test_a_command_that_is_nearly_named_is_suggested(ostraka: Runner, typed: str, meant: str) -> None:
    outcome = ostraka(typed, "k")
    assert outcome.code == 2
    assert outcome.err.endswith(f"No such command '{typed}'. Did you mean '{meant}'?\n".encode())


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion(ostraka: Runner, shell: str) -> None:
    outcome = ostraka("completion", shell)
    assert outcome.code == 0
    assert b"_OSTRAKA_COMPLETE" in outcome.out


def test_completion_knows_the_commands(monkeypatch: pytest.MonkeyPatch, ostraka: Runner) -> None:
    from click.shell_completion import ShellComplete

    found = ShellComplete(group, {}, "ostraka", "_OSTRAKA_COMPLETE").get_completions([], "d")
    assert [item.value for item in found] == ["dev", "del", "dump"]


def test_naming_a_command_imports_neither_grpc_nor_the_server_nor_rich() -> None:
    script = (
        "import sys; from ostraka.cli.app import run; run(['get', '--help']);"
        "heavy = {'grpc', 'rich', 'asyncio', 'google.protobuf', 'ostraka_server'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_without_the_extra_the_command_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    from ostraka.cli import main

    monkeypatch.setitem(extras.MODULES, "cli", ("click", "no_such_module"))
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 6
    assert capfd.readouterr().err == (
        "Error: no_such_module not found; to install what this needs: pip install 'ostraka[cli]'\n"
    )


@pytest.mark.parametrize("command", ["serve", "dev"])
def test_without_the_server_serve_and_dev_say_how_to_install_it(
    ostraka: Runner, monkeypatch: pytest.MonkeyPatch, command: str, tmp_path: Path
) -> None:
    monkeypatch.setitem(extras.MODULES, "server", ("no_such_module",))
    monkeypatch.chdir(tmp_path)
    outcome = ostraka(command)
    assert outcome.code == 6
    assert outcome.err.endswith(b"pip install 'ostraka[server,cli]'\n")
    assert list(tmp_path.iterdir()) == []


def test_the_extras_are_those_of_the_distribution() -> None:
    brought: dict[str, set[str]] = {}
    modules = {
        re.sub(r"[-_.]+", "-", distribution).lower(): module
        for module, distributions in importlib.metadata.packages_distributions().items()
        for distribution in distributions
        if not module.startswith("_")
    }
    for requirement in importlib.metadata.requires("ostraka") or ():
        if match := re.match(r"([\w.-]+).*extra == ['\"](\w+)['\"]", requirement):
            brought.setdefault(match[2], set()).add(modules[match[1].lower()])
    assert brought["cli"] == set(extras.MODULES["cli"])
    # gRPC comes with every install; uvloop only makes a node faster.
    assert brought["server"] - {"grpc", "uvloop"} == set(extras.MODULES["server"])
