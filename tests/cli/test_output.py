"""Output that is safe to look at and whole in a pipe."""

from __future__ import annotations

import pytest

from ostraka.cli.output import printable, write_table


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b"plain", "plain"),
        ("größe".encode(), "größe"),
        (b"\xff\xfe", "\\xff\\xfe"),
        (b"\x1b[2Jgone", "\\x1b[2Jgone"),
        (b"a\nb\x7f", "a\\x0ab\\x7f"),
        ("\x9b".encode(), "\\x9b"),
    ],
)
def test_nothing_reaches_the_terminal_that_could_act_on_it(data: bytes, shown: str) -> None:
    assert printable(data) == shown


def test_cells_are_aligned_and_never_cut_or_taken_for_markup(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    long = "x" * 3000
    write_table(("KEY", "N"), [("[bold]", 5), (long, 1234)])
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert len(lines) == 3
    assert lines[1].startswith("[bold] ")
    assert lines[2].split() == [long, "1234"]
    assert lines[1].index("5") == lines[2].index("4")
