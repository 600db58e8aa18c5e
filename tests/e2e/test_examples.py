"""The programs in examples/, as a reader would run them, against one real cluster."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.commands import output
from tests.e2e.harness import running
from tests.repo import sources

SAYS = {
    "quickstart.py": ["greeting is hello since revision", "users/grace is Grace", "deleted 3 users"],
    "asyncio_quickstart.py": ["greeting is hello", "sum of squares: 328350"],
    "pages.py": ["page: visits/2026-05-01T08=1 ", "page: visits/2026-05-01T16=4 ", "all day: 24"],
    "history.py": [
        "bread was 12 and is 9",
        "page: prices/bread 9",
        "page: prices/milk 4",
        "bread is still 9, as of ",
        "forgotten: the oldest revision that can be read is",
    ],
    "failures.py": ["stored at revision", "no use in trying again: too large", "not now: connection lost"],
    "cluster.py": ["n1 is ready at", "n3 is ready at", "and held by n1 n2 n3"],
    "transactions.py": [
        "ada has it, since revision",
        "grace is too late: ada has it",
        "shop/ada = 25 since",
        "shop/grace = 17 since",
    ],
    "bulk.py": ["2000 puts by 50 threads", "counted: 2000"],
}


def test_every_example_is_run() -> None:
    assert {path.name for path in sources.python_files("examples")} == set(SAYS)


@pytest.mark.e2e
def test_the_examples_do_what_they_say(tmp_path: Path) -> None:
    async def run_all() -> None:
        async with running(tmp_path / "cluster") as cluster:
            setting = f"OSTRAKA_ENDPOINTS={','.join(cluster.endpoints)}"
            for name, expected in SAYS.items():
                program = str(sources.ROOT / "examples" / name)
                said = await asyncio.to_thread(output, "env", setting, sys.executable, "-W", "error", program)
                assert [text for text in expected if text not in said] == [], f"{name} said:\n{said}"

    asyncio.run(run_all())
