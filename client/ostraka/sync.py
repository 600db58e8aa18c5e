"""The synchronous client: the asyncio client, run by a thread in the background.

    with Client("127.0.0.1:7401") as client:
        client.put("greeting", "hello")
        found = client.get("greeting")

There is one implementation, `ostraka.aio.Client`. Its methods appear here with the same arguments, types and
docstrings; what differs is who waits.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from ostraka import aio
from ostraka._portal import Portal
from ostraka._scan import Scan
from ostraka.values import KeyValue

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

__all__ = ["Client"]


def _made_like(
    make: Callable[Parameters, aio.Client],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Client, Parameters], None]]:
    """The constructor takes what `make` takes."""

    def decorated(init: Callable[..., None]) -> Callable[Concatenate[Client, Parameters], None]:
        return functools.wraps(aio.Client.__init__)(init)

    return decorated


def _waiting(
    method: Callable[Concatenate[aio.Client, Parameters], Coroutine[Any, Any, Result]],
) -> Callable[Concatenate[Client, Parameters], Result]:
    """The method of the asyncio client, waited for in the calling thread."""

    @functools.wraps(method)
    def call(self: Client, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self._portal.run(method(self._client, *args, **kwargs))

    return call


def _iterating(
    method: Callable[Concatenate[aio.Client, Parameters], Scan],
) -> Callable[Concatenate[Client, Parameters], Iterator[KeyValue]]:
    """The method of the asyncio client that gives a scan, as an iterator whose pages are waited for."""

    @functools.wraps(method)
    def call(self: Client, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Iterator[KeyValue]:
        return self._each(method(self._client, *args, **kwargs))

    vars(call)["__signature__"] = inspect.signature(method).replace(return_annotation="Iterator[KeyValue]")
    return call


class Client:
    """A client of one cluster. One endpoint is enough: the other nodes are learned from it.

    Every call ends within `timeout` seconds (its own, or the client's), also when nothing answers, and raises nothing
    but OstrakaError, or ValueError and TypeError for arguments that make no sense. All are tried again until then,
    writes too: each takes effect once at most, however often it is sent. Only if no answer tells what became of a write
    by its deadline does it raise OutcomeUnknown.

    Keys and values may be bytes or str (UTF-8); what comes back is bytes.

    Any number of threads may use a client at once: their calls share messages, so that one client for all of them is
    far cheaper than one for each. A call that is interrupted (KeyboardInterrupt) is withdrawn; whether it took effect
    is then unknown. A client that was not closed is closed when it is forgotten or the interpreter exits. In a process
    made by fork() after the first call, calls raise ClientClosed: fork before it, or use spawn or forkserver.
    """

    @_made_like(aio.Client)
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._client = aio.Client(*args, **kwargs)
        self._portal = Portal(self._client.close)
        weakref.finalize(self, self._portal.abandon).atexit = False  # the loop thread sees to that, and waits

    def __repr__(self) -> str:
        return f"<ostraka.Client of {self._client._name}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Take leave of the servers, for at most half a second, and close every connection. Calls in flight raise
        ClientClosed, or OutcomeUnknown for a write that was sent."""
        self._portal.close()

    get = _waiting(aio.Client.get)
    read = _waiting(aio.Client.read)
    put = _waiting(aio.Client.put)
    delete = _waiting(aio.Client.delete)
    range = _iterating(aio.Client.range)
    count = _waiting(aio.Client.count)
    txn = _waiting(aio.Client.txn)
    compact = _waiting(aio.Client.compact)
    status = _waiting(aio.Client.status)
    members = _waiting(aio.Client.members)
    shards = _waiting(aio.Client.shards)
    transfer_leader = _waiting(aio.Client.transfer_leader)

    def _each(self, scan: Scan) -> Iterator[KeyValue]:
        while not scan.ended:
            yield from self._portal.run(scan.page())
