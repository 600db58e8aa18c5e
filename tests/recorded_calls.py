"""Puts, gets and deletes through the SDK, each recorded as its caller saw it."""

from __future__ import annotations

from ostraka.aio import Client
from ostraka.checking import Call, History, Kind
from ostraka.errors import OutcomeUnknown, Retryable


async def ask(client: Client, history: History, caller: int, kind: Kind, key: bytes, value: bytes) -> None:
    """Ask once (`value`: of a put). Raises what no caller of a cluster in trouble has to reckon with."""
    with _begin(history, kind, caller, key, value) as call:
        try:
            await _perform(client, call, kind, key, value)
        except OutcomeUnknown:
            call.unknown()
        except Retryable:
            call.failed()


async def read(client: Client, history: History, caller: int, key: bytes) -> bytes | None:
    """The value as it stands; whatever goes wrong is raised."""
    with history.get(caller, key) as call:
        await _get(client, call, key)
    return call.operation.value


def _begin(history: History, kind: Kind, caller: int, key: bytes, value: bytes) -> Call:
    if kind is Kind.PUT:
        return history.put(caller, key, value)
    return history.get(caller, key) if kind is Kind.GET else history.delete(caller, key)


async def _perform(client: Client, call: Call, kind: Kind, key: bytes, value: bytes) -> None:
    if kind is Kind.PUT:
        call.ok(revision=(await client.put(key, value)).revision)
    elif kind is Kind.GET:
        await _get(client, call, key)
    else:
        call.ok(existed=(await client.delete(key)).deleted > 0)


async def _get(client: Client, call: Call, key: bytes) -> None:
    found = await client.get(key)
    if found is None:
        call.ok()
    else:
        call.ok(value=found.value, revision=found.mod_revision)
