"""serve: options, variables and file become the configuration that the node is run with."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from ostraka.cli.serve import serve
from ostraka_server.config import Config
from tests.cli.fakes import Runner
from tests.test_config import FLAGS

ARGUMENTS = [part for key, text in FLAGS.items() for part in ("--" + key.replace("_", "-"), text)]


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[Config]:
    """The configurations with which a node was run."""
    ran: list[Config] = []

    def run(config: Config) -> int:
        ran.append(config)
        return 4

    node = ModuleType("ostraka_server.__main__")
    node.run = run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ostraka_server.__main__", node)
    return ran


def test_flags_go_before_variables_before_the_file(
    ostraka: Runner, ran: list[Config], tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path_factory.mktemp("d") / "node.toml"
    file.write_text("[paxos]\nheartbeat_ms = 10\nwindow_entries = 10\nelection_timeout_ms = 910\n")
    monkeypatch.setenv("OSTRAKA_PAXOS_WINDOW_ENTRIES", "20")
    monkeypatch.setenv("OSTRAKA_PAXOS_HEARTBEAT_MS", "20")
    ostraka("serve", "--config", str(file), "--paxos-heartbeat-ms", "30", *ARGUMENTS)
    (config,) = ran
    paxos = config.paxos
    assert (config.node, paxos.heartbeat_ms, paxos.window_entries, paxos.election_timeout_ms) == ("n1", 30, 20, 910)


def test_the_exit_code_is_the_nodes(ostraka: Runner, ran: list[Config]) -> None:
    assert ostraka("serve", *ARGUMENTS).code == 4


def test_a_wrong_setting_is_wrong_use(ostraka: Runner, ran: list[Config]) -> None:
    outcome = ostraka("serve", *ARGUMENTS, "--paxos-heartbeat-ms", "0")
    assert outcome.code == 2
    assert b"--paxos-heartbeat-ms must be an integer from 1 to 60000, not 0" in outcome.err
    assert ran == []


def test_every_setting_has_an_option() -> None:
    options = {option for parameter in serve.params for option in parameter.opts}
    assert options == {"--config"} | {setting.flag for setting in Config.describe()}
