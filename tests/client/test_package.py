"""`import ostraka` is free, and offers what it names."""

from __future__ import annotations

import subprocess
import sys

import pytest

import ostraka


@pytest.mark.parametrize("name", ostraka.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(ostraka, name) is not None
    assert name in dir(ostraka)


def test_every_exception_is_named() -> None:
    named = {value for name in ostraka.__all__ if isinstance(value := getattr(ostraka, name), type)}
    kinds = [ostraka.OstrakaError]
    for kind in kinds:
        assert kind in named
        kinds += kind.__subclasses__()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Klient'"):
        _ = ostraka.Klient


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import ostraka", ["grpc", "google.protobuf", "asyncio", "ostraka.errors"]),
        ("import ostraka.v1.kv_pb2", ["grpc", "ostraka.aio"]),
        ("import ostraka.aio", ["grpc", "ostraka.sync"]),
        ("from ostraka import Client", ["grpc"]),
    ],
)
def test_an_import_loads_no_more_than_it_needs(statement: str, absent: list[str]) -> None:
    program = f"{statement}; import sys; print([name for name in {absent} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
