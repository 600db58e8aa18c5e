"""The layout of a development cluster: names, ports, files."""

from __future__ import annotations

import contextlib
import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

HOST = "127.0.0.1"
REPLICA_PORTS = 100  # above those for clients
HTTP_PORTS = 2000

_PORTS_FROM, _EPHEMERAL_FROM = 10_000, 32_768


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the cluster. Files: `DIRECTORY/node.toml`, `node.log`, and its data in `data/`."""

    name: str
    directory: Path
    client_port: int
    replica_port: int
    http_port: int

    @property
    def endpoint(self) -> str:
        """Where its clients connect."""
        return f"{HOST}:{self.client_port}"

    @property
    def config_file(self) -> Path:
        return self.directory / "node.toml"

    @property
    def log_file(self) -> Path:
        """What the node's process writes to standard output and standard error."""
        return self.directory / "node.log"


def plan(count: int, data_dir: Path, base_port: int) -> list[Node]:
    """Nodes n1, n2, ... in `data_dir`; node i has the ports P+i, P+100+i, P+2000+i, or free ones where P is 0."""
    if base_port:
        ports = [
            (base_port + i, base_port + REPLICA_PORTS + i, base_port + HTTP_PORTS + i) for i in range(1, count + 1)
        ]
    else:
        free = _free_ports(3 * count)
        ports = list(zip(free[0::3], free[1::3], free[2::3], strict=True))
    return [Node(f"n{i}", data_dir / f"n{i}", *three) for i, three in enumerate(ports, 1)]


def settings(node: Node, cluster: str) -> dict[str, str]:
    """What the configuration of `node` says beside the members, by key."""
    return {
        "cluster": cluster,
        "node": node.name,
        "data_dir": str(node.directory / "data"),
        "listen_client": node.endpoint,
        "listen_replica": f"{HOST}:{node.replica_port}",
        "listen_http": f"{HOST}:{node.http_port}",
    }


def node_toml(node: Node, nodes: Sequence[Node], cluster: str) -> str:
    """The configuration of `node`."""
    lines = ["# Written anew by each `ostraka dev`."]
    lines += [_assignment(key, text) for key, text in settings(node, cluster).items()]
    for member in nodes:
        lines += ["", "[[members]]", _assignment("node", member.name)]
        lines.append(_assignment("replica_address", f"{HOST}:{member.replica_port}"))
        lines.append(_assignment("client_address", member.endpoint))
    return "\n".join(lines) + "\n"


def write_cluster_json(file: Path, nodes: Sequence[Node], pids: Mapping[str, int | None], supervisor: int) -> None:
    """Tells scripts where the nodes are and which processes they are; replaced as a whole at each change."""
    document = {
        "supervisor_pid": supervisor,
        "endpoints": [node.endpoint for node in nodes],
        "nodes": [
            {
                "node": node.name,
                "pid": pids[node.name],
                "client_address": node.endpoint,
                "replica_address": f"{HOST}:{node.replica_port}",
                "http_address": f"{HOST}:{node.http_port}",
                "directory": str(node.directory),
            }
            for node in nodes
        ],
    }
    partial = file.with_suffix(".partial")
    partial.write_text(json.dumps(document, indent=2) + "\n")
    partial.replace(file)


def nodes_in(file: Path) -> int | None:
    """How many nodes the cluster of a `cluster.json` has; None where there is no such file. ValueError where it is
    none."""
    if not file.exists():
        return None
    try:
        return len(json.loads(file.read_text("utf-8"))["nodes"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"{file} is not what `ostraka dev` writes ({error!r}): remove it") from error


def _assignment(key: str, text: str) -> str:
    # A JSON string is a TOML string as well, save for DEL, which no path sensibly contains.
    return f"{key} = {json.dumps(text, ensure_ascii=False)}"


def _free_ports(count: int) -> list[int]:
    """Ports that are free now, and that no outgoing connection takes while a node is down and about to come back.

    Another process may take one before its node does; the node then says so.
    """
    generator = Random()
    candidates = iter(generator.sample(range(_PORTS_FROM, _ephemeral_from()), k=1000))
    ports: list[int] = []
    while len(ports) < count:
        port = next(candidates)
        with contextlib.suppress(OSError), socket.create_server((HOST, port)):
            ports.append(port)
    return ports


def _ephemeral_from() -> int:
    """The first port that the kernel gives to outgoing connections."""
    try:
        return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split()[0])
    except (OSError, ValueError):
        return _EPHEMERAL_FROM
