"""Keys and values as JSON, binary-safe, in one canonical form.

A record is one line: `{"key":"k","value":"v"}`, compact, UTF-8, in this order. Bytes that are not UTF-8 stand in
base64 under `key_base64` or `value_base64` instead. So every record has exactly one canonical line, and a file of
such lines in key order comes back bit for bit from `load` and `dump`.
"""

from __future__ import annotations

import base64
import json


class BadRecord(ValueError):
    """A line is not a record; the message says why."""


def text_field(name: str, data: bytes) -> tuple[str, str]:
    """`data` as a JSON member: under `name` where it is UTF-8, else in base64 under `name_base64`."""
    try:
        return name, data.decode()
    except UnicodeDecodeError:
        return f"{name}_base64", base64.b64encode(data).decode()


def encode_json(document: object) -> bytes:
    """Compact JSON in UTF-8, without a newline."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def encode_record(key: bytes, value: bytes) -> bytes:
    """The canonical line of a record, with its newline."""
    return encode_json(dict([text_field("key", key), text_field("value", value)])) + b"\n"


def records_told(number: int) -> str:
    """How many, for people."""
    return f"{number:,} record{'' if number == 1 else 's'}"


def decode_record(line: bytes) -> tuple[bytes, bytes]:
    """Key and value of a line, canonical or not. Raises BadRecord."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadRecord(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise BadRecord("not a JSON object")
    key, value = _bytes_of(record, "key"), _bytes_of(record, "value")
    if record:
        raise BadRecord(f"unknown field {next(iter(record))!r}: a record has only a key and a value")
    return key, value


def _bytes_of(record: dict[str, object], name: str) -> bytes:
    given = [field for field in (name, f"{name}_base64") if field in record]
    if len(given) != 1:
        raise BadRecord(f"exactly one of {name!r} and '{name}_base64' is needed")
    text = record.pop(given[0])
    if not isinstance(text, str):
        raise BadRecord(f"{given[0]!r} is not a string")
    try:
        return text.encode() if given[0] == name else base64.b64decode(text, validate=True)
    except ValueError as error:
        raise BadRecord(f"{given[0]!r}: {error}") from error
