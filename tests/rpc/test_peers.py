"""The replica transport over real sockets: hello first, malformed bytes end their connection only, lost ones return."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from ostraka.clock import BootClock
from ostraka_server.config import Address
from ostraka_server.paxos.formation import Stranger
from ostraka_server.rpc import peers as peers_module
from ostraka_server.rpc.frames import FRAME_BYTES_MAX, FrameReader, encode
from ostraka_server.rpc.peers import Peers
from ostraka_server.shard.handover import within
from ostraka_server.wire.replica_pb2 import Frame, Hello, Identity

HERE = Address("127.0.0.1", 0)
PATIENCE_S = 10.0


class Handler:
    """A node as its peers see it. `changed` is set whenever something arrived."""

    def __init__(self, node: str) -> None:
        self.node = node
        self.stage = 0
        self.hellos: list[Hello] = []
        self.messages: list[tuple[str, bytes]] = []
        self.refuses: set[str] = set()
        self.changed = asyncio.Event()

    def hello(self) -> Hello:
        return Hello(self=Identity(node=self.node), stage=self.stage)  # type: ignore[arg-type]

    def on_hello(self, hello: Hello) -> str:
        node: str = getattr(hello, "self").node  # noqa: B009  # the field's name is taken by Python
        if node in self.refuses:
            raise Stranger("unknown")
        self.hellos.append(hello)
        self.changed.set()
        return node

    def sequence(self) -> int:
        return 7

    def on_messages(self, node: str, messages: Sequence[bytes], sequence: int) -> None:
        assert sequence == 7
        self.messages += [(node, message) for message in messages]
        self.changed.set()

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait until something arrived that makes `done` hold."""
        while not done():
            self.changed.clear()
            assert await within(CLOCK, CLOCK.now() + PATIENCE_S, self.changed.wait()), "nothing arrived"


CLOCK = BootClock()


