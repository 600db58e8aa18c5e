"""First steps. Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...")."""

import os

from ostraka import Client, OutcomeUnknown, Retryable

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")

with Client(ENDPOINTS) as client:
    written = client.put("greeting", "hello")
    found = client.get("greeting")
    assert found is not None
    print("greeting is", found.value.decode(), "since revision", written.revision)

    for name in ("ada", "grace", "kathleen"):
        client.put(f"users/{name}", name.title())
    for kv in client.range(prefix="users/"):
        print(kv.key.decode(), "is", kv.value.decode())
    print("deleted", client.delete(prefix="users/").deleted, "users")

    try:
        client.put("greeting", "goodbye", timeout=2.0)
    except Retryable as error:
        print("not done, and may be tried again later:", error)
    except OutcomeUnknown as error:
        print("perhaps done; read before you write again:", error)
