"""The canonical form of records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.cli.records import BadRecord, decode_record, encode_record


@given(st.binary(), st.binary() | st.text().map(str.encode))
def test_every_record_comes_back(key: bytes, value: bytes) -> None:
    line = encode_record(key, value)
    assert decode_record(line) == (key, value)
    assert line.count(b"\n") == 1 and line.endswith(b"\n")


@pytest.mark.parametrize(
    ("record", "line"),
    [
        ((b"k", b"v"), '{"key":"k","value":"v"}'),
        ((b"\xff", b""), '{"key_base64":"/w==","value":""}'),
        (("ä\u2028".encode(), b'"\n\x00'), '{"key":"ä\u2028","value":"\\"\\n\\u0000"}'),
        ((b"k", b"\xed\xa0\x80"), '{"key":"k","value_base64":"7aCA"}'),
    ],
)
def test_canonical_lines(record: tuple[bytes, bytes], line: str) -> None:
    assert encode_record(*record) == line.encode() + b"\n"


def test_other_spellings_are_read_too() -> None:
    assert decode_record(b' { "value_base64" : "dg==", "key" : "\\u006b" } \r\n') == (b"k", b"v")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"key":"k"}', "exactly one of 'value' and 'value_base64' is needed"),
        (b'{"key":"k","key_base64":"aw==","value":"v"}', "exactly one of 'key' and 'key_base64' is needed"),
        (b'{"key":1,"value":"v"}', "'key' is not a string"),
        (b'{"key":"k","value_base64":"?"}', "'value_base64': "),
        (b'{"key":"\\ud800","value":"v"}', "'key': "),
        (b'{"key":"k","value":"v","ttl":3}', "unknown field 'ttl'"),
    ],
)
def test_what_is_not_a_record_says_why(line: bytes, problem: str) -> None:
    with pytest.raises(BadRecord) as caught:
        decode_record(line)
    assert problem in str(caught.value)
