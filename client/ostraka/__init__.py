"""Ostraka's Python SDK: `ostraka.Client`, its asyncio twin `ostraka.aio.Client`, errors and values.

Nothing is imported before it is asked for (PEP 562): the server imports `ostraka.v1.kv_pb2`, which runs this
file, in modules that must stay free of grpc.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ostraka.aio as aio
    import ostraka.txn as txn
    from ostraka.errors import (
        AnswerLost,
        ClientClosed,
        Compacted,
        ConnectionLost,
        DeadlineExceeded,
        FutureRevision,
        InvalidRequest,
        NodeNotReady,
        NoLeader,
        NoSuchNode,
        NoSuchShard,
        OstrakaError,
        OutcomeUnknown,
        Overloaded,
        Permanent,
        Retryable,
        ServerFault,
        SessionExpired,
        TooLarge,
        Unsupported,
        WrongShard,
    )
    from ostraka.sync import Client
    from ostraka.values import DeleteResult, KeyValue, PutResult, RangeResult, Read, TxnResult

    __version__: str

__all__ = [
    "AnswerLost",
    "Client",
    "ClientClosed",
    "Compacted",
    "ConnectionLost",
    "DeadlineExceeded",
    "DeleteResult",
    "FutureRevision",
    "InvalidRequest",
    "KeyValue",
    "NoLeader",
    "NoSuchNode",
    "NoSuchShard",
    "NodeNotReady",
    "OstrakaError",
    "OutcomeUnknown",
    "Overloaded",
    "Permanent",
    "PutResult",
    "RangeResult",
    "Read",
    "Retryable",
    "ServerFault",
    "SessionExpired",
    "TooLarge",
    "TxnResult",
    "Unsupported",
    "WrongShard",
    "__version__",
    "aio",
    "txn",
]

_HOMES = {
    "Client": "ostraka.sync",
    "DeleteResult": "ostraka.values",
    "KeyValue": "ostraka.values",
    "PutResult": "ostraka.values",
    "RangeResult": "ostraka.values",
    "Read": "ostraka.values",
    "TxnResult": "ostraka.values",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if name in ("aio", "txn"):
        return importlib.import_module(f"ostraka.{name}")
    if name == "__version__":
        return _version()
    value: object = getattr(importlib.import_module(_HOMES.get(name, "ostraka.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("ostraka")
    except PackageNotFoundError:
        return "0+not.installed"  # run from a source tree: no version was ever given to it
