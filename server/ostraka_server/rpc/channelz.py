"""channelz: what gRPC itself knows of this process's servers, connections and calls, for a search on the spot.

It shows who is connected, so it has a port of its own on a loopback address. On the clients' port, open to callers by
their address, it would be open to everyone as soon as a proxy on this machine carries the calls.
"""

from __future__ import annotations

import grpc
from grpc_channelz.v1.channelz import add_channelz_servicer
from grpc_channelz.v1.channelz_pb2 import DESCRIPTOR

from ostraka_server.config import Address, Limits
from ostraka_server.rpc.reflection import add_reflection
from ostraka_server.rpc.server import listen, new_server


def channelz_server(limits: Limits, address: Address, *, reflection: bool) -> tuple[grpc.aio.Server, Address]:
    """A server that serves nothing else, to be started, and its address with the port that was taken.

    Raises PortTaken. `address` is of the loopback network: `Config` takes no other.
    """
    server = new_server(limits, ())
    add_channelz_servicer(server)
    if reflection:
        add_reflection(server, (DESCRIPTOR,))
    return server, listen(server, address, "listen_channelz")
