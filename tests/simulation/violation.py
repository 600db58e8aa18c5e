"""A broken invariant: what the simulator exists to find."""

from __future__ import annotations


class Violation(Exception):
    """`invariant` is a number of DESIGN.md ("P4"), `detail` what was seen; `at`: when it happened, if not when
    it was seen."""

    def __init__(self, invariant: str, detail: str, at: float | None = None) -> None:
        super().__init__(f"{invariant}: {detail}")
        self.invariant = invariant
        self.detail = detail
        self.at = at
