"""What a real Prometheus makes of a real cluster, and of what deploy/prometheus has for it."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from ostraka.cli.dev_plan import HOST
from tests.e2e.commands import run
from tests.e2e.harness import GROUP, configured, tool
from tests.e2e.prometheus import OFFERED, prometheus
from tests.test_catalog import exposed

pytestmark = pytest.mark.e2e

PUTS = 500
COMMANDS = PUTS + 1
"""The client registers before it writes."""
NODES = 3
# A forwarded call is answered by two nodes.
DONE = 'sum(ostraka_operations_total{operation=~"put|register", code="OK"})'
ANSWERED = f"{DONE} - sum(ostraka_calls_forwarded_total)"
CHECKS = {"prometheus.yml": "check config", "ostraka.rules.yml": "check rules", "ostraka.rules.test.yml": "test rules"}


def test_prometheus_scrapes_a_cluster_and_counts_its_puts(tmp_path: Path) -> None:
    async def put_and_ask() -> None:
        async with cluster.client() as client:
            await cluster.until_ready(client)
            await server.until_ready()
            await server.until("count(up == 1)", NODES)
            await asyncio.gather(*(client.put(f"key {number}", "value") for number in range(PUTS)))
            await server.until(ANSWERED, COMMANDS)
            await server.until(f'sum(ostraka_group_commands_applied_total{{group="{GROUP}"}})', NODES * COMMANDS)
            assert server.value('sum(rate(ostraka_operations_total{operation="put", code="OK"}[1m])) > bool 0') == 1
            rules = server.rules()
            assert {rule["health"] for rule in rules} == {"ok"}
            assert [rule["name"] for rule in rules if rule["state"] != "inactive"] == []

    with configured(tmp_path / "cluster", size=NODES) as cluster:
        cluster.start()
        targets = [f"{HOST}:{member.node.http_port}" for member in cluster]
        with prometheus(tmp_path / "prometheus", targets) as server:
            asyncio.run(put_and_ask())


@pytest.mark.parametrize(("file", "check"), CHECKS.items())
def test_promtool_takes_what_is_offered(file: str, check: str) -> None:
    answer = run(tool("promtool"), *check.split(), str(OFFERED / file))
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_each_alert_has_been_seen_to_fire() -> None:
    alerts = re.findall(r"alert: (\w+)", (OFFERED / "ostraka.rules.yml").read_text())
    assert set(re.findall(r'alertname="(\w+)"', (OFFERED / "ostraka.rules.test.yml").read_text())) == set(alerts)


def test_the_rules_name_metrics_that_there_are() -> None:
    named = set(re.findall(r"\b(?:ostraka|grpc)_[a-z_]+\b", (OFFERED / "ostraka.rules.yml").read_text()))
    shown = set(re.findall(r"^(?:# TYPE )?(\w+)", exposed(), flags=re.MULTILINE))
    assert named
    assert named - shown == set()
