"""A node's settings: precedence, names, types, ranges, relations."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from ostraka_server.config import SEGMENT_OVERHEAD_BYTES, Address, Config, ConfigError, Limits, Member, Paxos
from ostraka_server.log import LogConfig

MINIMAL = """
cluster = "dev"
node = "n1"
data_dir = "/d/n1"
[[members]]
node = "n1"
replica_address = "127.0.0.1:7501"
client_address = "127.0.0.1:7401"
"""

FLAGS = {"cluster": "dev", "node": "n1", "data_dir": "/d/n1", "members": "n1=127.0.0.1:7501/127.0.0.1:7401"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "node.toml"
    path.write_text(MINIMAL)
    return path


def extended(file: Path, text: str, *, top: str = "") -> Path:
    file.write_text(top + MINIMAL + text)
    return file


def refusal(file: Path | None = None, environ: dict[str, str] | None = None, **flags: str) -> str:
    with pytest.raises(ConfigError) as caught:
        Config.from_sources(file, environ or {}, flags)
    return str(caught.value)


def test_a_minimal_file_gets_the_defaults(file: Path) -> None:
    config = Config.from_sources(file, {}, {})
    assert config.members == (Member("n1", Address("127.0.0.1", 7501), Address("127.0.0.1", 7401)),)
    assert config.data_dir == Path("/d/n1")
    assert config.advertise_http == config.listen_http == Address("127.0.0.1", 9401)
    assert (config.paxos, config.limits) == (Paxos(), Limits())


def test_flags_alone_and_variables_alone_describe_the_same_node(file: Path) -> None:
    variables = {"OSTRAKA_" + key.upper(): value for key, value in FLAGS.items()}
    expected = Config.from_sources(file, {}, {})
    assert Config.from_sources(None, {}, FLAGS) == expected
    assert Config.from_sources(None, variables, {}) == expected


def test_a_flag_goes_before_a_variable_before_the_file(file: Path) -> None:
    extended(file, "[paxos]\nheartbeat_ms = 10\nwindow_entries = 10\nelection_timeout_ms = 910\n")
    environ = {"OSTRAKA_PAXOS_HEARTBEAT_MS": "20", "OSTRAKA_PAXOS_WINDOW_ENTRIES": "20"}
    paxos = Config.from_sources(file, environ, {"paxos.heartbeat_ms": "30"}).paxos
    assert (paxos.heartbeat_ms, paxos.window_entries, paxos.election_timeout_ms) == (30, 20, 910)


def test_text_is_converted_and_values_of_every_type_arrive() -> None:
    environ = {
        "OSTRAKA_REFLECTION": "false",
        "OSTRAKA_LOGGING_FORMAT": "json",
        "OSTRAKA_LISTEN_HTTP": "[::1]:0",
        "OSTRAKA_STORE_CACHE_BYTES": "1_000_000",
    }
    config = Config.from_sources(None, environ, FLAGS)
    assert config.reflection is False
    assert config.logging.format == "json"
    assert str(config.listen_http) == "[::1]:0"
    assert config.store.cache_bytes == 1_000_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[paxos]\nhartbeat_ms = 1", "unknown key paxos.hartbeat_ms; did you mean paxos.heartbeat_ms?"),
        ("[paxo]\nheartbeat_ms = 1", "unknown key paxo"),
        ("[limits]\nkey_bytes_max = '4'", "limits.key_bytes_max must be an integer from 1 to"),
        ("[limits]\nkey_bytes_max = true", "limits.key_bytes_max must be an integer"),
        ("[limits]\nkey_bytes_max = 0", "limits.key_bytes_max must be an integer from 1 to"),
        ("[logging]\nlevel = 'loud'", "logging.level must be one of debug, info, warning, error, not 'loud'"),
        ("[[members]]\nnode = 'n2'", "members: the member 'n2' lacks replica_address, client_address"),
        ("[[members]]\nnodes = 'n2'", "members: a member has no nodes; did you mean node?"),
        ("[[", "is not TOML"),
        pytest.param("a = " + "[" * 5000, "is not TOML", id="lists in lists"),
        pytest.param("a = " + "1" * 5000, "is not TOML", id="a number that is too long"),
    ],
)
def test_a_wrong_file_is_refused_by_key_and_file(file: Path, text: str, message: str) -> None:
    said = refusal(extended(file, text))
    assert message in said
    assert str(file) in said


@pytest.mark.parametrize(
    ("top", "message"),
    [
        ("listen_client = 7401\n", "listen_client: 7401 is not an address: write host:port"),
        ("listen_client = 'h:70000'\n", "'h:70000' is not an address"),
        ("reflection = 'yes'\n", "reflection must be true or false, not 'yes'"),
        ("paxos = 3\n", "paxos is a section: write [paxos]"),
    ],
)
def test_a_wrong_top_level_value_is_refused(file: Path, top: str, message: str) -> None:
    assert message in refusal(extended(file, "", top=top))


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    assert refusal(tmp_path / "absent.toml").startswith(f"cannot read {tmp_path}/absent.toml: No such file")


def test_a_missing_setting_says_how_to_give_it() -> None:
    assert refusal(cluster="dev") == (
        "node is required: set it in a file named with --config, as OSTRAKA_NODE or --node"
    )


def test_a_mistyped_variable_is_refused_and_names_its_neighbour(file: Path) -> None:
    said = refusal(file, {"OSTRAKA_PAXOS_HEARTBEAT": "1"})
    assert said == "unknown environment variable OSTRAKA_PAXOS_HEARTBEAT; did you mean OSTRAKA_PAXOS_HEARTBEAT_MS?"


def test_variables_of_the_client_and_of_kubernetes_are_not_settings(file: Path) -> None:
    environ = {
        "OSTRAKA_ENDPOINTS": "h:1",
        "OSTRAKA_PORT": "tcp://10.0.0.1:7401",
        "OSTRAKA_SERVICE_HOST": "10.0.0.1",
        "OSTRAKA_CLIENT_SERVICE_PORT_GRPC": "7401",
        "OSTRAKA_PORT_7401_TCP_ADDR": "10.0.0.1",
        "PATH": "/bin",
    }
    assert Config.from_sources(file, environ, {}) == Config.from_sources(file, {}, {})


@pytest.mark.parametrize("value", ["", "-n", "a b", "x" * 64, "é"])
def test_names_are_plain_words(value: str) -> None:
    assert "is not a name" in refusal(None, None, **FLAGS | {"cluster": value})


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"paxos.heartbeat_ms": "350"}, "paxos.election_timeout_ms must be more than twice paxos.heartbeat_ms"),
        ({"limits.value_bytes_max": "4190208"}, "limits.request_bytes_max must exceed"),
        ({"limits.range_response_bytes_max": "1048576"}, "limits.range_response_bytes_max must hold"),
        ({"paxos.window_bytes": "4000000"}, "paxos.window_bytes must hold limits.request_bytes_max"),
        ({"log.segment_bytes": "8531968"}, "log.segment_bytes must exceed paxos.window_bytes by 147456"),
        ({"log.segment_bytes": "67108865"}, "log.segment_bytes must be a multiple of 4096"),
        ({"limits.timeout_ms_max": "4999"}, "limits.timeout_ms_max must be at least"),
        ({"limits.connection_age_grace_ms": "60000"}, "limits.connection_age_grace_ms must exceed"),
        ({"listen_client": "0.0.0.0:7401"}, "set advertise_client to an address that others reach"),
        ({"listen_http": "127.0.0.1:7401"}, "listen_http and listen_channelz must differ"),
        ({"listen_channelz": "127.0.0.1:9401"}, "listen_http and listen_channelz must differ"),
        ({"node": "n2"}, "n2 is not among them"),
        ({"advertise_replica": "db1:7501"}, "members gives n1 other addresses than advertise_replica db1:7501"),
        ({"members": FLAGS["members"] + ",n1=h:1/h:2"}, "members names a node twice"),
        ({"members": FLAGS["members"] + ",n2=h:0/h:2"}, "members must give fixed ports"),
        ({"members": FLAGS["members"] + ",n2=h:1/h:1"}, "members gives the same address twice"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(flags: dict[str, str], message: str) -> None:
    assert message in refusal(None, None, **FLAGS | flags)


def test_the_log_takes_whatever_a_window_may_hold() -> None:
    window = 64 * 1024
    log = LogConfig(segment_bytes=window + SEGMENT_OVERHEAD_BYTES)
    assert log.max_payload_bytes >= window


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "192.0.2.1", "localhost", "db1.example"])
def test_channelz_is_shown_to_this_machine_only(host: str) -> None:
    assert "can be reached from elsewhere" in refusal(None, None, **FLAGS | {"listen_channelz": f"{host}:9501"})


@pytest.mark.parametrize("text", ["127.0.0.1:9501", "127.1.2.3:0", "[::1]:9501"])
def test_channelz_listens_on_any_loopback_address(text: str) -> None:
    assert str(Config.from_sources(None, {}, FLAGS | {"listen_channelz": text}).listen_channelz) == text


def test_channelz_is_off_unless_asked_for() -> None:
    assert Config.from_sources(None, {}, FLAGS).listen_channelz is None
    given = {"OSTRAKA_LISTEN_CHANNELZ": "127.0.0.1:9501"}
    assert Config.from_sources(None, given, FLAGS | {"listen_channelz": "off"}).listen_channelz is None


def test_a_wildcard_is_fine_behind_an_advertised_address() -> None:
    addresses = {"listen_client": "0.0.0.0:7401", "advertise_client": "db1.example:7401"}
    config = Config.from_sources(None, {}, FLAGS | addresses | {"members": "n1=127.0.0.1:7501/db1.example:7401"})
    assert str(config.advertise_client) == "db1.example:7401"


def test_a_node_alone_may_take_any_free_port() -> None:
    ports = {"listen_client": "127.0.0.1:0", "listen_replica": "127.0.0.1:0", "listen_http": "127.0.0.1:0"}
    config = Config.from_sources(None, {}, FLAGS | ports | {"members": "n1=127.0.0.1:0/127.0.0.1:0"})
    assert config.advertise_client.port == 0


def test_a_changed_copy_is_checked_too(file: Path) -> None:
    config = Config.from_sources(file, {}, {})
    with pytest.raises(ConfigError, match="more than twice"):
        dataclasses.replace(config, paxos=Paxos(heartbeat_ms=400))


def test_every_setting_is_described_and_has_its_unit_in_its_name() -> None:
    rows = Config.describe()
    assert {row.key: row.default_text for row in rows}["paxos.heartbeat_ms"] == "150"
    assert {row.key: row.default_text for row in rows}["advertise_client"] == "listen_client"
    for row in rows:
        assert re.fullmatch(r"[A-Z].*\.", row.about.meaning), row.key
        assert row.unit or row.type is not int, row.key
    assert len({row.variable for row in rows}) == len({row.flag for row in rows}) == len(rows)
