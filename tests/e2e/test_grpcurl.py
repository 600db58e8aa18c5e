"""Every RPC by hand, as somebody would who has grpcurl and no .proto file."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import pytest

from tests.e2e.commands import output, run
from tests.e2e.harness import SHARD, Cluster, tool

pytestmark = pytest.mark.e2e

Answer = dict[str, Any]


def _bytes(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


KEY, VALUE, END = _bytes("grpcurl/key"), _bytes("value"), _bytes("grpcurl/z")
PUT = {"key": KEY, "value": VALUE, "prevKv": True}
READ = {"key": KEY, "rangeEnd": END}
TXN = {
    "compares": [{"key": KEY, "operator": "NOT_EQUAL", "version": "0"}, {"key": KEY, "rangeEnd": END, "value": VALUE}],
    "then": [
        {"get": {"key": KEY}},
        {"put": {"key": _bytes("grpcurl/txn"), "value": VALUE}},
        {"range": {**READ, "sortOrder": "DESCENDING", "limit": "1"}},
        {
            "txn": {
                "compares": [{"key": KEY, "operator": "GREATER", "modRevision": "0"}],
                "then": [{"delete": {"key": KEY}}],
            }
        },
    ],
    "otherwise": [{"get": {"key": KEY}}],
}
FRAME = {
    "calls": [
        {"id": 1, "timeoutMs": 5000, "command": {"put": PUT}},
        {"id": 2, "timeoutMs": 5000, "command": {"get": {"key": KEY}}},
        {"id": 3, "timeoutMs": 5000, "command": {"range": READ}},
        {"id": 4, "timeoutMs": 5000, "command": {"delete": READ}},
    ]
}
CLIENT = str(0x0123456789ABCDEF)
# Each RPC, in this order; the Watch of health goes on until its time is up. Compact is told the revision of the Put.
REQUESTS: dict[str, Answer] = {
    "ostraka.v1.KV.Put": PUT,
    "ostraka.v1.KV.Get": {"key": KEY},
    "ostraka.v1.KV.Range": READ,
    "ostraka.v1.KV.Txn": TXN,
    "ostraka.v1.KV.Delete": READ,
    "ostraka.v1.KV.Compact": {},
    "ostraka.v1.Session.Register": {"client": CLIENT},
    "ostraka.v1.Session.Close": {"client": CLIENT},
    "ostraka.v1.Exchange.Exchange": FRAME,
    "ostraka.v1.Cluster.Status": {},
    "ostraka.v1.Cluster.Members": {},
    "ostraka.v1.Cluster.Shards": {},
    "ostraka.v1.Cluster.TransferLeader": {"shard": SHARD, "node": "n2"},
    "grpc.health.v1.Health.Check": {"service": "ostraka.v1.KV"},
    "grpc.health.v1.Health.Watch": {"service": f"shard-{SHARD}"},
}
WATCH_SECONDS = "1"


def _grpcurl(*arguments: str, stdin: str | None = None) -> str:
    return output(tool("grpcurl"), "-plaintext", *arguments, stdin=stdin)


def _call_all(endpoint: str) -> dict[str, list[Answer]]:
    """What answers each RPC."""
    answers: dict[str, list[Answer]] = {}
    for rpc, request in REQUESTS.items():
        if rpc == "ostraka.v1.KV.Compact":
            request = {"revision": answers["ostraka.v1.KV.Put"][0]["header"]["revision"]}
        answers[rpc] = _call(endpoint, rpc, json.dumps(request))
    return answers


def _call(endpoint: str, rpc: str, request: str) -> list[Answer]:
    """The messages that answer it."""
    service, _, method = rpc.rpartition(".")
    call = ("-d", "@", endpoint, f"{service}/{method}")
    if method == "Watch":
        answer = run(tool("grpcurl"), "-plaintext", "-max-time", WATCH_SECONDS, *call, stdin=request)
        assert "DeadlineExceeded" in answer.stderr
        return _messages(answer.stdout)
    return _messages(_grpcurl(*call, stdin=request))


def _messages(text: str) -> list[Answer]:
    """JSON objects that stand one behind the other."""
    found: list[Answer] = []
    while text := text.lstrip():
        message, end = json.JSONDecoder().raw_decode(text)
        found.append(message)
        text = text[end:]
    return found


def test_every_rpc_that_the_nodes_list_is_called_here(cluster: Cluster) -> None:
    endpoint = cluster.endpoints[0]
    services = _grpcurl(endpoint, "list").split()
    reflection = [service for service in services if service.startswith("grpc.reflection.")]
    assert reflection, "grpcurl itself works by it"
    rpcs = [rpc for service in set(services) - set(reflection) for rpc in _grpcurl(endpoint, "list", service).split()]
    assert sorted(rpcs) == sorted(REQUESTS)


@pytest.mark.parametrize("rpc", REQUESTS)
def test_an_rpc_and_its_messages_are_described(cluster: Cluster, rpc: str) -> None:
    endpoint = cluster.endpoints[0]
    service, _, method = rpc.rpartition(".")
    signature = re.search(rf"rpc {method} \((.*)\) returns \((.*)\);", _grpcurl(endpoint, "describe", service))
    assert signature
    for message in signature.groups():
        name = message.split()[-1].removeprefix(".")
        assert f"message {name.rpartition('.')[2]} {{" in _grpcurl(endpoint, "describe", name)


def test_every_rpc_answers_on_every_node(cluster: Cluster) -> None:
    for endpoint in cluster.endpoints:
        answers = _call_all(endpoint)
        assert answers["ostraka.v1.KV.Get"][0]["kv"]["value"] == VALUE
        assert [kv["key"] for kv in answers["ostraka.v1.KV.Range"][0]["kvs"]] == [KEY]
        _check_transaction(answers["ostraka.v1.KV.Txn"][0])
        assert answers["ostraka.v1.KV.Delete"][0]["deleted"] == "1"
        for shard_rpc in ("KV.Compact", "Session.Register", "Session.Close"):
            assert answers[f"ostraka.v1.{shard_rpc}"][0]["header"]["shard"] == SHARD
        _check_exchange(answers["ostraka.v1.Exchange.Exchange"])
        assert answers["ostraka.v1.Cluster.Status"][0]["ready"] is True
        assert len(answers["ostraka.v1.Cluster.Members"][0]["members"]) == len(cluster.endpoints)
        assert [shard["shard"] for shard in answers["ostraka.v1.Cluster.Shards"][0]["shards"]] == [SHARD]
        assert answers["grpc.health.v1.Health.Check"] == [{"status": "SERVING"}]
        assert answers["grpc.health.v1.Health.Watch"] == [{"status": "SERVING"}]


def _check_transaction(answer: Answer) -> None:
    assert answer["succeeded"] is True
    get, put, found, nested = answer["responses"]
    assert get["get"]["kv"]["value"] == VALUE
    assert put["put"]["header"]["revision"] == answer["header"]["revision"]
    assert [kv["key"] for kv in found["range"]["kvs"]] == [_bytes("grpcurl/txn")]
    assert (found["range"]["more"], found["range"]["count"]) == (True, "2")
    assert nested["txn"]["succeeded"] is True
    assert nested["txn"]["responses"][0]["delete"]["deleted"] == "1"


def _check_exchange(frames: list[Answer]) -> None:
    """Calls of one frame are concurrent: reads may see the key before the put, and after the delete."""
    replies = {reply["id"]: reply for frame in frames for reply in frame["replies"]}
    assert {id_: next(kind for kind in reply if kind != "id") for id_, reply in replies.items()} == {
        "1": "put",
        "2": "get",
        "3": "range",
        "4": "delete",
    }


def test_a_refusal_says_why(cluster: Cluster) -> None:
    refused = run(tool("grpcurl"), "-plaintext", "-d", "{}", cluster.endpoints[0], "ostraka.v1.KV/Put")
    assert refused.returncode != 0
    assert "InvalidArgument" in refused.stderr
    assert "key is empty" in refused.stderr
