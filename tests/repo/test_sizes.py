"""Modules and functions stay small enough to be read in one go. (The aim is half of these limits.)"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.repo import sources

MODULE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60


@pytest.mark.parametrize("path", sources.python_files(*sources.ALL), ids=sources.name)
def test_module_and_its_functions_are_small(path: Path) -> None:
    module_lines = len(path.read_text().splitlines())
    assert module_lines <= MODULE_LINES_MAX
    functions = (
        node for node in ast.walk(sources.parsed(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lines = {function.name: (function.end_lineno or 0) - function.lineno + 1 for function in functions}
    assert {name: count for name, count in lines.items() if count > FUNCTION_LINES_MAX} == {}
