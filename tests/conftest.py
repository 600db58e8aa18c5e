"""Options of the test run. Here, not beside the tests they serve: pytest reads options from the root only."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write down what the transcripts bring about")
