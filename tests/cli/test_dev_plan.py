"""Names, ports and files of a development cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ostraka.cli.dev import banner, environment
from ostraka.cli.dev_plan import Node, node_toml, nodes_in, plan, write_cluster_json
from ostraka_server.config import Config
from tests.cli.fakes import Runner


@pytest.fixture
def nodes(tmp_path: Path) -> list[Node]:
    return plan(3, tmp_path, 7400)


def test_ports_follow_from_the_base_port(nodes: list[Node], tmp_path: Path) -> None:
    assert nodes[0] == Node("n1", tmp_path / "n1", 7401, 7501, 9401)
    assert nodes[2] == Node("n3", tmp_path / "n3", 7403, 7503, 9403)


def test_base_port_0_takes_free_ports_each_another(tmp_path: Path) -> None:
    free = plan(5, tmp_path, 0)
    ports = [port for node in free for port in (node.client_port, node.replica_port, node.http_port)]
    assert len(set(ports)) == 15
    assert all(1024 <= port <= 65535 for port in ports)


def test_the_nodes_take_their_configurations_and_agree_on_the_members(nodes: list[Node]) -> None:
    configs = []
    for node in nodes:
        node.directory.mkdir()
        node.config_file.write_text(node_toml(node, nodes, "dev"))
        configs.append(Config.from_sources(node.config_file, {}, {}))
    assert len({config.members for config in configs}) == 1
    second = configs[1]
    assert (second.cluster, second.node) == ("dev", "n2")
    assert second.data_dir == nodes[1].directory / "data"
    assert (second.listen_client.port, second.listen_replica.port, second.listen_http.port) == (7402, 7502, 9402)


def test_a_path_with_quotes_and_umlauts_arrives(tmp_path: Path) -> None:
    directory = tmp_path / 'a "b" \\ ü'
    (node,) = plan(1, directory, 7400)
    node.directory.mkdir(parents=True)
    node.config_file.write_text(node_toml(node, [node], "dev"), "utf-8")
    assert Config.from_sources(node.config_file, {}, {}).data_dir == directory / "n1" / "data"


def test_cluster_json_tells_addresses_and_processes(nodes: list[Node], tmp_path: Path) -> None:
    file = tmp_path / "cluster.json"
    assert nodes_in(file) is None
    write_cluster_json(file, nodes, {"n1": 11, "n2": None, "n3": 13}, supervisor=10)
    document = json.loads(file.read_text())
    assert document["supervisor_pid"] == 10
    assert document["endpoints"] == ["127.0.0.1:7401", "127.0.0.1:7402", "127.0.0.1:7403"]
    assert [node["pid"] for node in document["nodes"]] == [11, None, 13]
    assert document["nodes"][1]["http_address"] == "127.0.0.1:9402"
    assert nodes_in(file) == 3


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"nodes": 3}', b"\xff", b"[" * 100_000])
def test_a_cluster_json_that_is_none_is_named(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "cluster.json"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=r"cluster\.json is not what `ostraka dev` writes"):
        nodes_in(file)


def test_variables_tune_the_nodes_but_never_mix_them_up(nodes: list[Node]) -> None:
    kept = {"OSTRAKA_LOGGING_LEVEL": "debug", "PATH": "/bin"}
    mixed = {"OSTRAKA_NODE": "x", "OSTRAKA_MEMBERS": "x", "OSTRAKA_LISTEN_HTTP": "h:1", "OSTRAKA_DATA_DIR": "/x"}
    assert environment(kept | mixed, nodes) == kept


def test_the_banner_names_the_endpoint_only_where_it_is_not_the_default(nodes: list[Node], tmp_path: Path) -> None:
    assert "--endpoints" not in banner([node.endpoint for node in nodes], tmp_path)
    assert "--endpoints 127.0.0.1:8001 put greeting hello" in banner(["127.0.0.1:8001"], tmp_path)


def test_another_number_of_nodes_than_before_is_refused(ostraka: Runner, nodes: list[Node], tmp_path: Path) -> None:
    write_cluster_json(tmp_path / "cluster.json", nodes, {node.name: None for node in nodes}, supervisor=1)
    outcome = ostraka("dev", "--nodes", "5", "--data-dir", str(tmp_path))
    assert outcome.code == 2
    assert b"holds a cluster of 3 nodes: --nodes 3, or another --data-dir" in outcome.err
