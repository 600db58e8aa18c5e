"""Who is there, and who leads. Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...")."""

import os

from ostraka import Client, OstrakaError

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")

with Client(ENDPOINTS) as client:
    for member in client.members().members:
        try:
            status = client.status(member.client_address, timeout=1.0)
        except OstrakaError as error:
            print(member.node, "does not answer:", error)
        else:
            state = "ready" if status.ready else "not ready"
            print(member.node, "is", state, "at", member.client_address, "with version", status.version)

    for shard in client.shards().shards:
        print("shard", shard.shard, "is led by", shard.leader_node, "and held by", *shard.replica_nodes)
