"""What the node shows over HTTP: /metrics, /healthz, /readyz."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from http import HTTPStatus

from ostraka_server.rpc.http import Page
from ostraka_server.shard.gateway import Gateway
from ostraka_server.shard.readiness import missing

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


def pages(gateway: Gateway, metrics: Callable[[], bytes]) -> Mapping[str, Callable[[], Page]]:
    """By path. `metrics` gives them in Prometheus's text format."""
    return {
        "/metrics": lambda: Page(HTTPStatus.OK, PROMETHEUS_TEXT, metrics()),
        "/healthz": healthy,
        "/readyz": lambda: readiness(gateway),
    }


def healthy() -> Page:
    """The process lives, and its loop gets round to answering: nothing else is claimed."""
    return _json(HTTPStatus.OK, {"alive": True})


def readiness(gateway: Gateway) -> Page:
    """OK once calls to every group of this node would be carried out; else why not."""
    router = gateway.router
    if gateway.refusal is not None:
        lacking = [gateway.refusal.error.message]
    else:
        assert router is not None, "only a gateway with a router refuses nothing"
        lacking = [f"shard {group.shard}: {why}" for group in router.groups.values() if (why := missing(group))]
    status = HTTPStatus.SERVICE_UNAVAILABLE if lacking else HTTPStatus.OK
    return _json(status, {"ready": not lacking, "missing": lacking})


def _json(status: HTTPStatus, document: Mapping[str, object]) -> Page:
    return Page(status, "application/json", json.dumps(document).encode() + b"\n")
