"""Many puts from many threads with one client, which gathers what they ask for into few messages.

Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...").
"""

import os
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from ostraka import Client

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")
THREADS = 50
RECORDS = 2000


# Counting any node can do, if it need not be up to date: the balancer spreads such reads over the nodes.
with Client(ENDPOINTS, balancer="random") as client, ThreadPoolExecutor(THREADS) as threads:

    def put(number: int) -> None:
        client.put(f"bulk/{number:06}", f"record {number}")

    began = perf_counter()
    for _ in threads.map(put, range(RECORDS)):
        pass
    seconds = perf_counter() - began
    print(f"{RECORDS} puts by {THREADS} threads: {RECORDS / seconds:.0f} a second")
    print(
        "counted:", client.count(prefix="bulk/"), "or a little fewer:", client.count(prefix="bulk/", serializable=True)
    )
    client.delete(prefix="bulk/")
