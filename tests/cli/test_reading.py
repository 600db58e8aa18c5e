"""get and compact; what get, range and count say about how to read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import click
import pytest

from ostraka import errors
from ostraka.cli.exits import Exit
from ostraka.cli.reading import duration, moment
from ostraka.v1 import common_pb2
from tests.cli.fakes import FakeClient, Runner


@pytest.fixture
def filled(ostraka: Runner, client: FakeClient) -> Runner:
    for key in ("a1", "a2", "b1"):
        ostraka("put", key, f"value of {key}")
    client.calls.clear()
    return ostraka


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("10m", timedelta(minutes=10)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("0s", timedelta()),
    ],
)
def test_durations(text: str, found: timedelta) -> None:
    assert duration(text) == found


@pytest.mark.parametrize("text", ["", "10", "m", "-5s", "10 m", "10x", "1e3s", f"{'9' * 400}d"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(click.BadParameter):
        duration(text)


def test_a_moment_is_a_date_and_time() -> None:
    assert moment("2026-03-01T12:00Z") == datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert moment("2026-03-01T12:00+01:00") == datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert moment("2026-03-01").tzinfo is None, "local time"


def test_a_moment_is_so_long_ago() -> None:
    before = datetime.now(UTC)
    found = moment("10m")
    assert before - timedelta(minutes=10) <= found <= datetime.now(UTC) - timedelta(minutes=10)


@pytest.mark.parametrize("text", ["yesterday", "10", "2026-13-01", "999999d"])
def test_what_is_no_moment(text: str) -> None:
    with pytest.raises(click.BadParameter):
        moment(text)


@pytest.mark.parametrize(
    ("options", "given"),
    [
        ((), {}),
        (("--revision", "7"), {"revision": 7}),
        (("--at", "2026-03-01T12:00Z"), {"at": datetime(2026, 3, 1, 12, tzinfo=UTC)}),
        (("--serializable",), {"serializable": True}),
        (("--max-staleness", "1.5s"), {"max_staleness": 1.5}),
        (("--revision", "7", "--max-staleness", "0s"), {"revision": 7, "max_staleness": 0.0}),
    ],
)
@pytest.mark.parametrize("command", [("get", "a1"), ("get", "--prefix", "a"), ("range",), ("range", "--count")])
def test_every_read_says_how(
    filled: Runner, client: FakeClient, command: tuple[str, ...], options: tuple[str, ...], given: dict[str, object]
) -> None:
    assert filled(*command, *options).code == 0
    assert client.calls[0][-1] == given


@pytest.mark.parametrize(
    "options",
    [
        ("--revision", "7", "--at", "1m"),
        ("--serializable", "--max-staleness", "1s"),
        ("--revision", "0"),
        ("--revision", str(1 << 64)),
    ],
)
@pytest.mark.parametrize("command", ["get", "range"])
def test_what_contradicts_is_refused(
    filled: Runner, client: FakeClient, command: str, options: tuple[str, ...]
) -> None:
    assert filled(command, "a1", *options).code == Exit.USAGE
    assert client.calls == []


def test_get_lists_what_range_lists(filled: Runner) -> None:
    assert filled("get", "--prefix", "a") == filled("range", "--prefix", "a")
    assert filled("get", "a2", "--range-end", "c", "--json") == filled("range", "a2", "c", "--json")
    assert filled("get", "--prefix", "a", "--limit", "1", "--keys-only").out == b"a1\n"


def test_get_counts(filled: Runner) -> None:
    assert filled("get", "--prefix", "a", "--count").out == b"2\n"
    assert filled("get", "a1", "--count").out == b"1\n"
    assert filled("get", "a", "--count").out == b"0\n"


def test_get_of_one_key_may_print_the_key(filled: Runner) -> None:
    assert filled("get", "a1", "--keys-only").out == b"a1\n"
    assert "value" not in json.loads(filled("get", "a1", "--keys-only", "--json").out)
    assert filled("get", "a", "--keys-only") == (Exit.ABSENT, b"", b"")


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a", "--prefix", "b"),
        ("--range-end", "c"),
        ("a", "--range-end", ""),
        ("a", "--count", "--keys-only"),
        ("a", "--limit", "2"),
        ("--prefix", "a", "--limit", str(1 << 64)),
    ],
)
def test_get_refuses_what_it_cannot_mean(filled: Runner, client: FakeClient, arguments: tuple[str, ...]) -> None:
    assert filled("get", *arguments).code == Exit.USAGE
    assert client.calls == []


def test_a_range_may_be_sorted(filled: Runner, client: FakeClient) -> None:
    filled("range", "--sort-by", "mod", "--descending")
    assert client.calls[0][-1] == {"sort_by": "mod", "descending": True}


def test_compact_says_what_can_still_be_read(ostraka: Runner, client: FakeClient) -> None:
    assert ostraka("compact", "41").out == b"compacted: the oldest revision that can be read is 41\n"
    assert json.loads(ostraka("compact", "42", "--json").out) == {"compact_revision": 42}
    assert client.calls[0] == ("compact", 41)
    for senseless in ("0", str(1 << 64)):
        assert ostraka("compact", senseless).code == Exit.USAGE


def test_what_is_compacted_is_refused(ostraka: Runner, client: FakeClient) -> None:
    detail = common_pb2.ErrorDetail(reason=common_pb2.COMPACTED, compact_revision=9)
    client.failures.append(errors.Compacted("revision 7 is older than 9", detail=detail))
    outcome = ostraka("get", "k", "--revision", "7")
    assert outcome.code == Exit.REFUSED
    assert b"older than 9" in outcome.err
