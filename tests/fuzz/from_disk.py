"""What a node and the command line read from files and settings, whoever or whatever wrote to them meanwhile."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from ostraka import checking
from ostraka.checking import dump_operations
from ostraka.checking.jsonl import load_operations
from ostraka.cli.dev_plan import Node, node_toml, nodes_in, write_cluster_json
from ostraka.cli.records import BadRecord, decode_record, encode_record
from ostraka.v1.common_pb2 import INVALID
from ostraka_server.config import Config, ConfigError
from ostraka_server.log.errors import LogRefused
from ostraka_server.log.identity import Identity, unpack_identity
from ostraka_server.log.layout import SECTOR
from ostraka_server.log.manifest import Manifest, pack_state, unpack_manifest
from ostraka_server.log.record import HEADER_BYTES, Unreadable, pack_header, pack_name, payload_at, unpack_header
from ostraka_server.log.values import GroupState
from ostraka_server.machine import AnswerLost, CompactResult, DeleteResult, PutResult, RangeResult, Refused, Row
from ostraka_server.machine import moments as machine_moments
from ostraka_server.machine.history import History
from ostraka_server.machine.records import MalformedRecord
from ostraka_server.machine.results import ReadResult, TxnResult
from ostraka_server.machine.session_record import decode, encode
from ostraka_server.shard import sightings
from ostraka_server.shard.directory import DirectoryRefused, NodeDirectory
from ostraka_server.wire.record_pb2 import Compacted, Moments, Session
from ostraka_server.wire.replica_pb2 import Hello, Seen
from tests.fuzz.decoder import Decoder


def decoders(directory: Path) -> list[Decoder]:
    """`directory`: an empty one, to keep files in."""
    node, cluster = directory / "node", directory / "cluster.json"
    nodes = [Node(f"n{i}", directory / f"n{i}", 7400 + i, 7500 + i, 9400 + i) for i in (1, 2, 3)]
    _open(node)
    write_cluster_json(cluster, nodes, {each.name: 7 for each in nodes}, 1)
    return [
        Decoder(
            "log record", ("log.record:unpack_header", "log.record:unpack_headers"), _record,
            [_logged()], (Unreadable,),
        ),
        Decoder(
            "log manifest", ("log.manifest:Manifest.groups", "log.manifest:unpack_manifest"), _manifest,
            [_listed().pack()], (Unreadable,),
        ),
        Decoder(
            "log identity", ("log.identity:unpack_identity",), unpack_identity,
            [Identity(1, 1 << 20, b"c/n1").pack()], (Unreadable, LogRefused),
        ),
        Decoder(
            "record of compaction", ("machine.records:decoded",), lambda data: History().load({b"compacted": data}),
            [Compacted(revision=7).SerializeToString()], (MalformedRecord,), Compacted,
        ),
        Decoder(
            "record of moments", (), _moments,
            [Moments(unix_ms=[1_000, 2_500], revision=[3, 9]).SerializeToString()], (MalformedRecord,), Moments,
        ),
        Decoder(
            "record of a session", (), _session, [_kept()], (MalformedRecord,), Session,
        ),
        Decoder(
            "sightings", ("shard.sightings:load",), _in_file(directory / sightings.FILE, _sightings),
            [b'{"n2": 9, "n3": 1}', b'{"n2": 1e3, "n3": -1, "n1": Infinity}'],
        ),
        Decoder(
            "identity of a directory", ("shard.directory:_load",),
            _in_file(node / "identity.json", lambda _: _open(node)),
            [(node / "identity.json").read_bytes()], (DirectoryRefused,), share=2,
        ),
        Decoder(
            "configuration file", ("settings:_load",), _in_file(directory / "node.toml", _configured),
            [node_toml(nodes[0], nodes, "c").encode(), b"a = 1979-05-27T07:32:00Z\nb.c = [1, 0x7f, 1_0, inf]\n"],
            (ConfigError,), share=2,
        ),
        Decoder("settings as text", (), _settings, _SETTINGS, (ConfigError,), share=2),
        Decoder(
            "record to load", ("ostraka.cli.records:_bytes_of", "ostraka.cli.records:decode_record"), _cli_record,
            [encode_record(b"k", b"v"), encode_record(b"\xff", b"\xfe" * 9)], (BadRecord,),
        ),
        Decoder(
            "history", ("ostraka.checking.jsonl:load_operations",),
            lambda data: load_operations(data.decode("utf-8", "replace").splitlines()), _history(), (ValueError,),
        ),
        Decoder(
            "cluster.json", ("ostraka.cli.dev_plan:nodes_in",), _in_file(cluster, nodes_in), [cluster.read_bytes()],
            (ValueError,), share=2,
        ),
    ]  # fmt: skip


def _in_file(file: Path, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def decode(data: bytes) -> None:
        file.write_bytes(data)
        read(file)

    return decode


def _logged() -> bytes:
    payload = b"an entry" * 10
    return pack_header(pack_name(1, 7, (1, 2, 3)), payload) + payload


def _record(data: bytes) -> None:
    record = unpack_header(data, 0)
    assert len(payload_at(memoryview(data), 0, record)) == record.length


def _listed() -> Manifest:
    states = pack_state(0, GroupState((1, 2, 3), 9, 4)) + pack_state(1, GroupState())
    return Manifest(2, 1, 9, 8, 4096, 4096 + 2 * SECTOR, b"p" * 16, b"c" * 16, states, _logged()[:HEADER_BYTES])


def _manifest(data: bytes) -> None:
    manifest = unpack_manifest(data, 0)
    manifest.groups()
    manifest.records()


def _moments(data: bytes) -> None:
    """Whatever they say, they are written as they were read, and can be added to."""
    moments = machine_moments.Moments()
    moments.load({b"moments/" + bytes(8): data})
    assert not moments.changed()
    stored = Moments.FromString(data)
    assert [moments.revision_at(unix_ms) for unix_ms in stored.unix_ms] == stored.revision
    assert moments.note(0, 1 << 63) == max(stored.unix_ms, default=0)


def _kept() -> bytes:
    row = Row(b"k", b"v", 2, 3, 2)
    found = RangeResult((row,), more=True, count=7)
    results = (ReadResult(9, 9, row), ReadResult(9, 2, None), ReadResult(9, 9, found), PutResult(9, None))
    transaction = TxnResult(9, True, (*results, TxnResult(9, False, ())))
    answers = (
        PutResult(7, row),
        DeleteResult(8, 1, (row,)),
        transaction,
        CompactResult(9),
        Refused(INVALID, "no"),
        AnswerLost(),
    )
    return encode(9, 1, dict(enumerate(answers, 1)))


def _session(data: bytes) -> None:
    used, answered_below, answers = decode(data)
    kept = dict(answers)
    assert dict(decode(encode(used, answered_below, kept)).answers) == kept


def _sightings(file: Path) -> None:
    """Whatever they say must fit a hello."""
    seen = sightings.load(file.parent)
    Hello(seen=[Seen(node=node, sequence=sequence) for node, sequence in seen.items()]).SerializeToString()


def _open(path: Path) -> None:
    NodeDirectory.open(path, cluster="c", node="n1", groups=(0, 1), random=Random(1)).close()


def _configured(file: Path) -> Config:
    return Config.from_sources(file, {}, {})


_SETTINGS = (
    b"members\0n1=127.0.0.1:7501/127.0.0.1:7401,n2=[::1]:7502/h:7402",
    b"limits.key_bytes_max\0" + b"4_096",
    b"listen_client\0127.0.0.1:7401",
    b"reflection\0true",
    b"logging.format\0json",
)


def _settings(data: bytes) -> None:
    """One more flag, and the same as a variable, than what is required."""
    required = {"cluster": "c", "node": "n1", "data_dir": "d", "members": "n1=127.0.0.1:7501/127.0.0.1:7401"}
    key, _, text = os.fsdecode(data).partition("\0")
    known = {setting.key: setting for setting in Config.describe()}
    if key in known:
        Config.from_sources(None, {known[key].variable: text}, required)
        Config.from_sources(None, {}, required | {key: text})


def _cli_record(line: bytes) -> None:
    key, value = decode_record(line)
    assert decode_record(encode_record(key, value)) == (key, value)


def _history() -> list[bytes]:
    times = iter(range(100))
    history = checking.History(lambda: float(next(times)))
    with history.put(0, b"k\xff", b"v") as put:
        put.ok(revision=2)
    with history.get(1, b"k\xff") as get:
        get.ok(value=b"v", revision=2)
    with history.delete(2, b"k\xff") as delete:
        delete.unknown()
    return [line.encode() for line in dump_operations(history.operations())]
