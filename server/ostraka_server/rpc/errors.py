"""How a refusal leaves through gRPC: status, message, and ErrorDetail in the trailing metadata."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc

from ostraka.v1.exchange_pb2 import Error

DETAIL_KEY = "ostraka-error-bin"

_CODES: dict[int, grpc.StatusCode] = {code.value[0]: code for code in grpc.StatusCode}

_GO_NAMES = {number: code.name.title().replace("_", "") for number, code in _CODES.items()}
_GO_NAMES |= {0: "OK", 1: "Canceled"}


def code_name(code: int) -> str:
    """A status code as Go's servers name it in their metrics: OK, NotFound, DeadlineExceeded."""
    return _GO_NAMES.get(code, "Unknown")


async def refuse(context: grpc.aio.ServicerContext[Any, Any], error: Error) -> NoReturn:
    """End the call with `error`."""
    detail = ((DETAIL_KEY, error.detail.SerializeToString()),)
    await context.abort(_CODES.get(error.code, grpc.StatusCode.UNKNOWN), error.message, detail)
    raise AssertionError("abort raises")
