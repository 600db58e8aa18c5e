"""The past, and how recent an answer has to be.

Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...").
"""

import os

from ostraka import Client, Compacted

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")

with Client(ENDPOINTS) as client:
    for price in (10, 12, 9):
        put = client.put("prices/bread", str(price))
        client.put("prices/milk", str(price // 2))
    last = put.revision

    # Revisions count the writes of a shard. What was can be read while the servers keep it: an hour, by default.
    before = client.get("prices/bread", revision=last - 2)
    now = client.get("prices/bread")
    assert before is not None
    assert now is not None
    print("bread was", before.value.decode(), "and is", now.value.decode())

    # A range is of one revision, however many keys it has and whatever is written meanwhile.
    scan = client.range(prefix="prices/", page_size=1)
    for kv in scan:
        print("page:", kv.key.decode(), kv.value.decode())
        client.put("prices/milk", "99")

    # The leader is asked, unless an answer may be a little old: then any node. One's own write it shows in any case.
    recent = client.read("prices/bread", max_staleness=2.0, min_revision=last)
    assert recent.kv is not None
    print(f"bread is still {recent.kv.value.decode()}, as of {recent.staleness} s ago at most")

    client.compact(last)
    try:
        client.get("prices/bread", revision=last - 2)
    except Compacted as gone:
        print("forgotten: the oldest revision that can be read is", gone.compact_revision)
    client.delete(prefix="prices/")
