"""Time comes from the injected Clock and chance from the injected Random: what ruff's banned names cannot see.

Ruff knows `asyncio.sleep` and `time.monotonic` by their names, but neither a method of a loop nor a keyword.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repo import sources

CLOCK = sources.ROOT / "client" / "ostraka" / "clock.py"
SIMULATED = [path for path in sources.python_files(*sources.SHIPPED) if path != CLOCK]
# What `random` offers besides its shared generator.
INJECTED = {"random.Random", "random.SystemRandom"}


def _offences(tree: ast.AST) -> Iterator[str]:
    for module in sources.imports(tree):
        if module == "time" or module.startswith("time."):
            yield "imports time"
        if module.startswith("random.") and module not in INJECTED:
            yield f"imports {module}, of the shared generator"
    shared_generator = "random" if _imports_whole(tree, "random") else None  # else `random` is an argument's name
    for call in sources.calls(tree):
        function = sources.dotted(call.func)
        if function.endswith((".time", ".call_later")):
            yield f"calls {function}() in line {call.lineno}"
        elif function.partition(".")[0] == shared_generator and function not in INJECTED:
            yield f"calls {function}(), of the shared generator, in line {call.lineno}"
        elif function == "asyncio.get_event_loop":
            yield f"calls {function}(), which may make a loop, in line {call.lineno}"
        elif function == "asyncio.wait" and any(keyword.arg == "timeout" for keyword in call.keywords):
            yield f"gives {function}() a timeout by the loop's own clock in line {call.lineno}"


def _imports_whole(tree: ast.AST, module: str) -> bool:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.Import))
    return any(alias.name == module for node in imports for alias in node.names)


@pytest.mark.parametrize("path", SIMULATED, ids=sources.name)
def test_no_time_or_chance_but_the_injected(path: Path) -> None:
    assert list(_offences(sources.parsed(path))) == []


@pytest.mark.parametrize(
    "line",
    [
        "loop.time()",
        "asyncio.get_running_loop().time()",
        "self._loop.call_later(1, f)",
        "import time",
        "from time import perf_counter",
        "import random; random.random()",
        "from random import choice",
        "asyncio.get_event_loop()",
        "await asyncio.wait(tasks, timeout=1)",
    ],
)
def test_an_offence_is_seen(line: str) -> None:
    assert len(list(_offences(ast.parse(line, mode="exec")))) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "clock.now()",
        "rng = random.Random(seed)",
        "def f(random: Random): random.choice(x)",
        "await asyncio.wait(tasks)",
        "clock.sleep(1)",
    ],
)
def test_what_is_injected_is_no_offence(line: str) -> None:
    assert list(_offences(ast.parse(line))) == []
