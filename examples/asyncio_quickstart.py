"""First steps with asyncio. Talks to `make run`, or to the nodes that OSTRAKA_ENDPOINTS names ("host:port,...")."""

import asyncio
import os

from ostraka.aio import Client

ENDPOINTS = os.environ.get("OSTRAKA_ENDPOINTS", "127.0.0.1:7401").split(",")


async def main() -> None:
    async with Client(ENDPOINTS) as client:
        await client.put("greeting", "hello")
        found = await client.get("greeting")
        assert found is not None
        print("greeting is", found.value.decode())

        # What is asked for at the same time travels together: a hundred puts are a few messages.
        await asyncio.gather(*(client.put(f"squares/{i:02}", str(i * i)) for i in range(100)))
        print("sum of squares:", sum([int(kv.value) async for kv in client.range(prefix="squares/")]))


asyncio.run(main())
