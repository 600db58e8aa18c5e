"""What can be done about a call that fails: the kind of error tells.

Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...").
"""

import os

from ostraka import Client, OutcomeUnknown, Permanent, Retryable

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")
TRIES = 10


def put_surely(client: Client, key: str, value: str) -> int:
    """The revision of a put that was acknowledged. Only for keys that nobody else writes.

    A put whose outcome is unknown may take effect even after the next one. That does no harm where both say the same.
    """
    for _ in range(TRIES):
        try:
            return client.put(key, value).revision
        except (Retryable, OutcomeUnknown) as error:  # the client has tried for its whole timeout where that is safe
            print("once more:", error)
    raise SystemExit(f"{key} could not be put")


with Client(ENDPOINTS) as client:
    print("stored at revision", put_surely(client, "settings/colour", "green"))
    try:
        client.put("settings/picture", b"\xff" * 2**21)
    except Permanent as error:
        print("no use in trying again:", error)

with Client("127.0.0.1:1", timeout=0.5) as nobody:
    try:
        nobody.get("settings/colour")
    except Retryable as error:
        print("not now:", error)
