"""Threads, interruption, closing, exit and fork: how the synchronous client stands in its process."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ostraka import Client, errors
from ostraka._loop_thread import THREAD_NAME, LoopThread
from ostraka._loop_thread import Call as LoopCall
from ostraka.errors import Status
from ostraka.v1 import common_pb2 as pb
from ostraka.v1.exchange_pb2 import Call, Reply
from tests.client.fake_cluster import FakeCluster, failing
from tests.repo.sources import ROOT

WAIT_SECONDS_MAX = 10.0


def client_of(cluster: FakeCluster) -> Client:
    return Client("a1:1", _transport=cluster)


def loop_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


class Arrivals:
    """A behaviour of a node: take calls without an answer, and let a test wait until so many have come."""

    def __init__(self, count: int) -> None:
        self._left = count
        self._all_here = threading.Event()

    def __call__(self, call: Call) -> None:
        self._left -= 1
        if self._left == 0:
            self._all_here.set()

    def wait(self) -> None:
        assert self._all_here.wait(WAIT_SECONDS_MAX)


def started(work: Callable[[], object]) -> Future[object]:
    """A call in a thread of its own."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(work)
    pool.shutdown(wait=False)
    return future


# -- threads


def test_calls_of_many_threads_share_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster, callers = FakeCluster(1), 20
    node = cluster.nodes[0]
    holding, submitted, submit = threading.Event(), threading.Semaphore(0), LoopThread.submit

    def counting(thread: LoopThread, call: LoopCall[object]) -> None:
        submit(thread, call)
        submitted.release()

    def hold_the_loop(call: Call) -> Reply:
        holding.set()
        assert all(submitted.acquire(timeout=WAIT_SECONDS_MAX) for _ in range(callers))
        return node.serve(call)

    with client_of(cluster) as client, ThreadPoolExecutor(callers) as pool:
        client.put("k0", "v")
        node.behaviour = hold_the_loop
        held = started(lambda: client.get("k"))
        assert holding.wait(WAIT_SECONDS_MAX)
        node.behaviour = None
        monkeypatch.setattr(LoopThread, "submit", counting)
        list(pool.map(lambda i: client.put(f"k{i}", "v"), range(callers)))
        monkeypatch.undo()
        held.result(WAIT_SECONDS_MAX)
    assert len(cluster.data) == callers
    assert [len(frame.calls) for frame in node.frames if frame.calls] == [1, 1, 1, callers, 1]  # two of them greet


def test_clients_share_a_thread_that_ends_with_the_last() -> None:
    assert loop_threads() == []
    first, second, third, unused = (client_of(FakeCluster()) for _ in range(4))
    assert loop_threads() == []  # it starts with the first call
    first.put("k", "v")
    second.put("k", "v")
    (thread,) = loop_threads()
    assert thread.daemon
    first.close()
    third.put("k", "v")
    assert loop_threads() == [thread]
    assert second.get("k") is not None
    second.close()
    third.close()
    unused.close()
    assert loop_threads() == []
    with client_of(FakeCluster()) as fourth:
        fourth.put("k", "v")
        assert loop_threads() != [thread]
    assert loop_threads() == []


def test_a_call_on_the_loop_thread_is_refused_and_closing_there_does_not_wait() -> None:
    cluster = FakeCluster(1)
    node = cluster.nodes[0]
    client = client_of(cluster)
    refusals: list[BaseException] = []

    def call_back(call: Call) -> None:
        try:
            client.get("k")
        except RuntimeError as error:
            refusals.append(error)
        client.close()

    node.behaviour = call_back
    with pytest.raises(errors.OutcomeUnknown):
        client.put("k", "v")
    for thread in loop_threads():
        thread.join(WAIT_SECONDS_MAX)
    assert cluster.closed
    assert len(refusals) == 1 and "wait for itself" in str(refusals[0])


# -- interruption


def test_an_interrupted_call_is_withdrawn() -> None:
    cluster = FakeCluster(1)
    node = cluster.nodes[0]
    main = threading.main_thread().ident
    assert main is not None

    def interrupt(call: Call) -> None:
        signal.pthread_kill(main, signal.SIGINT)

    with client_of(cluster) as client:
        node.behaviour = interrupt
        with pytest.raises(KeyboardInterrupt):
            client.put("k", "v")
        node.behaviour = None
        assert client.get("k") is None
        assert node.cancelled == [node.calls[0].id]


# -- closing


