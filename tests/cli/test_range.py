"""range."""

from __future__ import annotations

import json

import pytest

from ostraka.cli import range as cli_range
from tests.cli.fakes import FakeClient, Runner


@pytest.fixture
def filled(ostraka: Runner, client: FakeClient) -> Runner:
    for key in ("a1", "a2", "b1", "c"):
        ostraka("put", key, f"value of {key}")
    client.calls.clear()
    return ostraka


def test_a_table_lists_the_keys_in_order(filled: Runner) -> None:
    lines = filled("range").out.decode().splitlines()
    assert lines[0].split() == ["KEY", "VALUE", "VERSION", "MOD", "REVISION", "CREATE", "REVISION"]
    assert [line.split()[0] for line in lines[1:]] == ["a1", "a2", "b1", "c"]
    assert lines[1].split()[1:] == ["value", "of", "a1", "1", "2", "2"]


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        (("a2",), "a2 b1 c"),
        (("a2", "c"), "a2 b1"),
        (("--prefix", "a"), "a1 a2"),
        (("--limit", "3"), "a1 a2 b1"),
        (("--prefix", "x"), ""),
    ],
)
def test_what_is_listed(filled: Runner, arguments: tuple[str, ...], keys: str) -> None:
    assert filled("range", *arguments, "--keys-only").out.decode().split() == keys.split()
    assert [json.loads(line)["key"] for line in filled("range", *arguments, "--json").out.splitlines()] == keys.split()


def test_json_lines_tell_everything(filled: Runner) -> None:
    assert json.loads(filled("range", "c", "--json").out) == {
        "key": "c",
        "value": "value of c",
        "create_revision": 5,
        "mod_revision": 5,
        "version": 1,
    }
    assert "value" not in json.loads(filled("range", "c", "--json", "--keys-only").out)


def test_count(filled: Runner) -> None:
    assert filled("range", "--prefix", "a", "--count").out == b"2\n"
    assert filled("range", "--count", "--json").out == b'{"count":4}\n'


def test_a_long_range_is_shown_piece_by_piece(filled: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_range, "TABLE_ROWS", 3)
    lines = filled("range").out.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["KEY", "a1", "a2", "b1", "KEY", "c"]


def test_an_empty_range_prints_nothing(ostraka: Runner) -> None:
    assert ostraka("range") == (0, b"", b"")


@pytest.mark.parametrize(
    "arguments", [("a", "--prefix", "b"), ("--count", "--limit", "1"), ("--count", "--keys-only"), ("--limit", "0")]
)
def test_contradictions_are_refused(ostraka: Runner, client: FakeClient, arguments: tuple[str, ...]) -> None:
    assert ostraka("range", *arguments).code == 2
    assert client.calls == []
