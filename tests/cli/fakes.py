"""An SDK client over a dict, and a way to run commands against it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self, cast

import pytest

from ostraka.aio import Client
from ostraka.cli.app import run
from ostraka.cli.session import Session
from ostraka.errors import ConnectionLost, OstrakaError
from ostraka.txn import Compare, Operation, Txn, TxnResult
from ostraka.v1 import cluster_pb2
from ostraka.v1.exchange_pb2 import Command
from ostraka.v1.kv_pb2 import TxnRequest
from ostraka.values import DeleteResult, KeyValue, PutResult
from ostraka_server.machine import Machine
from tests.machine.bases import apply, empty
from tests.machine.commands import entry
from tests.shard.asking import Asked
from tests.shard.script import ANSWERS


def given(how: dict[str, object]) -> dict[str, object]:
    """The options that say something."""
    return {name: value for name, value in how.items() if value is not None and value is not False and value != "key"}


@dataclass
class FakeClient:
    """Keys in memory. `failures` are raised by the calls to come, one each, before they do anything."""

    rows: dict[bytes, KeyValue] = field(default_factory=dict)
    revision: int = 1
    failures: list[OstrakaError] = field(default_factory=list)
    calls: list[tuple[object, ...]] = field(default_factory=list)
    members_response: cluster_pb2.MembersResponse = field(default_factory=cluster_pb2.MembersResponse)
    shards_response: cluster_pb2.ShardsResponse = field(default_factory=cluster_pb2.ShardsResponse)
    machine: Machine = field(default_factory=empty)
    """What transactions work on; nothing else does."""
    statuses: dict[str, cluster_pb2.StatusResponse] = field(default_factory=dict)
    """By address; nodes that are not in it do not answer."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.calls.append(("close",))

    def _called(self, *call: object) -> None:
        self.calls.append(call)
        if self.failures:
            raise self.failures.pop(0)

    async def get(self, key: bytes, **how: object) -> KeyValue | None:
        self._called("get", key, given(how))
        return self.rows.get(key)

    async def put(self, key: bytes, value: bytes, *, prev: bool = False) -> PutResult:
        self._called("put", key, value)
        self.revision += 1
        before = self.rows.get(key)
        created, version = (before.create_revision, before.version + 1) if before else (self.revision, 1)
        self.rows[key] = KeyValue(key, value, created, self.revision, version)
        return PutResult(self.revision, before if prev else None)

    async def delete(
        self, key: bytes | None = None, end: bytes | None = None, *, prefix: bytes | None = None, prev: bool = False
    ) -> DeleteResult:
        self._called("delete", key, end, prefix)
        only = key is not None and end is None
        doomed = [each for each in self._between(key, end, prefix) if not only or each == key]
        self.revision += bool(doomed)
        gone = tuple(self.rows.pop(each) for each in doomed)
        return DeleteResult(self.revision, len(gone), gone if prev else ())

    async def range(
        self,
        start: bytes | None = None,
        end: bytes | None = None,
        *,
        prefix: bytes | None = None,
        limit: int | None = None,
        keys_only: bool = False,
        **how: object,
    ) -> AsyncIterator[KeyValue]:
        self._called("range", start, end, prefix, limit, keys_only, given(how))
        for key in self._between(start, end, prefix)[:limit]:
            row = self.rows[key]
            yield KeyValue(key, b"" if keys_only else row.value, row.create_revision, row.mod_revision, row.version)

    async def count(
        self, start: bytes | None = None, end: bytes | None = None, *, prefix: bytes | None = None, **how: object
    ) -> int:
        self._called("count", start, end, prefix, given(how))
        return len(self._between(start, end, prefix))

    def _between(self, start: bytes | None, end: bytes | None, prefix: bytes | None) -> list[bytes]:
        return [
            key
            for key in sorted(self.rows)
            if key.startswith(prefix or b"") and (start is None or start <= key) and (end is None or key < end)
        ]

    async def txn(
        self, compares: Sequence[Compare], *, then: Sequence[Operation[Any]], otherwise: Sequence[Operation[Any]]
    ) -> TxnResult:
        """As the real machine answers, which stands on no rows of these."""
        self._called("txn")
        transaction = Txn(compares, then=then, otherwise=otherwise)
        command = Command(txn=TxnRequest())
        transaction.fill(command.txn)
        (result,) = apply(self.machine, entry(command))
        asked = Asked(command)
        asked.answer(ANSWERS.to_write(asked, result, self.machine, 1))
        return transaction.read(asked.reply.txn)

    async def compact(self, revision: int) -> None:
        self._called("compact", revision)

    async def members(self) -> cluster_pb2.MembersResponse:
        self._called("members")
        return self.members_response

    async def shards(self) -> cluster_pb2.ShardsResponse:
        self._called("shards")
        return self.shards_response

    async def status(self, endpoint: str) -> cluster_pb2.StatusResponse:
        self._called("status", endpoint)
        if endpoint not in self.statuses:
            raise ConnectionLost(f"connection refused ({endpoint})")
        return self.statuses[endpoint]

    async def transfer_leader(self, shard: int, node: str) -> None:
        self._called("transfer_leader", shard, node)


class Outcome(NamedTuple):
    """What a command left behind."""

    code: int
    out: bytes
    err: bytes


class Runner:
    """Runs `ostraka` in this process with `client` in place of the SDK's."""

    def __init__(self, capture: pytest.CaptureFixture[bytes], client: FakeClient) -> None:
        self.client = client
        self.connected_to: list[tuple[list[str], float]] = []
        self._capture = capture

    def __call__(self, *arguments: str) -> Outcome:
        code = run(arguments, Session(connect=self._connect))
        return Outcome(code, *self._capture.readouterr())

    def _connect(self, endpoints: list[str], timeout: float) -> Client:
        self.connected_to.append((endpoints, timeout))
        return cast(Client, self.client)
