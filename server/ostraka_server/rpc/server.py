"""The gRPC server for clients: services, limits, reflection. What a client can do to it is bounded here."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from ostraka_server.config import Address, Limits

AHEAD_BYTES_MAX = 32 << 10
"""What a client may send on a stream before it is read, beside the message being read."""

METADATA_BYTES_MAX = 16 << 10

PING_INTERVAL_MIN_MS = 1000
"""Clients that ping more often without data are cut off, after PING_STRIKES_MAX warnings."""

PING_STRIKES_MAX = 2

HANDSHAKE_TIMEOUT_MS = 5000
"""A connection that has not become an HTTP/2 one by then is closed."""

DEAD_AFTER_IDLE_MS, DEAD_UNANSWERED_MS = 10_000, 5000
"""A client that is silent is asked for a sign of life this often, and given up when it gives none for so long."""


class PortTaken(Exception):
    """The address cannot be listened on: the message names it, the reason and the remedy."""


def new_server(limits: Limits, interceptors: Sequence[grpc.aio.ServerInterceptor]) -> grpc.aio.Server:
    """A server without services or ports."""
    return grpc.aio.server(
        interceptors=interceptors,
        maximum_concurrent_rpcs=limits.rpcs_max,
        options=[
            ("grpc.so_reuseport", 0),  # else a second node on the same port would silently take half of the calls
            ("grpc.max_receive_message_length", limits.request_bytes_max),
            ("grpc.max_send_message_length", -1),  # responses are bounded by what makes them
            ("grpc.max_concurrent_streams", limits.streams_per_connection_max),
            # What a stream may send ahead waits unseen by admission: no more than is worked off in some milliseconds.
            ("grpc.http2.bdp_probe", 0),
            ("grpc.http2.lookahead_bytes", AHEAD_BYTES_MAX),
            ("grpc.max_metadata_size", METADATA_BYTES_MAX),
            ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),  # else what is above is refused at random
            ("grpc.max_allowed_incoming_connections", limits.connections_max),
            ("grpc.max_connection_idle_ms", limits.connection_idle_ms),
            # From this age on, give or take a tenth, a connection takes no more RPCs. Those it has may go on; Exchanges
            # are asked by their service to end, and are gone before gRPC would cut them.
            ("grpc.max_connection_age_ms", limits.connection_age_ms),
            ("grpc.max_connection_age_grace_ms", 2 * limits.connection_age_ms + limits.connection_age_grace_ms),
            ("grpc.server_handshake_timeout_ms", HANDSHAKE_TIMEOUT_MS),
            ("grpc.keepalive_time_ms", DEAD_AFTER_IDLE_MS),
            ("grpc.keepalive_timeout_ms", DEAD_UNANSWERED_MS),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", PING_INTERVAL_MIN_MS),
            ("grpc.http2.max_ping_strikes", PING_STRIKES_MAX),
        ],
    )


def listen(server: grpc.aio.Server, address: Address, setting: str = "listen_client") -> Address:
    """Listen on what `setting` says; the address with the port that was taken. Raises PortTaken."""
    try:
        port = server.add_insecure_port(str(address))
    except RuntimeError as error:
        raise PortTaken(
            f"cannot listen on {address}: the port is in use or the address is not this machine's. Stop what uses it, "
            f"or set {setting}"
        ) from error
    return Address(address.host, port)
