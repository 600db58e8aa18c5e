"""A load by several processes: this one starts them, lets them begin together and joins what they measure.

Each process first says that it is ready, or why not; is told to begin; then sends an Interval a second.
"""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import selectors
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection
from random import Random
from typing import Any

from bench.driver import Driver
from bench.interval import Interval
from bench.requests import Request, fill, requests
from bench.workload import Workload
from ostraka.aio import Client
from ostraka.clock import BootClock
from ostraka.errors import OstrakaError

_SPAWN = multiprocessing.get_context("spawn")  # gRPC does not survive a fork


class LoadFailed(Exception):
    """The load could not be put on the cluster; says why."""


def run(endpoints: list[str], workload: Workload, *, filling: bool) -> Iterator[Interval]:
    """Put the cluster under load, after every key was put once if `filling`; give each second as it is over, then
    what was answered later. LoadFailed where the cluster does not answer before the load, or a process dies."""
    with ExitStack() as stack:
        pipes = [
            stack.enter_context(_process(endpoints, workload, number, filling)) for number in range(workload.processes)
        ]
        for pipe in pipes:
            problem = _receive(pipe)
            if problem is not None:
                raise LoadFailed(problem)
        for pipe in pipes:
            pipe.send(None)
        while intervals := {pipe: interval for pipe in pipes if (interval := _receive(pipe)) is not None}:
            pipes = list(intervals)
            together = Interval()
            for interval in intervals.values():
                together.add(interval)
            yield together


def _receive(pipe: Connection) -> Any:
    try:
        return pipe.recv()
    except EOFError:
        raise LoadFailed("a load process died") from None


@contextmanager
def _process(endpoints: list[str], workload: Workload, number: int, filling: bool) -> Iterator[Connection]:
    """Its end of a pipe. The process is waited for, or killed where something goes wrong."""
    ours, theirs = _SPAWN.Pipe()
    process = _SPAWN.Process(target=_work, args=(theirs, endpoints, workload, number, filling), daemon=True)
    process.start()
    theirs.close()  # else its death would not end the pipe
    try:
        yield ours
    except BaseException:
        process.kill()
        raise
    finally:
        process.join()


def _work(pipe: Connection, *arguments: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    _spare_the_collector()
    with asyncio.Runner(loop_factory=_loop) as runner:
        runner.run(_load(pipe, *arguments))


def _spare_the_collector() -> None:
    """What is imported stays for good: with hundreds of calls in flight Python would look through all of it for garbage
    many times a second, at a tenth of the client's processor time. The README tells users of the SDK to do the same."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _loop() -> asyncio.AbstractEventLoop:
    """With timers that are not rounded up to a millisecond as with epoll, which would show in every latency of an
    open loop. What select is bad at, many files, the client does not have."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


async def _load(pipe: Connection, endpoints: list[str], workload: Workload, number: int, filling: bool) -> None:
    share = workload.share(number)
    calls, times = Random(f"calls {workload.seed} {number}"), Random(f"times {workload.seed} {number}")
    async with Client(endpoints, timeout=workload.timeout_s) as client:
        try:
            await client.members()
            if filling:
                await _perform_all(client, fill(workload, calls, number), share.callers)
        except OstrakaError as error:
            pipe.send(str(error))
            return
        drawn = requests(share, calls)
        pipe.send(None)
        pipe.recv()
        await Driver(client, share, drawn, times, BootClock()).run(pipe.send)
    pipe.send(None)


async def _perform_all(client: Client, requests: Iterator[Request], callers: int) -> None:
    async def call() -> None:
        for request in requests:  # shared by all callers
            await request.perform(client)

    await asyncio.gather(*(call() for _ in range(callers)))
