"""Sell the last apple once, and move money: transactions. As in quickstart.py for where the cluster is."""

import os

from ostraka import Client
from ostraka.txn import Get, Put, absent, mod_revision, value

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")

with Client(ENDPOINTS) as client:
    client.delete(prefix="shop/")
    client.put("shop/apples", "1")

    # Who comes first gets it; whoever comes later is told who did.
    for buyer in ("ada", "grace"):
        order = Get("shop/order")
        done = client.txn(
            [value("shop/apples") == "1", absent("shop/order")],
            then=[Put("shop/apples", "0"), Put("shop/order", buyer)],
            otherwise=[order],
        )
        if done.succeeded:
            print(buyer, "has it, since revision", done.revision)
        elif (sold := done[order]) is not None:
            print(buyer, "is too late:", sold.value.decode(), "has it")

    # Read, compute, and write only if nobody has touched it meanwhile; else begin again.
    client.put("shop/ada", "30")
    client.put("shop/grace", "12")
    moved = False
    while not moved:
        ada, grace = client.get("shop/ada"), client.get("shop/grace")
        assert ada is not None and grace is not None
        moved = client.txn(
            [mod_revision(kv.key) == kv.mod_revision for kv in (ada, grace)],
            then=[Put(ada.key, str(int(ada.value) - 5)), Put(grace.key, str(int(grace.value) + 5))],
        ).succeeded
    for kv in client.range(prefix="shop/"):
        print(kv.key.decode(), "=", kv.value.decode(), "since revision", kv.mod_revision)
