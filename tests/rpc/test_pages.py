"""What /metrics, /healthz and /readyz say."""

from __future__ import annotations

import asyncio
import json
from http import HTTPStatus

from ostraka_server.rpc.http import Page
from ostraka_server.rpc.pages import pages
from ostraka_server.shard.gateway import Gateway
from tests.rpc.cluster import Cluster


def page(gateway: Gateway, path: str) -> Page:
    return pages(gateway, lambda: b"up 1\n")[path]()


def missing(gateway: Gateway) -> list[str]:
    """What /readyz says is missing, its parts in agreement."""
    answer = page(gateway, "/readyz")
    document = json.loads(answer.body)
    assert answer.content_type == "application/json"
    assert document["ready"] == (answer.status is HTTPStatus.OK) == (not document["missing"])
    lacking: list[str] = document["missing"]
    return lacking


def test_a_node_is_not_ready_while_its_cluster_is_being_formed() -> None:
    gateway = Cluster().gateway("n1")
    gateway.waits_for(["n2", "n3"])
    assert missing(gateway) == ["the cluster is being formed and waits for n2, n3; try again"]


def test_a_node_is_ready_once_every_group_has_a_leader() -> None:
    cluster = Cluster()
    gateway = cluster.open_gateway("n2")
    assert missing(gateway) == ["shard 0: no leader is known here", "shard 1: no leader is known here"]
    cluster.elect("n1")
    assert missing(gateway) == []
    cluster.cut_off = {"n2"}
    cluster.elapse(2.1)
    assert missing(gateway) == ["shard 0: no leader is known here", "shard 1: no leader is known here"]


def test_a_node_that_is_being_stopped_is_not_ready() -> None:
    cluster = Cluster()
    gateway = cluster.open_gateway("n1")
    cluster.elect("n1")
    asyncio.run(gateway.close())
    assert missing(gateway) == ["node n1 is shutting down: ask another node"]


def test_a_node_that_answers_is_alive_even_if_it_is_not_ready() -> None:
    answer = page(Cluster().gateway("n1"), "/healthz")
    assert (answer.status, json.loads(answer.body)) == (HTTPStatus.OK, {"alive": True})


def test_metrics_say_which_format_they_are() -> None:
    answer = page(Cluster().gateway("n1"), "/metrics")
    assert answer == Page(HTTPStatus.OK, "text/plain; version=0.0.4; charset=utf-8", b"up 1\n")
