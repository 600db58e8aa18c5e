"""What the README says of the simulator is what its last stored results say."""

from __future__ import annotations

import pytest

from tests.repo import sources
from tests.simulation import readme

README = (sources.ROOT / "README.md").read_text()


@pytest.mark.parametrize("name", readme.RENDER)
def test_the_block_is_generated_from_the_stored_result(name: str) -> None:
    assert readme.with_block(README, name, readme.block(name)) == README


def test_a_block_takes_the_place_of_the_one_before() -> None:
    text = "a\n<!-- mutants: generated -->\nold\n<!-- mutants: end -->\nb"
    assert readme.with_block(text, "mutants", "new") == text.replace("old", "new")
    with pytest.raises(ValueError, match="no place for coverage"):
        readme.with_block(text, "coverage", "new")
