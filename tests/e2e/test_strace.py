from __future__ import annotations

import re

import pytest

from tests.e2e.strace import Syscall, parse


def _hex(text: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in text.encode())


SEGMENT = _hex("/d/log/1.segment")
SOCKET = "TCP:[127.0.0.1:5->127.0.0.1:7]"


def test_calls_are_told_by_entry_with_both_their_ends() -> None:
    lines = [
        f'8 1.0 pwrite64(3<{SEGMENT}>, "{_hex("record")}", 6, 4096) = 6',
        f"8 1.5 fdatasync(3<{SEGMENT}> <unfinished ...>",
        f'7 2.0 write(9<{SOCKET}>, "{_hex("early")}", 5) = 5',
        "8 2.5 <... fdatasync resumed>) = 0",
        "7 3.0 --- SIGTERM {si_signo=SIGTERM} ---",
        "7 4.0 +++ exited with 0 +++",
    ]
    assert parse(lines) == [
        Syscall("pwrite64", "/d/log/1.segment", b"record", 0, 0, 1.0, 1.0, 6),
        Syscall("fdatasync", "/d/log/1.segment", b"", 1, 3, 1.5, 2.5, 0),
        Syscall("write", SOCKET, b"early", 2, 2, 2.0, 2.0, 5),
    ]


def test_the_parts_of_a_message_are_put_together_as_far_as_they_were_taken() -> None:
    parts = f'[{{iov_base="{_hex("abc")}", iov_len=3}}, {{iov_base="{_hex("def")}", iov_len=3}}]'
    line = f"7 1.0 sendmsg(9<{SOCKET}>, {{msg_name=NULL, msg_iov={parts}, msg_iovlen=2, msg_flags=0}}, 0) = 4"
    (call,) = parse([line])
    assert call.data == b"abcd"


@pytest.mark.parametrize("end", ["= -1 EIO (Input/output error)", "= -1 EAGAIN (Resource temporarily unavailable)"])
def test_a_call_that_failed_wrote_nothing(end: str) -> None:
    (call,) = parse([f'7 1.0 write(9<{SOCKET}>, "{_hex("abc")}", 3) {end}'])
    assert (call.result, call.data) == (-1, b"")


def test_what_the_end_of_the_process_cut_off_is_left_out() -> None:
    assert parse([f"7 1.0 fdatasync(3<{SEGMENT}>) = ?", f"8 1.1 fdatasync(3<{SEGMENT}> <unfinished ...>"]) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("strace: Process 7 attached", "line 1 is not strace's"),
        (f"7 1.0 fdatasync(3<{SEGMENT}>)", "line 1 tells no result"),
        (f'7 1.0 write(9<{SOCKET}>, "{_hex("abc")}"..., 900) = 900', "cut a buffer"),
    ],
)
def test_what_is_not_understood_is_an_error(line: str, problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        parse([line])
