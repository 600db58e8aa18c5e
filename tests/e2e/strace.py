"""What a process wrote, sent and synced, in order, as strace saw it.

The order of the lines is the order of events: strace holds every thread at each end of a call until it has written it
down. So a call whose return stands before another's entry was really over before the other began.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

CALLS = ("pwrite64", "pwritev", "fdatasync", "fsync", "write", "writev", "sendto", "sendmsg", "sendmmsg")
STRING_BYTES_MAX = 8 << 20  # longer than anything that a node writes at once

_LINE = re.compile(r"(?P<thread>\d+) +(?P<time>\d+\.\d+) (?P<rest>.*)")
_ENTRY = re.compile(r"(?P<name>\w+)\(\d+<(?P<target>(?:->|[^>])*)>(?P<arguments>.*)")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>(?P<end>.*)")
_RESULT = re.compile(r"= (?P<result>-?\d+)\D*$|= \?.*$")
_HEX = re.compile(r"\\x([0-9a-f]{2})")
_BUFFER = re.compile(r'(?:iov_base=|^, )"(?P<hex>[^"]*)"(?P<cut>\.\.\.)?')
_UNFINISHED = " <unfinished ...>"


@dataclass(frozen=True, slots=True)
class Syscall:
    """One call on one descriptor. Orders are line numbers of the trace, times seconds of the machine's clock."""

    name: str
    target: str
    """What the descriptor stands for: a path, or `TCP:[local->remote]`."""
    data: bytes
    """What was written: only as much as the call says that it took."""
    entered: int
    returned: int
    entered_at: float
    returned_at: float
    result: int


def command(output: Path) -> list[str]:
    """Begins the command of a process that is to be traced, threads and all. Its process id stays its own (-D)."""
    calls = f"trace={','.join(CALLS)}"
    return ["strace", "-D", "-f", "--seccomp-bpf", "-ttt", "-yy", "-xx", "-s", str(STRING_BYTES_MAX), "-e", calls,
            "-o", str(output)]  # fmt: skip


def parse(lines: Iterable[str]) -> list[Syscall]:
    """The calls that returned, by entry. What was under way when the process ended is left out.

    ValueError for a line that is not understood: a checker must not look away.
    """
    return sorted(_calls(lines), key=lambda call: call.entered)


def _calls(lines: Iterable[str]) -> Iterator[Syscall]:
    unfinished: dict[str, tuple[int, float, str]] = {}
    for order, line in enumerate(lines):
        match = _LINE.fullmatch(line.rstrip("\n"))
        if match is None:
            raise ValueError(f"line {order + 1} is not strace's: {line[:200]}")
        thread, time, rest = match["thread"], float(match["time"]), match["rest"]
        if rest.startswith(("+++", "---")):  # ended; took a signal
            continue
        if rest.endswith(_UNFINISHED):
            unfinished[thread] = order, time, rest.removesuffix(_UNFINISHED)
        elif resumed := _RESUMED.fullmatch(rest):
            entered, entered_at, begin = unfinished.pop(thread)
            yield from _call(begin + resumed["end"], entered, order, entered_at, time)
        else:
            yield from _call(rest, order, order, time, time)


def _call(text: str, entered: int, returned: int, entered_at: float, returned_at: float) -> Iterator[Syscall]:
    entry, outcome = _ENTRY.match(text), _RESULT.search(text)
    if outcome is None:
        raise ValueError(f"line {returned + 1} tells no result: {text[-200:]}")
    if entry is None or outcome["result"] is None:  # on no descriptor; ended with the process
        return
    result = int(outcome["result"])
    data = b"".join(_buffers(entry["arguments"]))[: max(result, 0)]
    yield Syscall(entry["name"], _target(entry["target"]), data, entered, returned, entered_at, returned_at, result)


def _buffers(arguments: str) -> Iterator[bytes]:
    for match in _BUFFER.finditer(arguments):
        if match["cut"]:
            raise ValueError(f"strace cut a buffer after {STRING_BYTES_MAX} bytes")
        yield bytes.fromhex(match["hex"].replace("\\x", ""))


def _target(text: str) -> str:
    """Paths are written in hexadecimal, sockets are not."""
    return _HEX.sub(lambda match: chr(int(match[1], 16)), text)
