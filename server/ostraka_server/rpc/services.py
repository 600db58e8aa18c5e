"""What a client's port serves: the API, health, and reflection of all of it."""

from __future__ import annotations

import grpc
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import add_HealthServicer_to_server

from ostraka.v1 import cluster_pb2, exchange_pb2, kv_pb2, session_pb2
from ostraka.v1.cluster_pb2_grpc import add_ClusterServicer_to_server
from ostraka.v1.kv_pb2_grpc import add_KVServicer_to_server
from ostraka.v1.session_pb2_grpc import add_SessionServicer_to_server
from ostraka_server.rpc.cluster_service import ClusterService
from ostraka_server.rpc.exchange_service import ExchangeService
from ostraka_server.rpc.health import Health
from ostraka_server.rpc.kv_service import KvService
from ostraka_server.rpc.reflection import add_reflection
from ostraka_server.rpc.session_service import SessionService

_FILES = (kv_pb2.DESCRIPTOR, session_pb2.DESCRIPTOR, exchange_pb2.DESCRIPTOR, cluster_pb2.DESCRIPTOR)

SERVICES = tuple(service.full_name for file in _FILES for service in file.services_by_name.values())
"""The API's, by full name."""


def add_services(
    server: grpc.aio.Server,
    *,
    kv: KvService,
    session: SessionService,
    exchange: ExchangeService,
    cluster: ClusterService,
    health: Health,
    reflection: bool,
) -> None:
    """Have `server` serve them."""
    add_KVServicer_to_server(kv, server)
    add_SessionServicer_to_server(session, server)
    server.add_generic_rpc_handlers((exchange.handler(),))
    add_ClusterServicer_to_server(cluster, server)
    add_HealthServicer_to_server(health, server)
    if reflection:
        add_reflection(server, (*_FILES, health_pb2.DESCRIPTOR))
