"""docs/errors.md says what `ostraka.errors` does: what follows its mark is written by `--rewrite`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ostraka.errors import TABLE, AnswerLost, OstrakaError, OutcomeUnknown, Permanent, Retryable
from ostraka.v1 import common_pb2 as pb
from tests.repo.sources import ROOT

DOCUMENT = ROOT / "docs" / "errors.md"
MARK = "<!-- From here on written by `pytest tests/client/test_errors_document.py --rewrite` -->\n"


BRANCHES: tuple[type[OstrakaError], ...] = (Retryable, Permanent, OutcomeUnknown, AnswerLost)
TABLE_HEAD = """
## What a server's answer becomes

The reason decides; where there is none, the gRPC status does. Anything else is a `ServerFault`.

| reason | gRPC status | exception | of a write that may have been done |
|---|---|---|---|
"""


def described() -> Iterator[str]:
    """The part that follows from the code."""
    for branch in BRANCHES:
        leaves = branch.__subclasses__()
        yield f"\n## {branch.__name__}\n\n{branch.__doc__}"
        yield "\n\n| exception | meaning | what to do |\n|---|---|---|\n" if leaves else f" {branch.remedy}\n"
        for kind in leaves:
            yield f"| `{kind.__name__}` | {kind.__doc__} | {kind.remedy} |\n"
    yield TABLE_HEAD
    for reason, status, kind in TABLE:
        unknown = kind if kind.refusal or kind is AnswerLost else OutcomeUnknown
        name, code = pb.Reason.Name(reason) if reason else "", status.name if status else ""
        yield f"| {name} | {code} | `{kind.__name__}` | `{unknown.__name__}` |\n"


def test_the_document_says_what_the_code_does(request: pytest.FixtureRequest) -> None:
    prose, mark, rest = DOCUMENT.read_text().partition(MARK)
    expected = "".join(described())
    if request.config.getoption("--rewrite"):
        DOCUMENT.write_text(prose + MARK + expected)
    else:
        assert mark
        assert rest == expected


def test_every_exception_has_its_place() -> None:
    assert set(OstrakaError.__subclasses__()) == set(BRANCHES)
    named = "".join(described())
    assert all(kind.__name__ in named for branch in BRANCHES for kind in branch.__subclasses__())
