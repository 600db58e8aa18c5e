"""txn: how a transaction is written, what is told of it, and what of lines that mean nothing."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from ostraka.cli.exits import Exit
from ostraka.cli.txn_compares import compare
from ostraka.cli.txn_operations import USAGES, operation
from ostraka.cli.txn_words import BadLine, words
from ostraka.errors import OutcomeUnknown
from ostraka.v1 import kv_pb2
from tests.cli.fakes import FakeClient, Outcome, Runner

ORDER = """# who comes first
value(apples) = 1
absent("order")

put apples 0
put order "ada \\"lovelace\\"\\n" --prev
get order
range --prefix a --limit 1
range --count
del none

get order
"""


@pytest.fixture
def shop(ostraka: Runner, tmp_path: Path) -> Runner:
    (tmp_path / "start").write_text("\nput apples 1\nput b 2\n")
    assert ostraka("txn", str(tmp_path / "start")).code == 0
    return ostraka


def written(ostraka: Runner, tmp_path: Path, text: str, *arguments: str) -> Outcome:
    (tmp_path / "order").write_text(text)
    return ostraka("txn", str(tmp_path / "order"), *arguments)


def test_what_was_done_is_told_line_by_line(shop: Runner, tmp_path: Path) -> None:
    outcome = written(shop, tmp_path, ORDER)
    assert (outcome.code, outcome.err) == (0, b"")
    first, head, *rows = outcome.out.decode().splitlines()
    assert (first, head.split()) == ("succeeded, revision 3", ["OPERATION", "RESULT"])
    second_column = head.index("RESULT")
    assert [(row[:second_column].rstrip(), row[second_column:].rstrip()) for row in rows] == [
        ("put apples 0", "revision 3"),
        (r'put order "ada \"lovelace\"\n" --prev', "revision 3"),
        ("get order", r'ada "lovelace"\x0a'),
        ("range --prefix a --limit 1", "1 of 1 keys"),
        ("  apples", "0"),
        ("range --count", "3 keys"),
        ("del none", "0 deleted"),
    ]
    again = written(shop, tmp_path, ORDER).out.decode().splitlines()
    assert again[0] == "failed: not all compares held, revision 3"
    assert len(again) == 3 and again[2].endswith(r'ada "lovelace"\x0a')


def test_json_has_a_result_for_each_operation(shop: Runner, tmp_path: Path) -> None:
    lines = "\nput b 3 --prev\nget none\nget b --revision 2\nrange a c --keys-only\nrange --count\ndel apples --prev\n"
    assert json.loads(written(shop, tmp_path, lines, "--json").out) == {
        "succeeded": True,
        "revision": 3,
        "results": [
            {
                "put": {
                    "revision": 3,
                    "prev": {"key": "b", "value": "2", "create_revision": 2, "mod_revision": 2, "version": 1},
                }
            },
            {"get": None},
            {"get": {"key": "b", "value": "2", "create_revision": 2, "mod_revision": 2, "version": 1}},
            {
                "range": {
                    "keys": [
                        {"key": "apples", "value": "", "create_revision": 2, "mod_revision": 2, "version": 1},
                        {"key": "b", "value": "", "create_revision": 2, "mod_revision": 3, "version": 2},
                    ],
                    "more": False,
                    "count": 2,
                }
            },
            {"count": 2},
            {
                "deleted": 1,
                "prev": [{"key": "apples", "value": "1", "create_revision": 2, "mod_revision": 2, "version": 1}],
            },
        ],
    }


def test_an_empty_transaction_is_one(ostraka: Runner, tmp_path: Path) -> None:
    assert written(ostraka, tmp_path, "") == (0, b"succeeded, revision 1\n", b"")


class Terminal(io.BytesIO):
    """Somebody who types this."""

    def isatty(self) -> bool:
        return True


def test_by_hand_each_paragraph_is_asked_for_and_a_bad_line_once_more(
    ostraka: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = Terminal(b'absent("a")\nabsent\n\nput a\nput a 1\n\n')
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(typed))
    outcome = ostraka("txn")
    assert outcome.code == 0
    assert outcome.out.startswith(b"succeeded, revision 2\n")
    asked = outcome.err.decode().splitlines()
    assert asked == [
        "compares; an empty line ends them:",
        '  absent needs a key in parentheses: absent("key")',
        "operations if they all hold; an empty line ends them:",
        "  write put KEY VALUE [--prev], with quotes around a text that has blanks, and no empty key",
        "operations otherwise; an empty line ends them:",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("put a 1\n", 'line 1: \'put\' begins no compare: write value("a") = "1"'),
        ("absent(a)\n\nput a\n", "line 3: write put KEY VALUE [--prev]"),
        ("# a\n\nput a 1\n\n\nput b 2\n", "line 6: the transaction has ended"),
        ('\nput a "1\n', "line 2: cannot read on at '\"1': is a quote missing?"),
    ],
)
def test_a_bad_line_is_named_and_nothing_is_sent(
    ostraka: Runner, client: FakeClient, tmp_path: Path, text: str, says: str
) -> None:
    outcome = written(ostraka, tmp_path, text)
    assert (outcome.code, outcome.out) == (Exit.USAGE, b"")
    assert says in outcome.err.decode()
    assert client.calls == []


def test_an_unknown_outcome_has_its_exit_code(ostraka: Runner, client: FakeClient, tmp_path: Path) -> None:
    client.failures.append(OutcomeUnknown("the connection broke"))
    assert written(ostraka, tmp_path, "\nput a 1\n").code == Exit.UNKNOWN


@pytest.mark.parametrize(
    ("line", "key", "range_end", "operator", "target", "operand"),
    [
        ('value("a") = "1"', b"a", b"", kv_pb2.Compare.EQUAL, "value", b"1"),
        ('val(a)=="x y"', b"a", b"", kv_pb2.Compare.EQUAL, "value", b"x y"),
        ("value('a\\n') != \"\\x00\\xff\"", b"a\\n", b"", kv_pb2.Compare.NOT_EQUAL, "value", b"\0\xff"),
        ("version(a, c) > 0", b"a", b"c", kv_pb2.Compare.GREATER, "version", 0),
        ('version(prefix="a/") = 0', b"a/", b"a0", kv_pb2.Compare.EQUAL, "version", 0),
        ('mod("a") < "41"', b"a", b"", kv_pb2.Compare.LESS, "mod_revision", 41),
        ("create(a) = 7", b"a", b"", kv_pb2.Compare.EQUAL, "create_revision", 7),
        ("lease(a) = 0", b"a", b"", kv_pb2.Compare.EQUAL, "lease", 0),
        ("absent(a)", b"a", b"", kv_pb2.Compare.EQUAL, "version", 0),
        ('exists(prefix="a")', b"a", b"b", kv_pb2.Compare.GREATER, "version", 0),
        ('value("prefix") = "="', b"prefix", b"", kv_pb2.Compare.EQUAL, "value", b"="),
    ],
)
def test_compares(
    line: str,
    key: bytes,
    range_end: bytes,
    operator: kv_pb2.Compare.Operator.ValueType,
    target: str,
    operand: bytes | int,
) -> None:
    wire = compare(line).wire
    assert (wire.key, wire.range_end, wire.operator, wire.WhichOneof("target")) == (key, range_end, operator, target)
    assert getattr(wire, target) == operand


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("values(a) = 1", "begins no compare"),
        ("= 1", "begins no compare"),
        ("value = 1", "needs a key in parentheses"),
        ("value() = 1", 'write value("key")'),
        ('value("") = 1', "no empty text"),
        ("value(a, b, c) = 1", 'write value("key")'),
        ('value(suffix="a") = 1', 'write value("key")'),
        ("value(a)", "after the parenthesis"),
        ("value(a) =", "after the parenthesis"),
        ("value(a) = 1 2", "after the parenthesis"),
        ("value(a) = =", "after the parenthesis"),
        ("version(a) = x", "a whole number from 0, not 'x'"),
        ("version(a) = 18446744073709551616", "a whole number from 0"),
        ("version(a) >= 1", "after the parenthesis"),
        ("absent(a) = 1", "compared with nothing"),
        ('value("a = 1', "is a quote missing"),
        ('value("\\q") = 1', "\\q is no escape"),
    ],
)
def test_bad_compares(line: str, says: str) -> None:
    with pytest.raises(BadLine) as problem:
        compare(line)
    assert says in str(problem.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("putt a 1", "'putt' is no operation: there are put, get, del, range"),
        ("put a 1 2", "write put KEY VALUE"),
        ('put "" 1', "no empty key"),
        ("put a -5", "-5 is no option here: write put KEY VALUE [--prev], or quote it"),
        ("put a 1 --keys-only", "--keys-only is no option here"),
        ("get a --revision", "--revision needs something behind it"),
        ("get a --revision 0", "no whole number from 1"),
        ("del", "either a KEY or --prefix"),
        ("del a --prefix b", "either a KEY or --prefix"),
        ("del --range-end b", "either a KEY or --prefix"),
        ('del --prefix ""', "must not be empty"),
        ("range a --prefix b", "either START and END or --prefix"),
        ("range --count --limit 1", "leave out the other options"),
        ("range --sort-by size", "not by 'size'"),
        ('get "a"b', "is a quote missing"),
    ],
)
def test_bad_operations(line: str, says: str) -> None:
    with pytest.raises(BadLine) as problem:
        operation(line)
    assert says in str(problem.value)


@pytest.mark.parametrize(
    ("line", "wire"),
    [
        ('put a "-5"', {"put": kv_pb2.PutRequest(key=b"a", value=b"-5")}),
        ("put a b=c --prev", {"put": kv_pb2.PutRequest(key=b"a", value=b"b=c", prev_kv=True)}),
        ("put a ''", {"put": kv_pb2.PutRequest(key=b"a")}),
        ("put a -", {"put": kv_pb2.PutRequest(key=b"a", value=b"-")}),
        ("get ä", {"get": kv_pb2.GetRequest(key="ä".encode())}),
        ("get a --revision 3", {"get": kv_pb2.GetRequest(key=b"a", revision=3)}),
        ("del a", {"delete": kv_pb2.DeleteRequest(key=b"a")}),
        ("del a --range-end c", {"delete": kv_pb2.DeleteRequest(key=b"a", range_end=b"c")}),
        ("del --prefix a", {"delete": kv_pb2.DeleteRequest(key=b"a", range_end=b"b")}),
        ("range", {"range": kv_pb2.RangeRequest(key=b"\0", range_end=b"\0")}),
        ("range a", {"range": kv_pb2.RangeRequest(key=b"a", range_end=b"\0")}),
        (
            "range a c --limit 2 --keys-only --sort-by mod --descending --revision 3",
            {
                "range": kv_pb2.RangeRequest(
                    key=b"a",
                    range_end=b"c",
                    limit=2,
                    keys_only=True,
                    sort_target=kv_pb2.BY_MOD_REVISION,
                    sort_order=kv_pb2.DESCENDING,
                    revision=3,
                )
            },
        ),
        (
            "range --count --prefix a",
            {"range": kv_pb2.RangeRequest(key=b"a", range_end=b"b", count_only=True)},
        ),
    ],
)
def test_operations(line: str, wire: dict[str, kv_pb2.PutRequest]) -> None:
    made = kv_pb2.Operation()
    operation(line).put_into(made)
    ((kind, request),) = wire.items()
    assert made.WhichOneof("request") == kind and getattr(made, kind) == request


def test_words_keep_bytes_that_are_no_text() -> None:
    assert [word.text for word in words("\udcff 'a b' \"\\xff\\\\\\t\"")] == [b"\xff", b"a b", b"\xff\\\t"]


def test_the_help_shows_every_operation(ostraka: Runner) -> None:
    said = " ".join(ostraka("txn", "--help").out.decode().split())
    for usage in USAGES:
        for part in usage.replace("[", " ").replace("]", " ").split():
            assert part in said