def test_closing_ends_the_calls_in_flight() -> None:
    cluster = FakeCluster(1)
    node = cluster.nodes[0]
    node.behaviour = arrivals = Arrivals(2)
    client = client_of(cluster)
    write, read = started(lambda: client.put("k", "v")), started(lambda: client.get("k"))
    arrivals.wait()
    client.close()
    assert isinstance(write.exception(WAIT_SECONDS_MAX), errors.OutcomeUnknown)
    assert isinstance(read.exception(WAIT_SECONDS_MAX), errors.ClientClosed)
    assert cluster.closed and loop_threads() == []
    client.close()
    for late in (lambda: client.get("k"), lambda: client.members(), lambda: list(client.range())):
        with pytest.raises(errors.ClientClosed, match=r"close\(\) was called"):
            late()


def test_closing_ends_a_call_that_waits_between_two_tries() -> None:
    cluster = FakeCluster(1)
    tried = threading.Event()
    busy = failing(Status.RESOURCE_EXHAUSTED, pb.OVERLOADED, retry_after_ms=3_600_000)

    def answer(call: Call) -> Reply:
        tried.set()
        return busy(call)

    cluster.nodes[0].behaviour = answer
    client = client_of(cluster)
    call = started(lambda: client.put("k", "v", timeout=7200))
    assert tried.wait(WAIT_SECONDS_MAX)
    client.close()
    assert isinstance(call.exception(WAIT_SECONDS_MAX), errors.ClientClosed)


def test_a_client_without_calls_closes_without_a_thread() -> None:
    client = client_of(FakeCluster())
    client.close()
    assert loop_threads() == []
    with pytest.raises(errors.ClientClosed):
        client.get("k")


def test_a_range_of_a_closed_client_ends() -> None:
    cluster = FakeCluster(1)
    with client_of(cluster) as client:
        for i in range(20):
            client.put(f"key{i:03}", "v" * 50)
        found = client.range()
        next(found)
    with pytest.raises(errors.ClientClosed):
        list(found)


def test_a_forgotten_client_is_closed() -> None:
    cluster = FakeCluster(1)
    client = client_of(cluster)
    client.put("k", "v")
    (thread,) = loop_threads()
    del client
    gc.collect()
    thread.join(WAIT_SECONDS_MAX)
    assert not thread.is_alive() and cluster.closed


# -- processes

SETTING = """
import os, sys, threading
from ostraka import Client, errors
from tests.client.fake_cluster import FakeCluster
def child_of(work):
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        work()
        sys.stdout.flush()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
def attempt(client):
    try:
        print(client.put("k", "v").revision)
    except errors.ClientClosed as error:
        print(error.why)
cluster = FakeCluster(1)
client = Client("a1:1", _transport=cluster)
"""


def printed(program: str) -> list[str]:
    """What a program of its own process prints. AssertionError where it fails, hangs, or complains."""
    run = [sys.executable, "-W", "error", "-c", program]
    answer = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert (answer.returncode, answer.stderr) == (0, "")
    return answer.stdout.splitlines()


def test_at_exit_a_forgotten_client_is_closed_and_its_calls_end() -> None:
    before = """
import atexit
@atexit.register  # before the client's own handler, so it runs after that
def tell():
    caller.join()
    print(ended, cluster.closed)
"""
    after = """
ended = []
def call():
    try:
        client.put("k", "v")
    except errors.OstrakaError as error:
        ended.append(type(error).__name__)
arrived = threading.Event()
cluster.nodes[0].behaviour = lambda call: arrived.set()
caller = threading.Thread(target=call, daemon=True)
caller.start()
arrived.wait()
"""
    assert printed(before + SETTING + after) == ["['OutcomeUnknown'] True"]


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@needs_fork
def test_a_process_forked_after_the_first_call_says_so_and_its_parent_goes_on() -> None:
    lost = "gRPC cannot work in a process forked after the first call; fork before it, or spawn"
    program = """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)  # from 3.12 on for a fork beside threads, and rightly so
attempt(client)
unused = Client("a1:1", _transport=cluster)
def work():
    attempt(client)
    attempt(unused)
    attempt(Client("a1:1", _transport=cluster))
    child_of(lambda: attempt(client))
    client.close()
child_of(work)
attempt(client)
client.close()
child_of(lambda: attempt(unused))
"""
    assert printed(SETTING + program) == ["2", lost, lost, lost, lost, "3", lost]


@needs_fork
def test_a_process_forked_before_the_first_call_works() -> None:
    program = """
child_of(lambda: [attempt(client), client.close(), attempt(client)])
attempt(client)
client.close()
"""
    assert printed(SETTING + program) == ["2", "close() was called", "2"]