def on_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Make a test of an async function."""

    def run() -> None:
        asyncio.run(test())

    run.__name__ = test.__name__
    return run


async def listening(node: str) -> tuple[Handler, Peers, Address]:
    handler = Handler(node)
    peers = Peers(handler, {}, CLOCK)
    return handler, peers, await peers.listen(HERE)


def connected(node: str, address: Address) -> tuple[Handler, Peers]:
    """A node whose only peer, n2, listens at `address`."""
    handler = Handler(node)
    peers = Peers(handler, {"n2": address}, CLOCK)
    peers.connect()
    return handler, peers


async def ended(reader: asyncio.StreamReader) -> None:
    """Wait until the other side has closed the connection."""

    async def drain() -> None:
        try:
            while await reader.read(1 << 16):
                pass
        except ConnectionError:
            pass

    assert await within(CLOCK, CLOCK.now() + PATIENCE_S, drain()), "still open"


@on_loop
async def test_a_hello_comes_first_and_messages_follow_in_order() -> None:
    two, two_peers, address = await listening("n2")
    _, one_peers = connected("n1", address)
    await two.until(lambda: bool(two.hellos))
    assert one_peers.is_reachable("n2")
    one_peers.send("n2", [b"a", b"b"])
    one_peers.send("n2", [b"c"])
    await two.until(lambda: len(two.messages) == 3)
    assert two.messages == [("n1", b"a"), ("n1", b"b"), ("n1", b"c")]
    assert (one_peers.frames_sent, one_peers.frames_dropped) == (2, 0)
    assert two_peers.frames_received == 3
    assert 0 < one_peers.bytes_sent < two_peers.bytes_received, "hellos are received, too"
    await one_peers.close()
    await two_peers.close()


@on_loop
async def test_what_is_too_much_for_a_frame_goes_in_several() -> None:
    two, two_peers, address = await listening("n2")
    _, one_peers = connected("n1", address)
    await two.until(lambda: bool(two.hellos))
    large = bytes(FRAME_BYTES_MAX // 2)  # as a promise may be that lists all that was accepted
    messages = [b"small", b"small", large, large]
    one_peers.send("n2", messages)
    await two.until(lambda: len(two.messages) == len(messages))
    assert [message for _, message in two.messages] == messages
    assert one_peers.frames_sent == 3
    await one_peers.close()
    await two_peers.close()


@on_loop
async def test_without_a_connection_messages_are_dropped_and_counted() -> None:
    peers = Peers(Handler("n1"), {"n2": Address("127.0.0.1", 1)}, CLOCK)
    peers.send("n2", [b"a"])
    assert (peers.frames_sent, peers.frames_dropped) == (0, 1)
    assert not peers.is_reachable("n2")
    await peers.close()


@on_loop
async def test_a_hello_is_said_again_when_the_formation_moves_on() -> None:
    two, two_peers, address = await listening("n2")
    one, one_peers = connected("n1", address)
    await two.until(lambda: bool(two.hellos))
    one.stage = 1
    one_peers.say_hello()
    await two.until(lambda: len(two.hellos) == 2)
    assert two.hellos[-1].stage == 1
    await one_peers.close()
    await two_peers.close()


@on_loop
async def test_a_lost_connection_is_made_anew_and_begins_with_a_hello() -> None:
    two, two_peers, address = await listening("n2")
    _, one_peers = connected("n1", address)
    await two.until(lambda: bool(two.hellos))
    for incoming in tuple(two_peers.incoming):
        incoming.close()
    await two.until(lambda: len(two.hellos) == 2)
    one_peers.send("n2", [b"after"])
    await two.until(lambda: bool(two.messages))
    await one_peers.close()
    await two_peers.close()


@on_loop
async def test_a_peer_that_starts_later_is_found() -> None:
    _, first_peers, address = await listening("n2")
    await first_peers.close()
    _, one_peers = connected("n1", address)
    two = Handler("n2")
    two_peers = Peers(two, {}, CLOCK)
    await two_peers.listen(address)
    await two.until(lambda: bool(two.hellos))
    await one_peers.close()
    await two_peers.close()


@on_loop
async def test_malformed_bytes_end_their_own_connection_only() -> None:
    two, two_peers, address = await listening("n2")
    _, one_peers = connected("n1", address)
    await two.until(lambda: bool(two.hellos))
    for junk in (b"GET / HTTP/1.1\r\n\r\n", encode(Frame(messages=[b"abc"]))[:-1] + b"x", b"\xff" * 64):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(junk)
        await ended(reader)
        writer.close()
    assert two_peers.refused == 3
    one_peers.send("n2", [b"undisturbed"])
    await two.until(lambda: bool(two.messages))
    assert len(two.hellos) == 1
    await one_peers.close()
    await two_peers.close()


@on_loop
async def test_messages_before_a_hello_are_not_believed() -> None:
    two, two_peers, address = await listening("n2")
    reader, writer = await asyncio.open_connection(*address)
    writer.write(encode(Frame(messages=[b"a"])))
    await ended(reader)
    writer.close()
    assert two.messages == []
    assert two_peers.refused == 1
    await two_peers.close()


@on_loop
async def test_who_is_refused_at_its_hello_is_not_heard() -> None:
    two, two_peers, address = await listening("n2")
    two.refuses.add("n9")
    reader, writer = await asyncio.open_connection(*address)
    writer.write(encode(Frame(hello=Handler("n9").hello(), messages=[b"a"])))
    await ended(reader)
    writer.close()
    assert two.messages == []
    await two_peers.close()


class StuckTransport(asyncio.Transport):
    """A connection whose peer does not read: what is written waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.waiting += len(data)


@on_loop
async def test_a_peer_that_does_not_read_loses_messages_instead_of_memory() -> None:
    stuck = StuckTransport()
    link = peers_module._Link(lambda: None)
    link.connection_made(stuck)
    frame = bytes(10 << 20)
    taken = [link.write(frame) for _ in range(20)]
    assert taken == sorted(taken, reverse=True)
    assert not taken[-1]
    assert stuck.waiting == link.unsent_bytes <= peers_module.UNSENT_BYTES_MAX + len(frame)


@on_loop
async def test_closing_leaves_nothing_behind() -> None:
    two, two_peers, address = await listening("n2")
    _, one_peers = connected("n1", address)
    await two.until(lambda: bool(two.hellos))
    reader, writer = await asyncio.open_connection(*address)
    await one_peers.close()
    await two_peers.close()
    await ended(reader)
    writer.close()
    assert asyncio.all_tasks() == {asyncio.current_task()}


@on_loop
async def test_a_frame_is_what_a_reader_reads() -> None:
    received = asyncio.get_running_loop().create_future()
    reader_of_frames = FrameReader()

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def read() -> None:
            while not received.done():
                for frame in reader_of_frames.feed(await reader.read(7)):
                    received.set_result(frame)
            writer.close()

        tasks.append(asyncio.create_task(read()))

    tasks: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(serve, *HERE)
    _, one_peers = connected("n1", Address(*server.sockets[0].getsockname()))
    assert await within(CLOCK, CLOCK.now() + PATIENCE_S, asyncio.wait((received,)))
    assert received.result().HasField("hello")
    await one_peers.close()
    server.close()
    await asyncio.gather(*tasks)
