"""The service grpc.health.v1: for this node, for each of its services, and for each shard (`shard-<number>`).

A shard is SERVING where this node's replica reaches a quorum. The node, and each service, is SERVING while some shard
is: one shard of many that has lost its quorum must not take every node out of rotation, but a node that is cut off
must go. Nothing is SERVING before the cluster is formed or once the node stops.

grpcio-health-checking's own servicer is not used: there the end of one Watch leaves the others of its service waiting
for ever, and statuses are pushed into it one by one. Here they are read when asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from ostraka_server.shard.group import Group
from ostraka_server.shard.readiness import reaches_quorum

NODE = ""
"""The name that stands for the node itself."""

SERVING: int = HealthCheckResponse.SERVING
NOT_SERVING: int = HealthCheckResponse.NOT_SERVING
UNKNOWN: int = HealthCheckResponse.SERVICE_UNKNOWN


class Health:
    """One node's servicer."""

    def __init__(self, services: Iterable[str]) -> None:
        self._names = {NODE, *services}
        self._shards: Mapping[str, Group] = {}
        self._retired = False
        self._changed = asyncio.Event()

    def serve(self, groups: Iterable[Group]) -> None:
        """The node serves these groups from now on."""
        self._shards = {f"shard-{group.shard}": group for group in groups}
        for group in self._shards.values():
            group.listeners.append(self._wake_watchers)
        self._wake_watchers()

    def retire(self) -> None:
        """The node takes nothing any more."""
        self._retired = True
        self._wake_watchers()

    def status(self, name: str) -> int:
        """A HealthCheckResponse.ServingStatus: what is known now."""
        if name in self._names:
            serving = any(map(reaches_quorum, self._shards.values()))
        elif (group := self._shards.get(name)) is not None:
            serving = reaches_quorum(group)
        else:
            return UNKNOWN
        return SERVING if serving and not self._retired else NOT_SERVING

    async def Check(self, request: HealthCheckRequest, context: Any) -> HealthCheckResponse:
        status = self.status(request.service)
        if status == UNKNOWN:
            known = ", ".join(sorted((*self._names - {NODE}, *self._shards)))
            await context.abort(
                grpc.StatusCode.NOT_FOUND, f"nothing here is named {request.service[:80]!r}; known: {known}"
            )
        return HealthCheckResponse(status=status)

    async def Watch(self, request: HealthCheckRequest, context: Any) -> None:
        """The status now and at each change, until the client goes."""
        told = None
        while True:
            changed = self._changed  # taken before the status is: no change falls in between
            status = self.status(request.service)
            if status != told:
                await context.write(HealthCheckResponse(status=status))
                told = status
            await changed.wait()

    def _wake_watchers(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
