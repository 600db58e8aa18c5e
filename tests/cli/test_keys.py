"""put, get, del."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.cli.fakes import FakeClient, Runner

NOT_UTF8 = os.fsdecode(b"\xff\x00k".replace(b"\x00", b"-"))


def test_get_prints_the_raw_value_and_a_newline(ostraka: Runner) -> None:
    ostraka("put", "k", "v")
    assert ostraka("get", "k") == (0, b"v\n", b"")


def test_get_of_an_absent_key_is_silent_and_exits_1(ostraka: Runner) -> None:
    assert ostraka("get", "k") == (1, b"", b"")
    assert ostraka("get", "k", "--json") == (1, b"", b"")


def test_put_prints_the_revision(ostraka: Runner) -> None:
    assert ostraka("put", "k", "v") == (0, b"revision 2\n", b"")
    assert json.loads(ostraka("put", "k", "w", "--json").out) == {"revision": 3}


def test_put_prev_prints_what_was_there(ostraka: Runner) -> None:
    assert ostraka("put", "k", "v", "--prev").out == b"revision 2\nthe key is new\n"
    assert ostraka("put", "k", "w", "--prev").out == b"revision 3\nbefore: v\n"
    assert json.loads(ostraka("put", "k", "x", "--prev", "--json").out) == {
        "revision": 4,
        "prev": {"key": "k", "value": "w", "create_revision": 2, "mod_revision": 3, "version": 2},
    }
    assert json.loads(ostraka("put", "new", "x", "--prev", "--json").out) == {"revision": 5, "prev": None}


def test_put_takes_a_value_from_a_file_to_the_last_byte(ostraka: Runner, client: FakeClient, tmp_path: Path) -> None:
    file = tmp_path / "value"
    file.write_bytes(b"\x00\xff\n")
    assert ostraka("put", "k", "--file", str(file)).code == 0
    assert client.rows[b"k"].value == b"\x00\xff\n"


def test_put_takes_a_value_from_standard_input(
    ostraka: Runner, client: FakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "value").write_bytes(b"\xff\n")
    with (tmp_path / "value").open() as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        assert ostraka("put", "k", "-").code == 0
    assert client.rows[b"k"].value == b"\xff\n"


def test_an_empty_value_is_a_value(ostraka: Runner) -> None:
    ostraka("put", "k", "")
    assert ostraka("get", "k") == (0, b"\n", b"")


def test_keys_and_values_are_bytes(ostraka: Runner, client: FakeClient) -> None:
    ostraka("put", NOT_UTF8, NOT_UTF8)
    assert list(client.rows) == [b"\xff-k"]
    assert ostraka("get", NOT_UTF8).out == b"\xff-k\n"
    assert json.loads(ostraka("get", NOT_UTF8, "--json").out)["value_base64"] == "/y1r"


def test_a_value_may_begin_with_a_dash_behind_two(ostraka: Runner, client: FakeClient) -> None:
    assert ostraka("put", "k", "--", "-5").code == 0
    assert client.rows[b"k"].value == b"-5"


@pytest.mark.parametrize("arguments", [("put", "k"), ("put", "k", "v", "--file", "/dev/null")])
def test_put_needs_one_value(ostraka: Runner, arguments: tuple[str, ...]) -> None:
    outcome = ostraka(*arguments)
    assert outcome.code == 2
    assert b"give either a VALUE or --file" in outcome.err


def test_get_may_ask_any_node(ostraka: Runner, client: FakeClient) -> None:
    ostraka("get", "k", "--serializable")
    assert client.calls[0] == ("get", b"k", {"serializable": True})


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("a1",), ["a2", "a3", "b"]),
        (("a",), ["a1", "a2", "a3", "b"]),
        (("--prefix", "a"), ["b"]),
        (("a2", "--range-end", "b"), ["a1", "b"]),
    ],
)
def test_del_prints_how_many_it_deleted(
    ostraka: Runner, client: FakeClient, arguments: tuple[str, ...], left: list[str]
) -> None:
    for key in ("a1", "a2", "a3", "b"):
        ostraka("put", key, "v")
    outcome = ostraka("del", *arguments)
    assert outcome == (0, b"%d\n" % (4 - len(left)), b"")
    assert [key.decode() for key in client.rows] == left


def test_del_as_json(ostraka: Runner) -> None:
    assert ostraka("del", "k", "--json").out == b'{"deleted":0,"revision":1}\n'


def test_del_shows_what_was_there_when_asked(ostraka: Runner) -> None:
    for key in ("a1", "a2", "b"):
        ostraka("put", key, f"{key}'s")
    count, head, *rows = ostraka("del", "--prefix", "a", "--prev").out.decode().splitlines()
    assert (count, head.split()[:2]) == ("2", ["KEY", "VALUE"])
    assert [row.split() for row in rows] == [["a1", "a1's", "1", "2", "2"], ["a2", "a2's", "1", "3", "3"]]
    before = {"key": "b", "value": "b's", "create_revision": 4, "mod_revision": 4, "version": 1}
    assert json.loads(ostraka("del", "b", "--prev", "--json").out) == {"deleted": 1, "revision": 6, "prev": [before]}
    assert ostraka("del", "b", "--prev").out == b"0\n"


@pytest.mark.parametrize(
    "arguments", [(), ("k", "--prefix", "p"), ("--range-end", "z"), ("--prefix", ""), ("k", "--range-end", "")]
)
def test_del_never_deletes_what_was_not_named(ostraka: Runner, client: FakeClient, arguments: tuple[str, ...]) -> None:
    assert ostraka("del", *arguments).code == 2
    assert client.calls == []
