"""Status codes under the names that Go's servers give them."""

from __future__ import annotations

import grpc
import pytest

from ostraka_server.rpc.errors import code_name


@pytest.mark.parametrize(
    ("code", "name"),
    [(0, "OK"), (1, "Canceled"), (4, "DeadlineExceeded"), (5, "NotFound"), (16, "Unauthenticated"), (99, "Unknown")],
)
def test_codes_have_names(code: int, name: str) -> None:
    assert code_name(code) == name


def test_every_code_has_a_name_of_its_own() -> None:
    assert len({code_name(code.value[0]) for code in grpc.StatusCode}) == len(grpc.StatusCode)
