"""One request carried out: on a state of its own, which becomes the shard's if something was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ostraka.v1.common_pb2 import KeyValue
from ostraka.v1.kv_pb2 import DeleteRequest, GetRequest, PutRequest, RangeRequest, TxnRequest
from tests.model.ranges import answer, within
from tests.model.transactions import chosen, decisions

State = Mapping[bytes, KeyValue]
"""What exists, by key. Never changed once it is a shard's."""


class Draft:
    """`at` gives the state of an older revision, or raises Refused."""

    def __init__(self, state: State, revision: int, at: Callable[[int], State]) -> None:
        self.state = dict(state)
        self.changed = False
        self._before = state
        self._revision_before = revision
        self._at = at

    @property
    def revision(self) -> int:
        """The shard's, were it to end here."""
        return self._revision_before + self.changed

    def perform(self, asked: Any, answered: Any) -> None:
        """The request that `asked`, a message with many to choose from, carries; the response goes into the field of
        the same name. Raises Refused."""
        kind = asked.WhichOneof("request")
        response = getattr(answered, kind)
        if kind == "txn":
            self._txn(asked.txn, response, decisions(asked.txn, self._before))
        else:
            getattr(self, f"_{kind}")(getattr(asked, kind), response)

    def _txn(self, request: TxnRequest, response: Any, decided: Iterator[bool]) -> None:
        response.succeeded = next(decided)
        for operation in chosen(request, response.succeeded):
            if operation.HasField("txn"):
                self._txn(operation.txn, response.responses.add().txn, decided)
            else:
                self.perform(operation, response.responses.add())
        response.header.revision = self.revision

    def _get(self, request: GetRequest, response: Any) -> None:
        state = self._read(request, response)
        if request.key in state:
            response.kv.CopyFrom(state[request.key])

    def _range(self, request: RangeRequest, response: Any) -> None:
        answer(request, self._read(request, response), response)

    def _read(self, request: GetRequest | RangeRequest, response: Any) -> State:
        response.header.revision = self.revision
        response.read_revision = request.revision or self.revision
        return self._at(request.revision) if request.revision else self.state

    def _put(self, request: PutRequest, response: Any) -> None:
        before = self.state.get(request.key)
        self.changed = True
        if before is not None and request.prev_kv:
            response.prev_kv.CopyFrom(before)
        self.state[request.key] = KeyValue(
            key=request.key,
            value=request.value,
            create_revision=before.create_revision if before else self.revision,
            mod_revision=self.revision,
            version=before.version + 1 if before else 1,
        )
        response.header.revision = self.revision

    def _delete(self, request: DeleteRequest, response: Any) -> None:
        doomed = [self.state.pop(key) for key in sorted(self.state) if within(key, request)]
        self.changed |= bool(doomed)
        response.deleted = len(doomed)
        if request.prev_kv:
            response.prev_kvs.extend(doomed)
        response.header.revision = self.revision
