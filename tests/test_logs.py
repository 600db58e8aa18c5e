"""A line an event: for machines one JSON object, for people words and fields; never more than one line by accident."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest

from ostraka_server.logs import configure, fields

log = logging.getLogger("ostraka.test")


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The configuration of the process's logging is put back, pytest's own part of it too."""
    root, ours = logging.getLogger(), logging.getLogger("ostraka")
    before = root.handlers[:], root.level, ours.level
    root.handlers = []
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def logged(format: Literal["console", "json"], level: str = "info") -> io.StringIO:
    stream = io.StringIO()
    configure(level, format, stream)
    return stream


def json_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    document: dict[str, Any] = json.loads(line)
    return document


def test_json_is_one_object_with_the_event_and_its_fields() -> None:
    stream = logged("json")
    log.info("leader", extra=fields(group=1, node="n2", serving=True, before=None))
    document = json_line(stream)
    assert datetime.fromisoformat(document.pop("time")).utcoffset() == timedelta(0)
    assert document == {
        "level": "info",
        "logger": "ostraka.test",
        "event": "leader",
        "group": 1,
        "node": "n2",
        "serving": True,
        "before": None,
    }


def test_json_holds_an_exception_in_its_line() -> None:
    stream = logged("json")
    try:
        raise ValueError("as told")
    except ValueError:
        log.exception("broken")
    document = json_line(stream)
    assert document["level"] == "error"
    assert document["exception"].endswith("ValueError: as told")


def test_console_is_a_line_for_people() -> None:
    stream = logged("console")
    log.warning("refused", extra=fields(peer="10.0.0.1:7", why="two words", node=None, empty=""))
    _, _, line = stream.getvalue().partition(" ")
    assert line == 'warning ostraka.test: refused peer=10.0.0.1:7 why="two words" node=- empty=""\n'


@pytest.mark.parametrize("format", ["console", "json"])
def test_a_field_cannot_forge_a_line(format: Literal["console", "json"]) -> None:
    stream = logged(format)
    log.info("hello", extra=fields(why='x\n12:00:00 info ostraka.node: all is well "quoted" \x1b[31m\u2028'))
    assert len(stream.getvalue().splitlines()) == 1
    assert "\x1b" not in stream.getvalue()


def test_what_is_below_the_level_is_not_logged_and_others_must_warn() -> None:
    stream = logged("console", "warning")
    log.info("not this")
    log.warning("this")
    assert stream.getvalue().count("\n") == 1
    stream = logged("console", "debug")
    log.debug("this")
    logging.getLogger("asyncio").info("not this")
    logging.getLogger("asyncio").warning("this")
    assert stream.getvalue().count("\n") == 2


def test_configuring_again_replaces_the_first() -> None:
    first, second = logged("console"), logged("json")
    log.info("once")
    assert first.getvalue() == ""
    assert json_line(second)["event"] == "once"


def test_a_field_cannot_take_the_place_of_what_every_line_has() -> None:
    with pytest.raises(AssertionError, match="taken"):
        fields(level="mine")
