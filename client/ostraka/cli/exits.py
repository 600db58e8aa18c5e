"""What the exit codes of `ostraka` mean. Scripts may rely on them."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes. 1 is only ever an absent key: a crash of the command itself is 70."""

    OK = 0
    ABSENT = 1
    USAGE = 2
    UNAVAILABLE = 3
    REFUSED = 4
    UNKNOWN = 5
    NOT_INSTALLED = 6
    FAULT = 70
    INTERRUPTED = 130
    BROKEN_PIPE = 141


MEANINGS = {
    Exit.OK: "done",
    Exit.ABSENT: "`get`: there is no such key",
    Exit.USAGE: "wrong arguments or configuration, or a file that cannot be read or written",
    Exit.UNAVAILABLE: "not done, nobody could answer in time: try again",
    Exit.REFUSED: "not done, refused: the same request will not succeed later either",
    Exit.UNKNOWN: "a write was sent but not answered: it may or may not have taken effect; the message says if it did",
    Exit.NOT_INSTALLED: "an optional part is not installed; the message names the command that does",
    Exit.FAULT: "a bug in this command; please report the traceback",
    Exit.INTERRUPTED: "interrupted (Ctrl-C)",
    Exit.BROKEN_PIPE: "the reader of the output went away",
}
