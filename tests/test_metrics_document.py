"""docs/metrics.md names every metric that a node shows, as it shows it, and none that it does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from prometheus_client.parser import text_string_to_metric_families

from tests.repo.sources import ROOT
from tests.test_catalog import exposed

DOCUMENT = (ROOT / "docs" / "metrics.md").read_text()
ROWS = re.findall(r"^(\| `\w+` \| (?:gauge|counter|histogram) \|.*?\|.*?\|) (.*) \|$", DOCUMENT, flags=re.MULTILINE)
"""What a node says of itself, and what somebody has to say about it."""


def rows() -> Iterator[str]:
    """As the document has to have them, as far as that follows from what a node shows."""
    for family in text_string_to_metric_families(exposed()):
        name = family.name + "_total" * (family.type == "counter")
        labels = {label for sample in family.samples for label in sample.labels if label != "le"}
        yield f"| `{name}` | {family.type} | {', '.join(sorted(labels))} | {family.documentation} |"


def test_the_document_has_what_a_node_shows() -> None:
    assert sorted(row for row, _ in ROWS) == sorted(rows())


def test_every_metric_is_there_for_something() -> None:
    assert [row for row, advice in ROWS if not re.fullmatch(r".+\.|.+\?", advice)] == []
