"""Fixtures of the command line's tests."""

from __future__ import annotations

import pytest

from tests.cli.fakes import FakeClient, Runner


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def ostraka(capfdbinary: pytest.CaptureFixture[bytes], client: FakeClient, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """`ostraka("get", "k")` runs the command against `client`, without variables of the environment around."""
    for variable in ("OSTRAKA_ENDPOINTS", "OSTRAKA_TIMEOUT", "OSTRAKA_CONFIG"):
        monkeypatch.delenv(variable, raising=False)
    return Runner(capfdbinary, client)
