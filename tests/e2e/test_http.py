"""What the HTTP port tells Prometheus and those who look after nodes."""

from __future__ import annotations

import re
import urllib.request

import pytest

from tests.e2e.commands import run
from tests.e2e.harness import Cluster, tool
from tests.e2e.member import Member

pytestmark = pytest.mark.e2e


def _page(member: Member, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{member.node.http_port}{path}", timeout=10) as answer:
        assert answer.status == 200
        text = answer.read().decode()
    assert isinstance(text, str)
    return text


def test_metrics_are_as_promtool_wants_them(cluster: Cluster) -> None:
    for member in cluster:
        metrics = _page(member, "/metrics")
        checked = run(tool("promtool"), "check", "metrics", stdin=metrics)
        assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_exactly_one_node_leads_each_group_by_its_metrics(cluster: Cluster) -> None:
    leading = [
        group
        for member in cluster
        for group in re.findall(r'^ostraka_group_leader\{group="(\d+)"\} 1(?:\.0)?$', _page(member, "/metrics"), re.M)
    ]
    assert sorted(leading) == ["0", "1"]


def test_nodes_of_a_ready_cluster_are_alive_and_ready(cluster: Cluster) -> None:
    for member in cluster:
        assert _page(member, "/healthz")
        assert _page(member, "/readyz")
