"""What every run under faults must show in the end."""

from __future__ import annotations

from pathlib import Path

from ostraka.checking import check_linearizable, dump_operations, lost_writes
from tests.e2e.load import Load

MAX_STEPS = 20_000_000


async def prove(load: Load, keep: Path) -> None:
    """Read everything back: nothing acknowledged is lost, and the history is linearizable.

    AssertionError else; the history is then in the file `keep`.
    """
    final = await load.read_all()
    operations = load.history.operations()
    lost = lost_writes(operations, final)
    result = check_linearizable(operations, max_steps=MAX_STEPS)
    if lost or not result.ok:
        with keep.open("w") as file:
            file.writelines(dump_operations(operations))
        raise AssertionError(f"lost: {lost[:3]}\n{result}\nthe history is kept in {keep}")
