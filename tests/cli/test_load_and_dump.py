"""load, dump, and both together."""

from __future__ import annotations

import asyncio
import io
import json
import re
from pathlib import Path
from typing import cast

import pytest

from ostraka.aio import Client
from ostraka.cli.load import TRIES, load_records
from ostraka.cli.records import encode_record
from ostraka.errors import InvalidRequest, NoLeader, OutcomeUnknown
from tests.cli.fakes import FakeClient, Runner


class InstantClock:
    """Its sleeps take no time, but are noted, and let others run."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return sum(self.slept)

    def call_at(self, when: float, callback: object) -> asyncio.TimerHandle:
        raise NotImplementedError("load only sleeps")

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.get_running_loop().run_in_executor(None, int)


def records(count: int) -> bytes:
    pairs = [(b"k%05d" % i, bytes([i % 256, 0, 255])) for i in range(count)]
    return b"".join(encode_record(*pair) for pair in pairs)


def test_a_canonical_file_comes_back_bit_for_bit(ostraka: Runner, client: FakeClient, tmp_path: Path) -> None:
    source, copy = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    source.write_bytes(records(2500) + encode_record("ü".encode(), b'"\n') + encode_record(b"\xff", b""))
    loaded = ostraka("load", str(source))
    assert loaded.code == 0
    assert re.fullmatch(r"2,502 records in \d+\.\d s \([\d,]+ a second\)\n", loaded.out.decode())
    assert len(client.rows) == 2502
    dumped = ostraka("dump", str(copy))
    assert (dumped.code, dumped.err) == (0, b"2,502 records\n")
    assert copy.read_bytes() == source.read_bytes()
    assert ostraka("dump").out == source.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_load_takes_what_dump_gives_by_a_pipe(ostraka: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ostraka("put", "a", "1")
    dumped = ostraka("dump")
    assert dumped.err == b"1 record\n"
    (tmp_path / "pipe").write_bytes(dumped.out)
    ostraka("del", "a")
    with (tmp_path / "pipe").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert ostraka("load").out.startswith(b"1 record in ")
    assert ostraka("get", "a").out == b"1\n"


def test_dump_of_a_prefix(ostraka: Runner) -> None:
    for key in ("a1", "a2", "b1"):
        ostraka("put", key, "v")
    assert ostraka("dump", "--prefix", "a").out == encode_record(b"a1", b"v") + encode_record(b"a2", b"v")


def test_a_dump_that_fails_leaves_the_file_as_it_was(ostraka: Runner, client: FakeClient, tmp_path: Path) -> None:
    file = tmp_path / "dump.jsonl"
    file.write_bytes(b"yesterday's")
    client.failures = [NoLeader("election")]
    assert ostraka("dump", str(file)).code == 3
    assert [path.name for path in tmp_path.iterdir()] == ["dump.jsonl"]
    assert file.read_bytes() == b"yesterday's"


def test_a_dump_that_cannot_be_written_is_named(ostraka: Runner, tmp_path: Path) -> None:
    outcome = ostraka("dump", str(tmp_path / "no" / "dump.jsonl"))
    assert outcome.code == 2
    assert b"No such file or directory" in outcome.err


def test_of_several_records_of_one_key_the_last_stays(ostraka: Runner, client: FakeClient, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_bytes(b"".join(encode_record(b"k%d" % (i % 7), b"%d" % i) for i in range(700)))
    client.failures = [NoLeader("x"), OutcomeUnknown("y")] * 5
    assert ostraka("load", str(file), "--callers", "50").code == 0
    assert {row.value for row in client.rows.values()} == {b"%d" % i for i in range(693, 700)}


@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_malformed_line_is_named_and_the_lines_before_it_are_loaded(
    ostraka: Runner, client: FakeClient, tmp_path: Path, end: bytes
) -> None:
    file = tmp_path / "bad.jsonl"
    file.write_bytes(records(5) + b'{"key":"k"}' + end)
    outcome = ostraka("load", str(file))
    assert outcome.code == 2
    assert b"line 6: exactly one of 'value' and 'value_base64' is needed; the records before it are loaded" in (
        outcome.err
    )
    assert outcome.out.startswith(b"5 records")
    assert len(client.rows) == 5


def test_a_record_that_is_refused_is_named(ostraka: Runner, client: FakeClient, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(records(1))
    client.failures = [InvalidRequest("the key is too long")]
    outcome = ostraka("load", str(file))
    assert outcome.code == 4
    assert outcome.err.startswith(b"Error: line 1: invalid request: the key is too long.")


def test_a_load_as_json(ostraka: Runner, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_bytes(records(3))
    assert json.loads(ostraka("load", str(file), "--json").out).keys() == {
        "records",
        "repeated",
        "seconds",
        "records_per_second",
    }


def test_load_of_a_missing_file(ostraka: Runner) -> None:
    assert ostraka("load", "/no/such/file").code == 2


def test_a_put_is_tried_again_with_growing_pauses_until_its_tries_are_used_up() -> None:
    client, clock = FakeClient(), InstantClock()
    client.failures = [OutcomeUnknown("stream broke") for _ in range(TRIES)]
    with pytest.raises(OutcomeUnknown) as caught:
        asyncio.run(load_records(cast(Client, client), io.BytesIO(records(1)), 4, clock, lambda done: None))
    assert caught.value.__notes__ == ["line 1"]
    assert len(client.calls) == TRIES
    assert clock.slept == sorted(clock.slept) and len(clock.slept) == TRIES - 1


def test_repeated_puts_are_counted_and_progress_ends_at_the_size_of_the_file() -> None:
    client, clock, done = FakeClient(), InstantClock(), [0]
    client.failures = [NoLeader("election"), OutcomeUnknown("stream broke")]
    source = records(2000)

    def advance(size: int) -> None:
        done[0] += size

    loaded = asyncio.run(load_records(cast(Client, client), io.BytesIO(source), 8, clock, advance))
    assert (loaded.records, loaded.repeated, loaded.problem) == (2000, 2, None)
    assert len(client.rows) == 2000
    assert done == [len(source)]


class SlowClient(FakeClient):
    """Answers a put only once so many are in flight."""

    def __init__(self, callers: int) -> None:
        super().__init__()
        self.in_flight = asyncio.Barrier(callers)
        self.most = 0

    async def put(self, key: bytes, value: bytes, *, prev: bool = False):  # type: ignore[no-untyped-def]
        self.most = max(self.most, self.in_flight.n_waiting + 1)
        await self.in_flight.wait()
        return await super().put(key, value, prev=prev)


def test_as_many_puts_are_in_flight_as_there_are_callers() -> None:
    # Keys that fall on different callers, as often on each.
    import zlib

    chosen = {zlib.crc32(b"%d" % i) % 4: b"%d" % i for i in range(100)}
    source = b"".join(encode_record(key, b"v") for key in chosen.values())

    async def scenario() -> int:
        client = SlowClient(4)
        await load_records(cast(Client, client), io.BytesIO(source), 4, InstantClock(), lambda done: None)
        return client.most

    assert asyncio.run(scenario()) == 4
