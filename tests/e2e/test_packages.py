"""What users install, as they install it: into empty environments, and used from there."""

from __future__ import annotations

import json
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.commands import output, run
from tests.e2e.foreground import endpoints, in_foreground
from tests.e2e.member import DIES_WITH_US, environment
from tests.e2e.packages import Built, Environment, build, export, tracked, wheel_of
from tests.repo.sources import ROOT

pytestmark = pytest.mark.e2e

VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]

SDK = {"ostraka", "grpcio", "protobuf", "typing-extensions"}
CLI = SDK | {"click", "rich", "markdown-it-py", "mdurl", "pygments"}
GRPC_SERVICES = {"grpcio-channelz", "grpcio-health-checking", "grpcio-reflection"}
SQLITE_UTILS = {"sqlite-utils", "sqlite-fts4", "click-default-group", "pip", "pluggy", "python-dateutil", "tabulate"}
NODE = CLI | GRPC_SERVICES | SQLITE_UTILS | {"prometheus-client", "sortedcontainers", "tzdata", "uvloop"}

WRONG_PROGRAM = """\
from ostraka import Client

with Client() as client:
    print(client.get("perhaps absent").value)
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def built(directory: Path) -> Built:
    return build(export(directory / "project"), directory / "dist")


@pytest.fixture(scope="module")
def sdk(directory: Path, built: Built) -> Environment:
    return Environment(directory / "sdk", built.wheel)


@pytest.fixture(scope="module")
def cli(directory: Path, built: Built) -> Environment:
    return Environment(directory / "cli", built.wheel, "[cli]")


@pytest.fixture(scope="module")
def node(directory: Path, built: Built) -> Environment:
    return Environment(directory / "node", built.wheel, "[server,cli]")


@pytest.fixture(scope="module")
def served(directory: Path, node: Environment) -> Iterator[str]:
    """Where the nodes of a cluster serve that is run from what is installed: HOST:PORT,..."""
    home = directory / "cluster"
    home.mkdir()
    dev = [*DIES_WITH_US, *node.command("ostraka"), "dev", "--nodes=3", "--base-port=0"]
    with in_foreground(dev, home, environment()) as printed:
        yield endpoints(printed)


def test_the_wheel_holds_the_two_packages_their_licence_and_nothing_else(built: Built) -> None:
    code = {name.partition("/")[2] for name in tracked("client", "server") if not name.endswith(".md")}
    info = f"ostraka-{VERSION}.dist-info"
    about = {f"{info}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")}
    assert set(zipfile.ZipFile(built.wheel).namelist()) == code | about


def test_the_sdist_holds_what_the_wheel_is_built_of(built: Built) -> None:
    sources = tracked("client", "server", "proto", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml")
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    assert names == sources | {".gitignore", "PKG-INFO"}


def test_the_sdist_builds_the_same_wheel(built: Built, tmp_path: Path) -> None:
    again = wheel_of(built.sdist, tmp_path)
    assert (again.name, again.read_bytes()) == (built.wheel.name, built.wheel.read_bytes())


def test_an_environment_holds_only_what_was_asked_for(sdk: Environment, cli: Environment, node: Environment) -> None:
    assert sdk.distributions() == SDK
    assert cli.distributions() == CLI
    assert node.distributions() == NODE


@pytest.mark.parametrize(
    ("arguments", "extras"),
    [
        ([], "cli"),
        (["get", "greeting"], "cli"),
        (["--help"], "cli"),
        (["dev"], "server,cli"),
        (["serve", "--config", "node.toml"], "server,cli"),
    ],
)
def test_with_the_sdk_alone_the_command_says_what_to_install(
    sdk: Environment, arguments: list[str], extras: str
) -> None:
    _says_what_to_install(sdk, arguments, extras)


@pytest.mark.parametrize("command", ["dev", "serve"])
def test_without_the_server_a_node_says_what_to_install(cli: Environment, command: str) -> None:
    _says_what_to_install(cli, [command], "server,cli")
    assert "Examples:" in output(*cli.command("ostraka"), command, "--help")


def _says_what_to_install(environment: Environment, arguments: list[str], extras: str) -> None:
    answer = run(*environment.command("ostraka"), *arguments)
    assert (answer.returncode, answer.stdout) == (6, "")
    (line,) = answer.stderr.splitlines()
    assert line.endswith(f": pip install 'ostraka[{extras}]'")


def test_the_version_is_the_same_everywhere(built: Built, sdk: Environment, cli: Environment, served: str) -> None:
    assert (built.wheel.name, built.sdist.name) == (f"ostraka-{VERSION}-py3-none-any.whl", f"ostraka-{VERSION}.tar.gz")
    assert output(*sdk.command("python"), "-c", "import ostraka; print(ostraka.__version__)") == f"{VERSION}\n"
    assert output(*cli.command("ostraka"), "version") == f"ostraka {VERSION}\n"
    status = json.loads(output(*cli.command("ostraka"), "--endpoints", served, "--json", "status"))
    assert [member["version"] for member in status["nodes"]] == [VERSION] * 3


@pytest.mark.parametrize("example", ["quickstart.py", "asyncio_quickstart.py"])
def test_the_sdk_alone_talks_to_the_installed_nodes(sdk: Environment, served: str, example: str) -> None:
    program = ("-W", "error", str(ROOT / "examples" / example))
    said = output("env", f"OSTRAKA_ENDPOINTS={served}", *sdk.command("python"), *program)
    assert "greeting is hello" in said


def test_the_command_line_talks_to_the_installed_nodes(cli: Environment, served: str) -> None:
    ostraka = (*cli.command("ostraka"), "--endpoints", served)
    assert output(*ostraka, "put", "installed", "yes").startswith("revision ")
    assert output(*ostraka, "get", "installed") == "yes\n"
    assert "Commands:" in output(*ostraka, "--help")


def test_the_shell_completes_the_installed_command(cli: Environment) -> None:
    line = ("_OSTRAKA_COMPLETE=bash_complete", "COMP_WORDS=ostraka tr", "COMP_CWORD=1")
    assert output("env", *line, *cli.command("ostraka")) == "plain,transfer-leader\n"
    script = output(*cli.command("ostraka"), "completion", "bash")
    assert "_ostraka_completion" in output("bash", "-euc", f"{script}\ncomplete -p ostraka")


def test_programs_are_type_checked_against_what_is_installed(sdk: Environment, tmp_path: Path) -> None:
    (tmp_path / "wrong.py").write_text(WRONG_PROGRAM)
    examples = [str(path) for path in (ROOT / "examples").glob("*.py")]
    assert _mypy(sdk, *examples) == []
    assert [line.rpartition("  ")[2] for line in _mypy(sdk, str(tmp_path / "wrong.py"))] == ["[union-attr]"]


def _mypy(environment: Environment, *programs: str) -> list[str]:
    """The errors, by the standards that a demanding user has."""
    found = run(*environment.mypy(), *programs)
    assert found.returncode in (0, 1), found.stderr
    return [line for line in found.stdout.splitlines() if ": error: " in line]
