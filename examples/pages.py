"""A range of keys, a page at a time, each going on behind the last key of the one before.

Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...").
"""

import os

from ostraka import Client

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")
KEYS_A_PAGE = 4

with Client(ENDPOINTS) as client:
    for hour in range(24):
        client.put(f"visits/2026-05-01T{hour:02}", str(hour * hour % 7))

    # Keys are in the order of their bytes: from eight in the morning on, and before six in the evening.
    start, end = b"visits/2026-05-01T08", b"visits/2026-05-01T18"
    while page := list(client.range(start, end, limit=KEYS_A_PAGE)):
        print("page:", *(f"{kv.key.decode()}={kv.value.decode()}" for kv in page))
        start = page[-1].key + b"\0"  # the very next key that there could be

    print("all day:", client.count(prefix="visits/2026-05-01"))
    client.delete(prefix="visits/")
